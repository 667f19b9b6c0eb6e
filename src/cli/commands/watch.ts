/* watch.ts: `hs-trace [-p PID] [-- CMD…]`: watches a program with eBPF and tells what makes it
 * nondeterministic. Checks what was asked, hands it to the observer, and shows what it found.
 * The rule: stdout belongs to the watched program until its end; the report comes after it. */
import { Option } from 'commander';
import { UserError, endings } from '../../errors.js';
import { details, type Detail, type Observation } from '../../trace/observation.js';
import type { ObserveOptions } from '../../trace/observe/index.js';
import { printJson, printLine, printTable, type CommandSpec } from '../shell.js';

const secondsMax = 1_000_000;

export const watchCommand: CommandSpec = {
  usage: 'watch [command...]',
  summary: 'watch a program and tell what makes it nondeterministic',
  options: [
    new Option('--detail <level>', 'how much is observed').choices([...details]).default('full'),
    new Option('-p, --pid <pid>', 'watch a running process, its threads and descendants'),
    new Option('-d, --duration <seconds>', 'end after so long; a command is then terminated'),
  ],
  hasProgram: true,
  isDefault: true,
  examples: [
    'hs-trace -- redis-server --port 7000',
    'hs-trace --detail counts -d 10 -p 4711',
  ],
  run: async ({ operands, options, isJson, signal }) => {
    const asked = readOptions(operands, options);
    const { observe, statusOf } = await import('../../trace/observe/index.js');
    const { observation, because, end } = await observe({ ...asked, signal });
    if (isJson) printJson(jsonOf(observation));
    else printCalls(observation);
    if (because === 'interruption') return endings.HS_INTERRUPTED.exit;
    return because === 'end' && end !== null ? statusOf(end) : 0;
  },
};

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

function jsonOf({ calls, events, lostPerCpu }: Observation) {
  const syscalls = Object.fromEntries(
    calls.map(({ name, count, errors, ns }) => [name, { count, errors, ns }]));
  return { syscalls, events, lost: lostPerCpu.reduce((sum, n) => sum + n, 0) };
}

function printCalls({ calls, events, lostPerCpu, nsPerEvent }: Observation): void {
  const rows = calls.map(({ name, count, errors, ns }) =>
    [name, String(count), String(errors), ns === 0 ? '' : (ns / count / 1000).toFixed(1)]);
  printTable([['call', 'count', 'errors', 'us/call'], ...rows]);
  const cost = nsPerEvent === null ? '' : `, ${Math.round(nsPerEvent)} ns each`;
  printLine(`${events} events, ${lostPerCpu.join('+')} lost${cost}`);
}
