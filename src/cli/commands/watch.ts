/* watch.ts: `hs-trace [-p PID] [-- CMD…]`: watches a program with eBPF and tells what makes it
 * nondeterministic. Checks what was asked, hands it to the observer, and shows what it found.
 * The rule: stdout belongs to the watched program until its end; the report comes after it. */
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { Option } from 'commander';
import { UserError, endings, errnoOf } from '../../errors.js';
import { details, type Detail } from '../../trace/observation.js';
import type { ObserveOptions, ObservedEvent } from '../../trace/observe/index.js';
import { toJson } from '../../trace/show/json.js';
import { renderTerminal, type TerminalOptions } from '../../trace/show/terminal.js';
import { printJson, type CommandSpec } from '../shell.js';

const secondsMax = 1_000_000;

export const watchCommand: CommandSpec = {
  usage: 'watch [command...]',
  summary: 'watch a program and tell what makes it nondeterministic',
  options: [
    new Option('--detail <level>', 'how much is observed').choices([...details]).default('full'),
    new Option('-p, --pid <pid>', 'watch a running process, its threads and descendants'),
    new Option('-d, --duration <seconds>', 'end after so long; a command is then terminated'),
    new Option('--html <file>', 'write the report as one page that needs no network'),
    new Option('--events', 'print every call as it returns, a JSON line each'),
  ],
  hasProgram: true,
  isDefault: true,
  examples: [
    'hs-trace -- redis-server --port 7000',
    'hs-trace --detail counts -d 10 -p 4711',
  ],
  run: async ({ operands, options, isJson, signal }) => {
    const asked = readOptions(operands, options);
    const htmlFile = options['html'] as string | undefined;
    if (htmlFile !== undefined) requireWritable(htmlFile);
    const { observe, statusOf } = await import('../../trace/observe/index.js');
    const onEvents = options['events'] === true ? printEvents : undefined;
    const { observation, because, end } = await observe({ ...asked, signal, onEvents });
    const { judge } = await import('../../trace/judge/index.js');
    const report = await judge(observation);
    if (htmlFile !== undefined) {
      const { renderHtml } = await import('../../trace/show/html/index.js');
      writeFileSync(htmlFile, renderHtml(report));
    }
    if (isJson) printJson(toJson(report));
    else process.stdout.write(renderTerminal(report, terminalOptions()));
    if (because === 'interruption') return endings.HS_INTERRUPTED.exit;
    return because === 'end' && end !== null ? statusOf(end) : 0;
  },
};

/** Before anything is watched: a report that could not be written would be lost. */
function requireWritable(file: string): void {
  try {
    closeSync(openSync(file, 'a'));
  } catch (cause) {
    const reason = errnoOf(cause);
    throw new UserError(`--html ${file} cannot be written (${reason}): name another file`,
      { cause });
  }
}

function terminalOptions(): TerminalOptions {
  const { isTTY, columns } = process.stdout;
  return { columns, isColor: isTTY && process.env['NO_COLOR'] === undefined };
}

/** One line each. Node writes to pipes and files of Linux at once, so a reader that is too slow
 * holds this up, and what the kernel's ring then cannot take is counted as lost. */
function printEvents(events: readonly ObservedEvent[]): void {
  const lines = events.map(({ timeNs, pid, tid, call, result, ns, ip }) =>
    `{"timeNs":${timeNs},"pid":${pid},"tid":${tid},"call":"${call}","result":${result},` +
      `"ns":${ns},"ip":"0x${ip.toString(16)}"}\n`);
  process.stdout.write(lines.join(''));
}

function readOptions(
  operands: string[], options: Record<string, unknown>,
): Omit<ObserveOptions, 'signal'> {
  const pid = options['pid'] as string | undefined;
  if (pid === undefined && operands.length === 0) {
    throw new UserError('nothing to watch: give a command behind --, or a process with -p');
  }
  if (pid !== undefined && operands.length > 0) {
    throw new UserError(`either a command or -p, not both: leave out -p ${pid}`);
  }
  return {
    subject: pid === undefined ? operands : wholeNumber('-p', pid),
    detail: options['detail'] as Detail,
    durationMs: durationOf(options['duration'] as string | undefined),
  };
}

function wholeNumber(option: string, text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new UserError(`${option} ${text} is no process id: give a whole number above 0`);
}

function durationOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : 0;
  if (seconds > 0 && seconds <= secondsMax) return seconds * 1000;
  throw new UserError(`-d ${text} is no number of seconds above 0: give one, like 10 or 0.5`);
}
