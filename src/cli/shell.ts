/* shell.ts: what every command has in common: the options all of them take, settings, results on
 * stdout, errors on stderr, exit status, interruption.
 * The rule: a command's action returns its exit status or throws; only run() here ends it. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError, Option } from 'commander';
import {
  flagOf, loadConfiguration, settingNames, settingsTable, type Configuration, type SettingName,
} from '../config.js';
import { Interrupted, UserError, asHotswapError, endings } from '../errors.js';
import { log, setLogLevel } from '../log.js';

/** What an action gets. */
export interface Invocation {
  /** Operands and, behind `--`, the program's command line. */
  operands: string[];
  options: Record<string, unknown>;
  configuration: Configuration;
  isJson: boolean;
  /** Aborted with an Interrupted by SIGINT, SIGTERM and SIGHUP. */
  signal: AbortSignal;
}

export interface CommandSpec {
  /** Name and operands, as commander writes them: `replay <dir>`. */
  usage: string;
  summary: string;
  /** Settings of the table that this command takes as flags. */
  settings?: readonly SettingName[];
  /** Options that are no settings. */
  options?: readonly Option[];
  /** Whether operands begin a command line of their own: options behind it belong to that. */
  hasProgram?: boolean;
  /** Options it does not know are left among the operands. */
  takesAnything?: boolean;
  /** What the program does when no command is named. */
  isDefault?: boolean;
  examples: readonly [string, ...string[]];
  /** Exit status; nothing is 0. */
  run: (invocation: Invocation) => Promise<number | void>;
}

export const version: string = readVersion();

function readVersion(): string {
  // package.json is two levels up from src/cli, and three from dist/src/cli.
  for (const place of ['../../package.json', '../../../package.json']) {
    try {
      const text = readFileSync(new URL(place, import.meta.url), 'utf8');
      return (JSON.parse(text) as { version: string }).version;
    } catch {
      continue;
    }
  }
  return 'unknown';
}

/** A program with its commands, ready for run(). */
export function createProgram(
  name: string,
  description: string,
  specs: readonly CommandSpec[],
): Command {
  const program = new Command(name)
    .description(description)
    .version(version, '--version', 'print the version')
    .helpOption('--help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .enablePositionalOptions()
    .addHelpText('after', () => `\nExit status:\n${exitTable()}`);
  quiet(program);
  for (const spec of specs) addCommand(program, spec);
  return program;
}

function addCommand(program: Command, spec: CommandSpec): void {
  const command = program.command(spec.usage, { isDefault: spec.isDefault === true })
    .summary(spec.summary)
    .description(spec.summary)
    .helpOption('--help', 'print this help')
    .version(version, '--version', 'print the version');
  quiet(command);
  if (spec.hasProgram) command.passThroughOptions();
  if (spec.takesAnything) command.allowUnknownOption();
  for (const option of spec.options ?? []) command.addOption(option);
  const settings = [...(spec.settings ?? []), 'logLevel' as const];
  for (const setting of settings) command.addOption(settingOption(setting));
  command.option('--config <file>', 'settings file (default: hotswap.toml or hotswap.json here)');
  command.option('--json', 'machine-readable result on stdout');
  const examples = spec.examples.map((line) => `  $ ${line}`).join('\n');
  command.addHelpText('after', `\nExample${spec.examples.length > 1 ? 's' : ''}:\n${examples}`);
  command.action(async () => {
    statuses.set(program, (await invoke(command, spec)) ?? 0);
  });
}

/** What the action of each program that ran has returned. */
const statuses = new WeakMap<Command, number>();

function settingOption(name: SettingName): Option {
  const row: { placeholder: string; help: string; default?: string } = settingsTable[name];
  const help = row.default === undefined ? row.help : `${row.help} (default: ${row.default})`;
  return new Option(`${flagOf(name)} <${row.placeholder}>`, help);
}

/** Commander's own messages come back as errors, so that they end like all others. */
function quiet(command: Command): void {
  command.exitOverride().configureOutput({ outputError: () => {} });
}

async function invoke(command: Command, spec: CommandSpec): Promise<number | void> {
  const options = command.opts();
  const flags = Object.fromEntries(settingNames.map((name) => [name, options[name]]));
  const file = options['config'] as string | undefined;
  const configuration = loadConfiguration({ flags, file });
  setLogLevel(configuration.settings.logLevel);

  const controller = new AbortController();
  const release = onInterrupt((signal) => {
    // A second one means: now. What is left is what the engine's children do with their ends.
    if (controller.signal.aborted) process.exit(endings.HS_INTERRUPTED.exit);
    controller.abort(new Interrupted(signal));
  });
  try {
    return await spec.run({
      operands: command.args,
      options,
      configuration,
      isJson: options['json'] === true,
      signal: controller.signal,
    });
  } catch (error) {
    // What fails because of the interruption is the interruption.
    if (controller.signal.aborted && isAbort(error)) throw controller.signal.reason;
    throw error;
  } finally {
    release();
  }
}

const isAbort = (error: unknown): boolean => error instanceof Error && error.name === 'AbortError';

function onInterrupt(handler: (signal: NodeJS.Signals) => void): () => void {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, handler);
  return () => {
    for (const signal of signals) process.off(signal, handler);
  };
}

/** Runs the program with the process's arguments and ends the process with the right status. */
export async function run(program: Command, argv: string[] = process.argv): Promise<void> {
  // A reader that has gone (`| head`) is no fault of ours.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  process.exitCode = await statusOf(program, argv);
}

async function statusOf(program: Command, argv: string[]): Promise<number> {
  try {
    await program.parseAsync(argv);
    return statuses.get(program) ?? 0;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    return report(program, argv, error);
  }
}

/** Tells on stderr what went wrong, in one sentence; with --json as an object on stdout too. */
function report(program: Command, argv: string[], thrown: unknown): number {
  const own = argv.slice(2);
  const options = own.includes('--') ? own.slice(0, own.indexOf('--')) : own;
  const error = thrown instanceof CommanderError
    ? usageError(program, options[0], thrown)
    : asHotswapError(thrown);
  if (options.includes('--json')) printJson({ ok: false, error });
  process.stderr.write(`${program.name()}: ${error.message}\n`);
  if (log.isLevelEnabled('debug')) {
    const cause = error.cause instanceof Error ? `\ncaused by ${error.cause.stack}` : '';
    process.stderr.write(`${error.stack}${cause}\n`);
  }
  return error.exitCode;
}

function usageError(program: Command, first: string | undefined, error: CommanderError): UserError {
  const name = program.name();
  const isCommand = program.commands.some((command) => command.name() === first);
  const help = isCommand ? `${name} ${first} --help` : `${name} --help`;
  const what = error.code === 'commander.help'
    ? 'no command given'
    : error.message.replace(/^error: /, '').replaceAll('\n', ' ').replace(/\.$/, '');
  return new UserError(`${what}; see "${help}"`, { reason: error.code, cause: error });
}

function exitTable(): string {
  const rows = Object.values(endings)
    .map(({ exit, means }) => `  ${String(exit).padEnd(4)} ${means}`);
  return ['  0    done', ...rows].join('\n');
}

/** One object on one line of stdout. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

export function printLine(text = ''): void {
  process.stdout.write(`${text}\n`);
}

/** Rows of equal columns, each as wide as its widest cell; the last one is not padded. */
export function printTable(rows: readonly (readonly string[])[]): void {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, i) => { widths[i] = Math.max(widths[i] ?? 0, cell.length); });
  }
  for (const row of rows) {
    const cells = row.map((cell, i) => (i < row.length - 1 ? cell.padEnd(widths[i] ?? 0) : cell));
    printLine(cells.join('  ').trimEnd());
  }
}
