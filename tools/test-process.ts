/* test-process.ts: runs one test file and judges it. uvu alone lets three things pass: a file
 * that forgets `run()`, a `before` that throws, and a file that never ends. Here a file fails
 *   - without a single test, or when fewer passed than there are,
 *   - when it ends with a status other than 0, or by a signal,
 *   - past its bound (300 s, or `bound: SECONDS` in a comment of its first 20 lines),
 *   - when a process of its group outlives it.
 * The rule: whatever happened, no process of the file's group is left when this returns. */
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';

export interface FileResult {
  file: string;
  passed: number;
  failed: number;
  skipped: number;
  faults: string[];
}

export interface FileRun {
  path: string;
  /** The path as it is shown. */
  file: string;
  only?: string;
  signal?: AbortSignal;
  /** Gets the file's output; default: this process's stdout. */
  write?: (text: string) => void;
}

const defaultBoundMs = 300_000;
/** Between asking a group to end and killing it: time to remove namespaces and the like. */
const graceMs = 10_000;
/** How long a child of the file may take to notice that the file has ended. */
const lingerMs = 2_000;

/** The bound that the file's head asks for. */
export function boundOf(source: string): number {
  const head = source.split('\n').slice(0, 20).join('\n');
  const found = /^[ \t]*(?:\/\/|\/?\*+)[ \t]*bound:[ \t]*(\d+)/m.exec(head);
  return found ? Number(found[1]) * 1000 : defaultBoundMs;
}

interface Totals {
  total: number;
  passed: number;
  skipped: number;
}

/** What uvu's closing lines say; undefined when they are not there. */
export function totalsIn(output: string): Totals | undefined {
  const plain = output.replace(/\x1b\[[0-9;]*m/g, '');
  const block = /^ {2}Total: +(\d+)\n {2}Passed: +(\d+)\n {2}Skipped: +(\d+)$/gm;
  const last = [...plain.matchAll(block)].at(-1);
  if (!last) return undefined;
  return { total: Number(last[1]), passed: Number(last[2]), skipped: Number(last[3]) };
}

interface Ending {
  status: number | null;
  endSignal: NodeJS.Signals | null;
  output: string;
  isLate: boolean;
  leaked: string[];
}

/** Runs the file to its end, or to its bound. Never rejects for what the file does. */
export async function runTestFile(run: FileRun): Promise<FileResult> {
  const boundMs = boundOf(readFileSync(run.path, 'utf8'));
  const ending = await execute(run, boundMs);
  return judge(run, boundMs, ending);
}

function judge(run: FileRun, boundMs: number, ending: Ending): FileResult {
  const totals = totalsIn(ending.output);
  const faults: string[] = [];
  if (run.signal?.aborted) faults.push('interrupted');
  else if (ending.isLate) faults.push(`not done after its bound of ${boundMs / 1000} s`);
  else if (ending.endSignal) faults.push(`ended by ${ending.endSignal}`);
  else if (totals === undefined) faults.push('no test was run: is run() missing?');
  if (totals && totals.total === 0 && totals.skipped === 0 && !run.only) {
    faults.push('holds no test');
  }
  if (totals && totals.passed !== totals.total) {
    faults.push(`${totals.passed} of ${totals.total} tests passed`);
  }
  if (ending.status !== 0 && faults.length === 0) faults.push(`ended with ${ending.status}`);
  for (const process of ending.leaked) faults.push(`left a process behind: ${process}`);

  const missed = totals ? totals.total - totals.passed : 0;
  return {
    file: run.file,
    passed: totals?.passed ?? 0,
    failed: Math.max(missed, faults.length > 0 ? 1 : 0),
    skipped: totals?.skipped ?? 0,
    faults,
  };
}

async function execute(run: FileRun, boundMs: number): Promise<Ending> {
  const write = run.write ?? ((text: string) => process.stdout.write(text));
  const only = run.only === undefined ? {} : { TEST_ONLY: run.only };
  const child = spawn(process.execPath, ['--import', 'tsx', run.path], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    env: { ...process.env, ...only },
  });
  const group = child.pid;
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    const decoder = new StringDecoder('utf8');
    stream.on('data', (chunk: Buffer) => {
      const text = decoder.write(chunk);
      if (stream === child.stdout) output = (output + text).slice(-1_000_000);
      write(text);
    });
  }

  let isLate = false;
  const stop = (): void => { if (group !== undefined) void endGroup(group); };
  const timer = setTimeout(() => { isLate = true; stop(); }, boundMs);
  run.signal?.addEventListener('abort', stop, { once: true });
  const { status, endSignal } = await ended(child);
  clearTimeout(timer);
  run.signal?.removeEventListener('abort', stop);

  const isStopped = isLate || run.signal?.aborted === true;
  const leaked = group === undefined ? [] : await sweepGroup(group, isStopped);
  await drained(child);
  return { status, endSignal, output, isLate, leaked: isStopped ? [] : leaked };
}

function ended(child: ChildProcess) {
  return new Promise<{ status: number | null; endSignal: NodeJS.Signals | null }>((done) => {
    child.once('error', () => done({ status: -1, endSignal: null }));
    child.once('exit', (status, endSignal) => done({ status, endSignal }));
  });
}

/** The pipes may be held open by a process that left the group: do not wait for it for ever. */
async function drained(child: ChildProcess): Promise<void> {
  const streams = [child.stdout!, child.stderr!].filter((stream) => !stream.closed);
  const closed = Promise.all(streams.map((s) => new Promise((done) => s.once('close', done))));
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([closed, new Promise((done) => { timer = setTimeout(done, lingerMs); })]);
  clearTimeout(timer);
  for (const stream of streams) stream.destroy();
}

/** Asks the group to end, so that it can clean up, and kills it when it does not. */
async function endGroup(group: number): Promise<void> {
  signalGroup(group, 'SIGTERM');
  if (!(await isGone(group, graceMs))) signalGroup(group, 'SIGKILL');
}

/** What is left of the group, by command line; killed when this returns. */
async function sweepGroup(group: number, isStopped: boolean): Promise<string[]> {
  if (await isGone(group, isStopped ? graceMs : lingerMs)) return [];
  const leaked = membersOf(group).map(({ pid, command }) => `${command} (${pid})`);
  signalGroup(group, 'SIGKILL');
  await isGone(group, lingerMs);
  return leaked;
}

async function isGone(group: number, withinMs: number): Promise<boolean> {
  const deadlineMs = Date.now() + withinMs;
  while (membersOf(group).length > 0) {
    if (Date.now() > deadlineMs) return false;
    await new Promise((done) => setTimeout(done, 20));
  }
  return true;
}

function signalGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal);
  } catch {
    // ESRCH: it has ended in the meantime.
  }
}

/** The living members of a process group. Zombies count as gone: init may be slow to reap. */
function membersOf(group: number): { pid: number; command: string }[] {
  const members: { pid: number; command: string }[] = [];
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      // The command name may hold anything, parentheses too: fields start after the last one.
      const [state, , processGroup] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (Number(processGroup) !== group || state === 'Z' || state === 'X') continue;
      const line = readFileSync(`/proc/${entry}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      members.push({ pid: Number(entry), command: line.slice(0, 200) || '?' });
    } catch {
      // Ended while we looked.
    }
  }
  return members;
}
