/* load.ts: a run of the load client: opens the connections, starts a workload on each, keeps the
 * findings, and at the end verifies and reports. Runs inside the client host (redis-load.ts).
 * The rule: a connection is opened once; nothing in a run connects again. */
import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { download, upload } from './bulk.js';
import { Connection, ConnectionLost, type Findings, type Mismatch } from './connection.js';
import { large, mixed, pipelined } from './mixed.js';
import { KeyBook } from './model.js';
import { publisher, pusher, subscribe, subscriber, waiter } from './pairs.js';
import { Random, ValuePool } from './random.js';
import { longestGaps, round, Timeline, type LoadReport } from './report.js';
import { Shared } from './shared.js';
import { unverified, verify, type Verification } from './verify.js';
import type { Context, Workload } from './workload.js';

export interface LoadOptions {
  host: string;
  port: number;
  connections: number;
  seed: number;
  /** `mixed`: a bit of everything; `bulk`: transfers of 1 to 5 MB on every connection. */
  mode: 'mixed' | 'bulk';
  thinkMs: number;
  /** How long replies may take after `stop` before a connection counts as stalled. */
  drainMs: number;
}

const workloads = {
  publisher: { kind: 'publisher', traffic: 'request', run: publisher },
  subscriber: { kind: 'subscriber', traffic: 'waiting', run: subscriber },
  pusher: { kind: 'pusher', traffic: 'request', run: pusher },
  waiter: { kind: 'waiter', traffic: 'waiting', run: waiter },
  upload: { kind: 'upload', traffic: 'stream', run: upload },
  download: { kind: 'download', traffic: 'stream', run: download },
  large: { kind: 'large', traffic: 'request', run: large },
  pipelined: { kind: 'pipelined', traffic: 'request', run: pipelined },
  mixed: { kind: 'mixed', traffic: 'request', run: mixed },
} satisfies Record<string, Workload>;

/** Which connection does what. Small runs leave out the end of the list. */
export function planWorkloads(mode: LoadOptions['mode'], count: number): Workload[] {
  const { subscriber, publisher, waiter, pusher, upload, download, large, pipelined } = workloads;
  if (mode === 'bulk') {
    return Array.from({ length: count }, (_, index) => (index % 2 === 0 ? download : upload));
  }
  const special = [subscriber, subscriber, publisher, waiter, pusher, upload, download, large,
    pipelined, pipelined];
  if (count < special.length + 2) return Array.from({ length: count }, () => workloads.mixed);
  const rest = Array.from({ length: count - special.length }, () => workloads.mixed);
  return [...special, ...rest];
}

const maxMismatches = 10;

export class Load {
  private readonly connections: Connection[] = [];
  private readonly contexts: Context[] = [];
  private readonly plan: Workload[];
  private readonly shared = new Shared();
  private readonly timeline = new Timeline();
  private readonly mismatches: Mismatch[] = [];
  private readonly running = new Set<Promise<void>>();
  private readonly loopDelay: IntervalHistogram = monitorEventLoopDelay({ resolution: 5 });
  private bytesWrong = 0;
  private ops = 0;
  private killMs: number | undefined;
  private readonly findings: Findings = {
    ops: (count) => {
      this.ops += count;
      this.timeline.add(performance.now(), count);
    },
    mismatch: (mismatch) => this.note(mismatch),
  };

  constructor(private readonly options: LoadOptions) {
    this.plan = planWorkloads(options.mode, options.connections);
  }

  async open(): Promise<void> {
    const { seed, thinkMs, mode } = this.options;
    const values = new ValuePool(seed);
    const random = new Random(seed);
    for (const [index, { kind, traffic }] of this.plan.entries()) {
      const name = `${index}:${kind}`;
      const connection = await Connection.open(this.options, name, traffic, this.findings);
      this.connections.push(connection);
      this.contexts.push({
        connection, prefix: `c${index}:`, random: random.fork(index), values,
        book: new KeyBook(), shared: this.shared,
        // Amid other traffic, streams leave the machine some time for it.
        thinkMs: mode === 'mixed' && traffic === 'stream' ? 5 * thinkMs : thinkMs,
      });
    }
    const subscribers = this.contexts.filter((_, at) => this.plan[at]?.kind === 'subscriber');
    await Promise.all(subscribers.map((context) => subscribe(context)));
  }

  start(): void {
    this.loopDelay.enable();
    for (const [index, workload] of this.plan.entries()) {
      const context = this.contexts[index];
      if (!context) continue;
      const run = workload.run(context).catch((error: unknown) => {
        if (!(error instanceof ConnectionLost)) throw error;
      });
      this.running.add(run);
      void run.finally(() => this.running.delete(run)).catch(() => undefined);
    }
  }

  /** The moment of the fault, in ms of this process's performance.now(). */
  markKill(atMs: number): void {
    this.killMs = atMs;
    this.loopDelay.reset();
  }

  progress(): { ops: number; alive: number; bytesWrong: number } {
    const alive = this.connections.filter(({ loss }) => !loss).length;
    return { ops: this.ops, alive, bytesWrong: this.bytesWrong };
  }

  async stop(): Promise<LoadReport> {
    this.shared.isStopping = true;
    const all = Promise.all([...this.running]);
    await Promise.race([all, delay(this.options.drainMs, undefined, { ref: false })]);
    const endMs = performance.now();
    const clientStallMs = round(this.loopDelay.max / 1e6);
    this.loopDelay.disable();
    for (const connection of this.connections) connection.abandon();
    await all;
    const data = await this.verify();
    for (const connection of this.connections) connection.close();
    return this.report(data, endMs, clientStallMs);
  }

  private async verify(): Promise<Verification> {
    const books = this.contexts.map(({ book }) => book);
    const reader = this.connections.find(({ loss, traffic }) => !loss && traffic !== 'waiting')
      ?? (await this.openForReading());
    if (!reader) return unverified(books);
    const reading = verify(reader, books, this.shared).catch((error: unknown) => {
      if (error instanceof ConnectionLost) return unverified(books);
      throw error;
    });
    const tooLate = setTimeout(() => reader.abandon(), this.options.drainMs);
    const result = await reading;
    clearTimeout(tooLate);
    if (!this.connections.includes(reader)) reader.close();
    return result;
  }

  /** A new connection, for the post-mortem of a run in which none survived. */
  private async openForReading(): Promise<Connection | undefined> {
    const opening = Connection.open(this.options, 'post-mortem', 'request', this.findings);
    const late = delay(1000, undefined, { ref: false });
    return Promise.race([opening.catch(() => undefined), late]);
  }

  private note(mismatch: Mismatch): void {
    this.bytesWrong += Math.max(1, mismatch.bytes);
    if (this.mismatches.length < maxMismatches) this.mismatches.push(mismatch);
  }

  private report(data: Verification, endMs: number, clientStallMs: number): LoadReport {
    const lost = this.connections.filter(({ loss }) => loss);
    const count = (reason: string) => lost.filter(({ loss }) => loss?.reason === reason).length;
    const opened = this.connections.length;
    const isEqual = data.isDone && data.keysWrong === 0 && data.isSizeRight;
    const killMs = this.killMs;
    const after = killMs ?? endMs;
    const sum = (of: (each: Connection) => number) => {
      return this.connections.reduce((total, each) => total + of(each), 0);
    };
    const nothing = { stream: null, request: null, waiting: null, all: null };
    return {
      ok: lost.length === 0 && this.bytesWrong === 0 && isEqual,
      seed: this.options.seed,
      connections: { opened, kept: opened - lost.length, lost: lost.length },
      lostConnections: lost.map(({ name, loss }) => {
        return { name, reason: loss?.reason ?? '', detail: loss?.detail ?? '' };
      }),
      errors: {
        resets: count('reset'), closes: count('closed'),
        stalls: count('stalled'), protocol: count('protocol'),
      },
      bytes: { in: sum((each) => each.bytesIn), out: sum((each) => each.bytesOut),
        wrong: this.bytesWrong },
      mismatches: this.mismatches,
      writes: { acknowledged: this.shared.writesAcknowledged, lost: data.keysWrong },
      data: { ...data, isEqual },
      ops: this.ops,
      blackoutMs: killMs === undefined ? nothing
        : longestGaps(this.connections, ([, end]) => end >= after),
      beforeMs: longestGaps(this.connections, ([, end]) => end < after),
      clientStallMs,
      timeline: killMs === undefined ? null : this.timeline.around(killMs, endMs),
    };
  }
}
