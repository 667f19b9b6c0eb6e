/* config.ts: the settings of every command, in one table, and how the effective ones are found.
 * Precedence: flags > HOTSWAP_* > hotswap.toml or hotswap.json > defaults; each value remembers
 * where it came from. Flags, environment names, help and `hs-replicate config` come from the table.
 * The rule: nothing else reads HOTSWAP_* or the settings file. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parse as parseToml } from 'smol-toml';
import { z } from 'zod';
import { UserError } from './errors.js';
import { logLevels } from './log.js';
import {
  choice, detect, deviceName, endpoint, integer, pairName, path, schedule, vip,
} from './config-values.js';

interface Row<S extends z.ZodType = z.ZodType> {
  schema: S;
  /** How the value is written in help: `--listen <host:port>`. */
  placeholder: string;
  help: string;
  /** As text, as a user would write it. A row without one may stay unset. */
  default?: string;
  /** A relative path is relative to where it was written: the working directory, or the file. */
  isPath?: boolean;
}

const row = <const R extends Row>(r: R): R => r;

/** THE table of settings. The key in camel case gives `--key-file` and HOTSWAP_KEY_FILE. */
export const settingsTable = {
  listen: row({
    schema: endpoint,
    placeholder: 'host:port',
    help: 'where the primary waits for its backup',
  }),
  connect: row({
    schema: endpoint,
    placeholder: 'host:port',
    help: 'where the backup finds the primary',
  }),
  vip: row({
    schema: vip,
    placeholder: 'addr/len',
    help: 'service address that moves with the program',
  }),
  dev: row({
    schema: deviceName,
    placeholder: 'if',
    help: 'network interface that carries the service address',
  }),
  commit: row({
    schema: choice(['async', 'logged', 'verified']),
    placeholder: 'mode',
    help: 'when output may leave the primary: async, logged or verified',
    default: 'logged',
  }),
  keyFile: row({
    schema: path,
    placeholder: 'file',
    help: 'pairing key, made by "hs-replicate key"',
    isPath: true,
  }),
  name: row({
    schema: pairName,
    placeholder: 'name',
    help: 'name of the pair on this host',
    default: 'default',
  }),
  runtimeDir: row({
    schema: path,
    placeholder: 'dir',
    help: 'directory of control sockets',
    default: '/run/hotswap',
    isPath: true,
  }),
  logDir: row({
    schema: path,
    placeholder: 'dir',
    help: 'keep the records on disk there too',
    isPath: true,
  }),
  detect: row({
    schema: detect,
    placeholder: 'fast|MSxN',
    help: 'the peer is dead after N silences of MS milliseconds; fast is 10x3',
    default: '50x3',
  }),
  maxLagRecords: row({
    schema: integer(1, 1e9),
    placeholder: 'n',
    help: 'how many records the backup may be behind',
    default: '4096',
  }),
  maxLagMs: row({
    schema: integer(1, 1e6),
    placeholder: 'ms',
    help: 'how long the backup may be behind',
    default: '100',
  }),
  lagPolicy: row({
    schema: choice(['slow-primary', 'drop-backup']),
    placeholder: 'policy',
    help: 'beyond that: slow-primary or drop-backup',
    default: 'slow-primary',
  }),
  onPartition: row({
    schema: choice(['backup-takes-over', 'primary-continues', 'stop']),
    placeholder: 'policy',
    help: 'when the hosts cannot hear each other: backup-takes-over, primary-continues or stop',
    default: 'backup-takes-over',
  }),
  audit: row({
    schema: choice(['off', 'report', 'refuse', 'fatal']),
    placeholder: 'policy',
    help: 'on calls the shim did not record: off, report, refuse or fatal (to the replica)',
    default: 'report',
  }),
  processors: row({
    schema: choice(['same', 'any']),
    placeholder: 'which',
    help: 'may the two processors differ in what libraries choose code by: same or any',
    default: 'same',
  }),
  memoryCheck: row({
    schema: integer(0, 86_400),
    placeholder: 'seconds',
    help: 'compare all memory of the two copies that often while they run; 0: never',
    default: '0',
  }),
  schedule: row({
    schema: schedule,
    placeholder: 'how',
    help: 'threads that share memory: serial, one at a time; parallel, if they only share by locks',
    default: 'serial',
  }),
  logLevel: row({
    schema: choice(logLevels),
    placeholder: 'level',
    help: `what is logged on stderr: ${logLevels.join(', ')}`,
    default: 'info',
  }),
};

type Table = typeof settingsTable;
export type SettingName = keyof Table;
export type Settings = {
  [K in SettingName]: Table[K] extends { default: string }
    ? z.output<Table[K]['schema']>
    : z.output<Table[K]['schema']> | undefined;
};

export interface Origin {
  from: 'flag' | 'environment' | 'file' | 'default' | 'unset';
  /** What to look at to change it: `--commit`, `HOTSWAP_COMMIT`, the file's path. */
  where: string;
}

export interface Configuration {
  settings: Settings;
  origins: Record<SettingName, Origin>;
  /** The settings file that was read, if any. */
  file: string | undefined;
}

export const settingNames = Object.keys(settingsTable) as SettingName[];
export const fileKeyOf = (name: SettingName): string =>
  name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
export const flagOf = (name: SettingName): string => `--${fileKeyOf(name)}`;
export const environmentNameOf = (name: SettingName): string =>
  `HOTSWAP_${fileKeyOf(name).replaceAll('-', '_').toUpperCase()}`;

export interface ConfigurationInput {
  /** Values as written on the command line; a key that is undefined was not given. */
  flags?: Partial<Record<SettingName, unknown>>;
  environment?: NodeJS.ProcessEnv;
  cwd?: string;
  /** Read this file instead of looking in `cwd`; it must exist. */
  file?: string;
}

interface Candidate {
  value: unknown;
  origin: Origin;
  /** Base of relative paths. */
  base: string;
}

/** The effective settings. Throws UserError naming the value that is wrong and where it stands. */
export function loadConfiguration(input: ConfigurationInput = {}): Configuration {
  const environment = input.environment ?? process.env;
  const cwd = input.cwd ?? process.cwd();
  const file = findFile(input.file ?? environment['HOTSWAP_CONFIG'], cwd);
  const fileValues = file === undefined ? {} : readSettingsFile(file);

  const settings: Partial<Record<SettingName, unknown>> = {};
  const origins: Partial<Record<SettingName, Origin>> = {};
  for (const name of settingNames) {
    const found = choose(name, input.flags ?? {}, environment, fileValues, file, cwd);
    origins[name] = found.origin;
    settings[name] = found.value === undefined ? undefined : parseValue(name, found);
  }
  return {
    settings: settings as Settings,
    origins: origins as Record<SettingName, Origin>,
    file,
  };
}

function choose(
  name: SettingName,
  flags: Partial<Record<SettingName, unknown>>,
  environment: NodeJS.ProcessEnv,
  fileValues: Record<string, unknown>,
  file: string | undefined,
  cwd: string,
): Candidate {
  const candidate = (from: Origin['from'], where: string, value: unknown, base = cwd): Candidate =>
    ({ value, origin: { from, where }, base });
  if (flags[name] !== undefined) return candidate('flag', flagOf(name), flags[name]);
  const variable = environmentNameOf(name);
  if (environment[variable]) return candidate('environment', variable, environment[variable]);
  const written = fileValues[fileKeyOf(name)];
  if (file !== undefined && written !== undefined) {
    return candidate('file', file, written, dirname(file));
  }
  const fallback = (settingsTable[name] as Row).default;
  return candidate(fallback === undefined ? 'unset' : 'default', '', fallback);
}

function parseValue(name: SettingName, { value, origin, base }: Candidate): unknown {
  const { schema, isPath } = settingsTable[name] as Row;
  const result = schema.safeParse(value);
  if (!result.success) {
    const why = result.error.issues[0]?.message ?? 'not valid';
    const where = origin.from === 'file' ? `${fileKeyOf(name)} in ${origin.where}` : origin.where;
    throw new UserError(`${where} is ${JSON.stringify(value)}: ${why}`, { reason: 'setting' });
  }
  return isPath ? resolve(base, result.data as string) : result.data;
}

function findFile(given: string | undefined, cwd: string): string | undefined {
  if (given) {
    const file = resolve(cwd, given);
    if (!existsSync(file)) throw new UserError(`settings file ${file} does not exist`);
    return file;
  }
  const found = ['hotswap.toml', 'hotswap.json'].map((f) => join(cwd, f)).filter(existsSync);
  if (found.length > 1) {
    throw new UserError(`both ${found.join(' and ')} exist: keep one of them`);
  }
  return found[0];
}

function readSettingsFile(file: string): Record<string, unknown> {
  let values: unknown;
  try {
    const text = readFileSync(file, 'utf8');
    values = file.endsWith('.json') ? JSON.parse(text) : parseToml(text);
  } catch (error) {
    const why = (error as Error).message.split('\n')[0];
    throw new UserError(`cannot read the settings in ${file}: ${why}`, { cause: error });
  }
  const table = z.record(z.string(), z.unknown()).safeParse(values);
  if (!table.success) throw new UserError(`${file} must hold one table of settings`);
  const known = new Set(settingNames.map(fileKeyOf));
  for (const key of Object.keys(table.data)) {
    if (known.has(key)) continue;
    throw new UserError(
      `${file} sets "${key}", which is no setting; "hs-replicate config" lists them`,
    );
  }
  return table.data;
}
