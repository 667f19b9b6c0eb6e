/* trace.ts: the command `hs-trace`: watches a program with eBPF and tells what makes it
 * nondeterministic.
 * The rule: what a command does is in commands/; here they are only named. */
import { auditCommand } from './commands/audit.js';
import { diffCommand } from './commands/diff.js';
import { watchCommand } from './commands/watch.js';
import { createProgram, run } from './shell.js';

const program = createProgram(
  'hs-trace',
  'Watches a program and tells what makes it nondeterministic.',
  [
    watchCommand,
    auditCommand,
    diffCommand,
  ],
);

await run(program);
