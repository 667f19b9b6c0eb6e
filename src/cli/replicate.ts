/* replicate.ts: the command `hs-replicate`: the list of its commands, in the order of its help.
 * Each command is a CommandSpec in commands/; shell.ts runs it. */
import { checkCommand } from './commands/check.js';
import { configCommand } from './commands/config.js';
import { statusCommand, stopCommand, switchoverCommand } from './commands/control.js';
import { keyCommand } from './commands/key.js';
import { laterCommand } from './commands/later.js';
import { backupCommand, primaryCommand } from './commands/pair.js';
import { demoCommand, recordCommand, replayCommand } from './commands/run.js';
import { createProgram, run } from './shell.js';

const pairCommand = laterCommand(
  'pair [arguments...]',
  'the same command on both hosts, which agree who is primary',
  'hs-replicate pair --peer 10.0.0.2:7400 --listen 10.0.0.1:7400 -- redis-server',
  'start "primary" on one host and "backup" on the other',
);
const syncCommand = laterCommand(
  'sync [arguments...]',
  'bring the files of both hosts to the same state',
  'hs-replicate sync',
  'copy executables, libraries, configuration and data to the other host by other means',
);
const mirrorCommand = laterCommand(
  'mirror [arguments...]',
  'replicate changes of files only',
  'hs-replicate mirror --path /srv/data',
);

const program = createProgram(
  'hs-replicate',
  'Keeps an unmodified Linux server running through the death of its machine.',
  [
    demoCommand, recordCommand, replayCommand, primaryCommand, backupCommand, pairCommand,
    syncCommand, mirrorCommand, statusCommand, switchoverCommand, stopCommand, keyCommand,
    checkCommand, configCommand,
  ],
);

await run(program);
