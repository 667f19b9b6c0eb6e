/* lanes.ts: many short programs recorded and replayed, some at once. A lane is one process that
 * does one program after the other: starting the engine would take longer than most of them.
 * The rule: a verdict for each run, within a bound; a lane that hangs is ended with all it runs. */
import { fork, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RecordOptions, RecordResult, ReplayResult } from '../../src/engine/options.js';

export interface Question {
  command: string[];
  cwd: string;
  log: string;
  env: Record<string, string>;
  schedule: Schedule;
}

export type Schedule = RecordOptions['schedule'];

/** What became of a run. */
export interface Answer {
  step: 'record' | 'replay';
  recorded?: RecordResult;
  replayed?: ReplayResult;
  error?: string;
}

export type Kind = 'equal' | 'program' | 'divergence' | 'memory' | 'hang' | 'error';

export interface Verdict {
  kind: Kind;
  /** What was found, in a sentence; empty for `equal`. */
  what: string;
  records: number;
}

const defaultBoundMs = 60_000;
const stderrKept = 4000;

/** Ends with SIGKILL what it runs: hs-start and all below it end with the worker. */
class Lane {
  #child: ChildProcess | undefined;
  #stderr = '';

  async run(question: Question, boundMs: number): Promise<Verdict> {
    const child = this.#worker();
    this.#stderr = '';
    let step = 'record';
    const verdict = await new Promise<Verdict>((resolve) => {
      const found = (kind: Kind, what: string): void => {
        clearTimeout(timer);
        child.removeAllListeners('message').removeAllListeners('exit');
        resolve({ kind, what, records: 0 });
      };
      const timer = setTimeout(() => {
        found('hang', `${step}: not done in ${boundMs} ms; ${this.#stderr}`);
      }, boundMs);
      child.on('exit', (code, signal) => found('error', `the lane ended: ${code ?? signal}`));
      child.on('message', (message: Partial<Answer>) => {
        step = message.step ?? step;
        if (message.recorded === undefined && message.error === undefined) return;
        const { kind, what } = judge(message as Answer);
        found(kind, kind === 'equal' ? '' : `${what} ${this.#stderr}`.trim());
      });
      child.send(question);
    });
    if (verdict.kind === 'hang' || verdict.kind === 'error') await this.close();
    return verdict;
  }

  async close(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((done) => child.once('exit', done));
    child.kill('SIGKILL');
    await gone;
  }

  #worker(): ChildProcess {
    if (this.#child?.connected) return this.#child;
    const file = fileURLToPath(new URL('lane-worker.ts', import.meta.url));
    const child = fork(file, [], {
      execArgv: ['--import', 'tsx'], stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-stderrKept);
    });
    this.#child = child;
    return child;
  }
}

function judge({ step, recorded, replayed, error }: Answer): Pick<Verdict, 'kind' | 'what'> {
  if (error !== undefined) return { kind: 'error', what: `${step}: ${error}` };
  if (recorded?.exitCode !== 0) {
    const how = recorded?.exitCode ?? recorded?.exitSignal;
    return { kind: 'program', what: `recorded, the program ended with ${how}` };
  }
  if (!replayed) return { kind: 'error', what: 'no result of the replay' };
  if (replayed.divergence) {
    return { kind: 'divergence', what: JSON.stringify(replayed.divergence) };
  }
  if (replayed.replayed !== replayed.records) {
    return { kind: 'divergence', what: 'the replay did not come to the end of the log' };
  }
  if (!replayed.complete) {
    return { kind: 'divergence', what: 'at the end of the log a process is still there' };
  }
  const { memory } = replayed;
  if (!memory.equal || memory.bytes === 0) {
    return { kind: 'memory', what: `memory differs: ${memory.difference ?? 'no page'}` };
  }
  return { kind: 'equal', what: '' };
}

export interface Job {
  command: string[];
  /** Where the log of a run that is not equal is kept. */
  keep?: string;
}

/** Some lanes, and what they run. */
export class Lanes {
  readonly #lanes: Lane[];
  readonly #place = mkdtempSync(join(tmpdir(), 'hs-lanes-'));
  #runs = 0;

  constructor(
    count: number, readonly boundMs = defaultBoundMs, readonly schedule: Schedule = 'serial',
  ) {
    this.#lanes = Array.from({ length: count }, () => new Lane());
  }

  /** Takes jobs until there are none; `done` is called for each, in the order they end. */
  async runAll<T extends Job>(
    jobs: Iterable<T>, done: (job: T, verdict: Verdict) => void, signal?: AbortSignal,
  ): Promise<void> {
    const each = jobs[Symbol.iterator]();
    const onAbort = (): void => { for (const lane of this.#lanes) void lane.close(); };
    signal?.addEventListener('abort', onAbort, { once: true });
    await Promise.all(this.#lanes.map(async (lane) => {
      for (let next = each.next(); !next.done; next = each.next()) {
        if (signal?.aborted) return;
        const verdict = await this.#runOne(lane, next.value);
        if (!signal?.aborted) done(next.value, verdict);
      }
    }));
    signal?.removeEventListener('abort', onAbort);
  }

  async #runOne(lane: Lane, { command, keep }: Job): Promise<Verdict> {
    const place = join(this.#place, String(++this.#runs));
    const cwd = join(place, 'cwd');
    mkdirSync(cwd, { recursive: true });
    if (keep !== undefined) rmSync(keep, { recursive: true, force: true });
    const env = { PATH: '/usr/bin:/bin', HOME: '/', LC_ALL: 'C' };
    try {
      const log = keep ?? join(place, 'log');
      const { schedule, boundMs } = this;
      const verdict = await lane.run({ command, cwd, log, env, schedule }, boundMs);
      if (keep !== undefined && verdict.kind === 'equal') rmSync(keep, { recursive: true });
      return verdict;
    } finally {
      rmSync(place, { recursive: true, force: true });
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#lanes.map((lane) => lane.close()));
    rmSync(this.#place, { recursive: true, force: true });
  }
}
