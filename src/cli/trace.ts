/* trace.ts: the command `hs-trace`: watches a program with eBPF and tells what makes it
 * nondeterministic. This version has the command's shell only. */
import { auditCommand } from './commands/audit.js';
import { laterCommand } from './commands/later.js';
import { createProgram, run } from './shell.js';

const program = createProgram(
  'hs-trace',
  'Watches a program and tells what makes it nondeterministic.',
  [
    {
      ...laterCommand(
        'watch [arguments...]',
        'watch a program and tell what makes it nondeterministic',
        'hs-trace -- redis-server --port 7000',
      ),
      isDefault: true,
    },
    auditCommand,
    laterCommand(
      'diff [arguments...]',
      'what changed between two reports',
      'hs-trace diff before.json after.json',
    ),
  ],
);

await run(program);
