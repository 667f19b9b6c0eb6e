/* index.ts: the commands of hs-replicate, in the order of its help. */
import { checkCommand } from './check.js';
import { configCommand } from './config.js';
import { statusCommand, stopCommand, switchoverCommand } from './control.js';
import { keyCommand } from './key.js';
import { laterCommand } from './later.js';
import { backupCommand, primaryCommand } from './pair.js';
import { demoCommand, recordCommand, replayCommand } from './run.js';
import type { CommandSpec } from '../shell.js';

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

export const replicateCommands: readonly CommandSpec[] = [
  demoCommand, recordCommand, replayCommand, primaryCommand, backupCommand, pairCommand,
  syncCommand, mirrorCommand, statusCommand, switchoverCommand, stopCommand, keyCommand,
  checkCommand, configCommand,
];
