/* trace.ts: the command `hs-trace`: watches a program with eBPF and tells what makes it
 * nondeterministic.
 * The rule: what a command does is in commands/; here they are only named. */
import { auditCommand } from './commands/audit.js';
import { laterCommand } from './commands/later.js';
import { watchCommand } from './commands/watch.js';
import { createProgram, run } from './shell.js';

const program = createProgram(
  'hs-trace',
  'Watches a program and tells what makes it nondeterministic.',
  [
    watchCommand,
    auditCommand,
    laterCommand(
      'diff [arguments...]',
      'what changed between two reports',
      'hs-trace diff before.json after.json',
    ),
  ],
);

await run(program);
