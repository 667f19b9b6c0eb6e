/* pair.ts: `primary` and `backup`: the two halves of a pair, one on each host. Checks what was
 * asked against this host before anything is started, and hands it to the engine.
 * The rule: both end with the program's own status when the program ends by itself. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Option } from 'commander';
import { environmentNameOf, flagOf, type SettingName, type Settings } from '../../config.js';
import type { PairOptions } from '../../engine/options.js';
import { UserError } from '../../errors.js';
import { requireFreeAddress, requireHost, requireProgram } from '../preflight/gate.js';
import type { CommandSpec, Invocation } from '../shell.js';
import { printJson } from '../shell.js';
import { requireKey } from './key.js';
import { programStart, statusOf } from './run.js';

const pairSettings = ['dev', 'keyFile', 'name', 'runtimeDir', 'logDir', 'detect', 'audit'] as const;

export const primaryCommand: CommandSpec = {
  usage: 'primary <command...>',
  summary: 'run a program as the primary of a pair',
  settings: [
    'listen', 'vip', 'commit', ...pairSettings,
    'maxLagRecords', 'maxLagMs', 'lagPolicy', 'onPartition', 'schedule', 'memoryCheck',
  ],
  options: [new Option('--wait-backup', 'start the program when a backup has joined')],
  hasProgram: true,
  examples: [
    'hs-replicate primary --listen 10.0.0.1:7400 --vip 10.0.0.9/24 --dev eth0 \\\n' +
      '      --key-file /etc/hotswap/pair.key --wait-backup \\\n' +
      '      -- redis-server --bind 10.0.0.9 --protected-mode no',
  ],
  run: async (invocation) => {
    const { settings } = invocation.configuration;
    const { commit, schedule, memoryCheck } = settings;
    const { maxLagRecords, maxLagMs, lagPolicy, onPartition } = settings;
    const start = programStart(invocation.operands);
    const options = {
      ...start,
      ...pairOptions(invocation),
      listen: need(settings, 'listen'),
      vip: need(settings, 'vip'),
      commit,
      schedule,
      memoryCheck,
      maxLagRecords,
      maxLagMs,
      lagPolicy,
      onPartition,
      waitBackup: invocation.options['waitBackup'] === true,
    };
    requireProgram(invocation.operands[0]!);
    await requireHost();
    await requireFreeAddress(options.vip, options.dev);
    const { primary } = await import('../../engine/index.js');
    const result = await primary(options);
    if (invocation.isJson) printJson({ ok: true, ...result });
    return statusOf(result);
  },
};

export const backupCommand: CommandSpec = {
  usage: 'backup',
  summary: 'follow a primary, and take over when it dies',
  settings: ['connect', ...pairSettings, 'processors'],
  examples: [
    'hs-replicate backup --connect 10.0.0.1:7400 --dev eth0 --key-file /etc/hotswap/pair.key',
  ],
  run: async (invocation) => {
    const { settings } = invocation.configuration;
    const options = {
      ...pairOptions(invocation), connect: need(settings, 'connect'),
      processors: settings.processors,
    };
    await requireHost();
    const { backup } = await import('../../engine/index.js');
    const result = await backup(options);
    if (invocation.isJson) printJson({ ok: true, ...result });
    return statusOf(result);
  },
};

function pairOptions({ configuration, signal }: Invocation): PairOptions {
  const { settings } = configuration;
  const { name, runtimeDir, keyFile, logDir, detect, audit } = settings;
  const dev = need(settings, 'dev');
  if (!existsSync(join('/sys/class/net', dev))) {
    throw new UserError(`there is no network interface ${dev} here: "ip link" lists them`);
  }
  requireKey(keyFile);
  return { name, runtimeDir, keyFile, logDir, dev, detect, audit, signal };
}

/** A setting without a default that the command cannot do without. */
function need<K extends SettingName>(settings: Settings, name: K): NonNullable<Settings[K]> {
  const value = settings[name];
  if (value !== undefined) return value;
  const file = 'hotswap.toml';
  throw new UserError(
    `${flagOf(name)} is missing: give it, or set ${environmentNameOf(name)} or put it in ${file}`,
  );
}
