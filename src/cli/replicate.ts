/* replicate.ts: the command `hs-replicate`. Each of its commands is a CommandSpec in commands/;
 * shell.ts runs it. */
import { replicateCommands } from './commands/index.js';
import { createProgram, run } from './shell.js';

await run(createProgram(
  'hs-replicate',
  'Keeps an unmodified Linux server running through the death of its machine.',
  replicateCommands,
));
