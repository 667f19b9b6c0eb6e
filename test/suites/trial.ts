/* trial.ts: one program of a suite three ways: native, recorded, replayed, and what came out.
 * It passes when the recorded run ends and prints as the native one did, and the replay comes to
 * the end of the log without a divergence and with equal memory. Output is compared where it is
 * repeatable: when it differs, a second native run says whether it is.
 * The rule: only what does not work natively is skipped; every other outcome is counted. */
import { existsSync, rmSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RecordResult, ReplayResult } from '../../src/engine/options.js';
import { emptyFolder, runIn, type Ended } from './place.js';
import type { SuiteProgram } from './suite.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

export interface Trial {
  name: string;
  outcome: 'pass' | 'fail' | 'skip';
  /** Of what is no pass: the group it is counted in. */
  reason?: string;
  /** What was seen, for whoever follows it. */
  detail?: string;
  records?: number;
}

export interface Bounds {
  nativeMs: number;
  recordedMs: number;
}

/** What the native run's init does when the program has ended: a process that it leaves running (a
 * daemon) is noted beside the folder. A zombie has no executable. */
const leftover = 'set --; for e in /proc/[0-9]*/exe; do if [ -e $e ]; then set -- "$@" $e; fi; ' +
  'done; if [ $# -gt 1 ]; then echo $# > ../left; fi';

/** Runs programs one after another in one folder. */
export class Trials {
  readonly #place: string;
  readonly #bounds: Bounds;
  readonly #signal: AbortSignal;

  constructor(place: string, bounds: Bounds, signal: AbortSignal) {
    this.#place = place;
    this.#bounds = bounds;
    this.#signal = signal;
  }

  async run(program: SuiteProgram): Promise<Trial> {
    try {
      return { name: program.name, ...await this.#judge(program) };
    } finally {
      emptyFolder(this.#place); // with all that the program left beside its folder
    }
  }

  async #judge(program: SuiteProgram): Promise<Omit<Trial, 'name'>> {
    let command: string[];
    try {
      command = await program.build();
    } catch (error) {
      this.#signal.throwIfAborted();
      return { outcome: 'skip', reason: 'cannot be built here', detail: tail(String(error)) };
    }
    const native = await this.#native(command);
    if (native.isLate) return { outcome: 'skip', reason: 'does not end by itself' };
    if (!program.succeeded(native)) {
      return { outcome: 'skip', reason: 'fails natively here', detail: shown(native) };
    }
    return this.#recordAndReplay(command, native);
  }

  async #recordAndReplay(command: string[], native: Ended): Promise<Omit<Trial, 'name'>> {
    const log = join(this.#place, 'log');
    rmSync(log, { recursive: true, force: true });
    const record = replicate('record', '--json', '-o', log, '--', ...command);
    const recorded = await this.#run(record);
    const { result, rest } = split<RecordResult>(recorded.stdout, 'calls');
    if (recorded.isLate && existsSync(join(this.#place, 'left'))) {
      return { outcome: 'skip', reason: 'leaves a process running: its recording never ends' };
    }
    if (recorded.isLate) return fails('recording does not end', shown(recorded));
    if (!result) return fails(`recording fails: ${fault(recorded)}`, shown(recorded));
    if (statusOf(result) !== native.status) {
      const ends = `${statusOf(result)} instead of ${native.status}; `;
      return fails('ends otherwise when recorded', ends + shown({ ...recorded, stdout: rest }));
    }
    const replayed = await this.#run(replicate('replay', '--json', log));
    const verdict = judgeReplay(replayed, result);
    if (verdict) return { ...verdict, records: result.records };
    if (rest !== native.stdout && (await this.#native(command)).stdout === native.stdout) {
      return fails('prints something else when recorded', difference(native.stdout, rest));
    }
    return { outcome: 'pass', records: result.records };
  }

  /** Under an init of its own, as when it is recorded: a program may print the ids it sees. */
  #native(command: string[]): Promise<Ended> {
    const init = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc', 'sh', '-c',
      `"$@"; s=$?; ${leftover}; exit $s`, 'sh'];
    return this.#run([...init, ...command], this.#bounds.nativeMs);
  }

  #run(command: string[], boundMs = this.#bounds.recordedMs): Promise<Ended> {
    return runIn(emptyFolder(join(this.#place, 'cwd')), command, boundMs, this.#signal);
  }
}

function judgeReplay(replayed: Ended, { records }: RecordResult): Omit<Trial, 'name'> | undefined {
  const { result } = split<ReplayResult>(replayed.stdout, 'memory');
  if (replayed.isLate) return fails('replay does not end', shown(replayed));
  if (!result) return fails(`replay fails: ${fault(replayed)}`, shown(replayed));
  const { divergence, memory } = result;
  if (divergence) {
    const { call, expected, got, seq } = divergence;
    return fails(`diverges at ${call}`,
      `record ${seq} of ${records}: expected ${expected}, got ${got}`);
  }
  if (!result.complete) return fails('the log ends before the program', shown(replayed));
  if (memory.bytes === 0) return fails('no memory was compared', shown(replayed));
  if (!memory.equal) return fails('memory differs', shown(replayed));
  return undefined;
}

const fails = (reason: string, detail: string): Omit<Trial, 'name'> =>
  ({ outcome: 'fail', reason, detail });

const statusOf = ({ exitCode, exitSignal }: RecordResult): number =>
  exitCode ?? 128 + (exitSignal ? constants.signals[exitSignal] : 0);

/** The command's result in the last line of stdout, and what the program printed before it. */
function split<T extends object>(
  stdout: string, field: keyof T & string,
): { result?: T; rest: string } {
  const at = stdout.lastIndexOf('{', stdout.lastIndexOf(`"${field}"`));
  const start = stdout.lastIndexOf('{"', at);
  for (const from of [start, stdout.lastIndexOf('\n{"') + 1]) {
    if (from < 0) continue;
    try {
      const result = JSON.parse(stdout.slice(from)) as T;
      if (field in result) return { result, rest: stdout.slice(0, from) };
    } catch {
      // A program may print braces too: the other place is tried.
    }
  }
  return { rest: stdout };
}

/** The last line that says what is wrong, without what differs from run to run. */
function fault({ stderr, status }: Ended): string {
  const line = stderr.trimEnd().split('\n').at(-1)?.trim();
  if (!line) return `status ${status}`;
  return line.replace(/\/\S+\//g, '').replace(/\b(0x)?\d[\da-f]{2,}\b/g, 'N').slice(0, 160);
}

const tail = (text: string): string => text.trimEnd().slice(-600);

const shown = ({ status, stdout, stderr }: Ended): string =>
  tail(`status ${status}; ${tail(stdout).slice(-200)} | ${tail(stderr)}`);

function difference(native: string, recorded: string): string {
  const [a, b] = [native.split('\n'), recorded.split('\n')];
  const at = a.findIndex((line, index) => line !== b[index]);
  return `line ${at + 1}: ${JSON.stringify(a[at])} natively, ${JSON.stringify(b[at])} recorded`;
}

/** The command as it is installed; before the first build, from its source. */
function replicate(...args: string[]): string[] {
  if (existsSync(join(root, 'dist'))) {
    return [process.execPath, join(root, 'bin', 'hs-replicate.js'), ...args];
  }
  const tsx = join(root, 'node_modules', 'tsx', 'dist', 'esm', 'index.mjs');
  return [process.execPath, '--import', tsx, join(root, 'src', 'cli', 'replicate.ts'), ...args];
}
