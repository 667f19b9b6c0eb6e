/* load-handle.ts: a load client as its user sees it: start it on the client host of the bed, tell
 * it of the kill, get the report. The client is a process of its own (load-process.ts), so that
 * what it measures is not delayed by what the test does.
 * The rule: a client that ends without a report is an error with its last words. */
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { OperatingError } from '../errors.js';
import { repositoryRoot } from './bed.js';
import { deferred } from './deferred.js';

export interface Progress {
  ops: number;
  alive: number;
  bytesWrong: number;
}

const eventSchema = z.discriminatedUnion('event', [
  z.object({ event: z.literal('connected'), connections: z.number() }),
  z.object({
    event: z.literal('progress'), ops: z.number(), alive: z.number(), bytesWrong: z.number(),
  }),
  z.object({ event: z.literal('report'), report: z.unknown() }),
  z.object({ event: z.literal('failed'), message: z.string() }),
]);

/** Where clients are started: a bed of namespaces, or anything that can start a program. */
export interface ClientHost {
  spawn(host: 'client', argv: readonly string[], options?: SpawnOptions): ChildProcess;
}

/** `Report` is made by our own code a pipe away; its shape is not checked again. */
export class LoadHandle<Report> {
  progress: Progress = { ops: 0, alive: 0, bytesWrong: 0 };
  readonly listeners = new Set<(progress: Progress) => void>();
  private readonly connected = deferred<void>();
  private readonly report = deferred<Report>();
  private complaints = '';

  private constructor(private readonly child: ChildProcess) {
    child.stderr?.on('data', (chunk: Buffer) => (this.complaints += chunk.toString()));
    child.stdin?.on('error', () => undefined); // its end is told by 'close'
    child.once('error', (error) => this.fail(error.message));
    child.once('close', () => this.fail(this.complaints.trim() || 'it ended without a word'));
    if (child.stdout) createInterface({ input: child.stdout }).on('line', (l) => this.onLine(l));
    // A failure is reported to whoever waits next; nobody waiting yet is no reason to crash.
    this.connected.promise.catch(() => undefined);
    this.report.promise.catch(() => undefined);
  }

  /** Starts the client; resolves when all its connections are established. */
  static async open<Report>(bed: ClientHost, argv: readonly string[]): Promise<LoadHandle<Report>> {
    const child = bed.spawn('client', argv, { stdio: 'pipe', cwd: repositoryRoot() });
    const handle = new LoadHandle<Report>(child);
    await handle.connected.promise;
    return handle;
  }

  start(): void {
    this.order({ do: 'start' });
  }

  /** `atNs` is process.hrtime.bigint() at the fault; without it, and with a client whose clock is
   * another one, the fault is when the client hears of it. */
  markKill(atNs?: bigint): void {
    this.order({ do: 'markKill', ...(atNs === undefined ? {} : { atNs: String(atNs) }) });
  }

  stop(): Promise<Report> {
    this.order({ do: 'stop' });
    return this.report.promise;
  }

  /** Settles when the client has reported, or rejects when it has failed. */
  get ended(): Promise<void> {
    return this.report.promise.then(() => undefined);
  }

  /** Resolves when `isReached` holds of the progress; rejects when it does not in time. */
  async until(isReached: (progress: Progress) => boolean, boundMs: number): Promise<void> {
    if (isReached(this.progress)) return;
    const reached = deferred<void>();
    const listener = (progress: Progress) => {
      if (isReached(progress)) reached.resolve();
    };
    const late = setTimeout(() => {
      reached.reject(new OperatingError(`the load client made no progress in ${boundMs} ms`));
    }, boundMs);
    this.listeners.add(listener);
    try {
      await Promise.race([reached.promise, this.ended]);
    } finally {
      clearTimeout(late);
      this.listeners.delete(listener);
    }
  }

  private order(order: Record<string, string>): void {
    this.child.stdin?.write(`${JSON.stringify(order)}\n`);
  }

  private onLine(line: string): void {
    const event = eventSchema.parse(JSON.parse(line));
    switch (event.event) {
      case 'connected':
        return this.connected.resolve();
      case 'progress':
        this.progress = { ops: event.ops, alive: event.alive, bytesWrong: event.bytesWrong };
        for (const listener of this.listeners) listener(this.progress);
        return;
      case 'report':
        return this.report.resolve(event.report as Report);
      case 'failed':
        return this.fail(event.message);
    }
  }

  private fail(why: string): void {
    const error = new OperatingError(`the load client failed: ${why}`);
    this.connected.reject(error);
    this.report.reject(error);
  }
}
