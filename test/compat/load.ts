/* load.ts: the load client of any program of the list: keeps its sessions busy, has visitors come
 * and go, and at the end asks each session what was lost and lets new ones in. It runs inside the
 * client host, in a process of its own: load-process.ts speaks with the engine.
 * The rule: a kept session is opened once; what goes wrong in it is a finding, never repaired. */
import { setTimeout as delay } from 'node:timers/promises';
import type { LoadClient } from '../../src/bed/load-process.js';
import { Random } from '../../src/bed/redis-client/random.js';
import { distribution, type Distribution } from '../../src/bed/redis-client/report.js';
import { OperatingError } from '../../src/errors.js';
import { Mismatch, Wire, WireLost } from './clients/wire.js';
import type { Program, Session, SessionContext } from './program.js';

export interface CompatLoadOptions {
  program: string;
  host: string;
  seed: number;
  /** How long replies may take after the end before a session counts as stalled. */
  drainMs: number;
  /** Instead of the program's own. */
  thinkMs?: number;
}

export interface CompatReport {
  ok: boolean;
  clients: { opened: number; kept: number };
  /** What happened to those that were not kept, in words. */
  losses: string[];
  resets: number;
  wrong: number;
  mismatches: string[];
  exchanges: number;
  bytes: { in: number; out: number };
  writes: { acknowledged: number; lost: number };
  /** Visitors that were refused before the server had said a word to them. */
  unaccepted: number;
  visits: number;
  /** Whether new clients were served at the end. */
  isOpenAtEnd: boolean;
  seconds: number;
  /** The longest wait of each kept client that ended after the kill. */
  pauseMs: Distribution | null;
}

export function emptyReport(): CompatReport {
  return {
    ok: false, clients: { opened: 0, kept: 0 }, losses: [], resets: 0, wrong: 0, mismatches: [],
    exchanges: 0, bytes: { in: 0, out: 0 }, writes: { acknowledged: 0, lost: 0 }, unaccepted: 0,
    visits: 0, isOpenAtEnd: false, seconds: 0, pauseMs: null,
  };
}

interface Kept {
  name: string;
  session: Session;
  wires: Wire[];
  longestMs: number;
  busySinceMs: number | undefined;
  isLost: boolean;
}

const readyPollMs = 100;
const exchangesPerVisit = 4;
const maxWords = 8;

export class CompatLoad implements LoadClient {
  private readonly kept: Kept[] = [];
  private readonly running = new Set<Promise<void>>();
  private readonly report = emptyReport();
  private readonly wires = new Set<Wire>();
  private readonly shared = new Map<string, unknown>();
  private readonly random: Random;
  private isStopping = false;
  private startMs = 0;
  private killMs: number | undefined;
  private readonly files;

  constructor(private readonly program: Program, private readonly options: CompatLoadOptions) {
    this.random = new Random(options.seed);
    const { files = {} } = program;
    this.files = typeof files === 'function' ? files() : files;
  }

  /** Waits until the program answers, then opens the kept sessions one after the other. */
  async open(): Promise<void> {
    await this.untilReady();
    for (let index = 0; index < this.program.clients; index++) {
      const wires: Wire[] = [];
      const session = await this.connect(this.context(index, wires));
      const name = `client ${index}`;
      this.kept.push({
        name, session, wires, longestMs: 0, busySinceMs: undefined, isLost: false,
      });
      this.report.clients.opened++;
    }
  }

  start(): void {
    this.startMs = performance.now();
    for (const kept of this.kept) this.run(this.keepBusy(kept));
    for (let at = 0; at < (this.program.visitors ?? 0); at++) this.run(this.visit(-1 - at));
  }

  markKill(atMs: number): void {
    this.killMs = atMs;
    for (const kept of this.kept) kept.longestMs = 0;
  }

  progress(): { ops: number; alive: number; bytesWrong: number } {
    const alive = this.kept.filter(({ isLost }) => !isLost).length;
    return { ops: this.report.exchanges, alive, bytesWrong: this.report.wrong };
  }

  async stop(): Promise<CompatReport> {
    const { report } = this;
    this.isStopping = true;
    report.seconds = Math.round(performance.now() - this.startMs) / 1000;
    await this.drained([...this.running]);
    report.pauseMs = this.killMs === undefined ? null
      : distribution(this.kept.map(({ longestMs }) => longestMs));
    await this.drained(this.kept.map((kept) => this.settle(kept)));
    await this.drained([this.comeAnew()]);
    report.clients.kept = this.kept.filter(({ isLost }) => !isLost).length;
    for (const wire of this.wires) {
      report.bytes.in += wire.bytesIn;
      report.bytes.out += wire.bytesOut;
    }
    report.ok = report.clients.kept === report.clients.opened && report.wrong === 0
      && report.resets === 0 && report.losses.length === 0 && report.writes.lost === 0
      && report.isOpenAtEnd;
    return report;
  }

  private connect(context: SessionContext): Promise<Session> {
    const { connect, name } = this.program;
    if (!connect) throw new OperatingError(`${name} has no client`);
    return connect(context);
  }

  private context(index: number, wires: Wire[]): SessionContext {
    const { host } = this.options;
    const { port } = this.program;
    return {
      index, host, port, files: this.files, shared: this.shared,
      random: this.random.fork(index + 1000),
      wire: async (options) => {
        const wire = await Wire.open(host, port, options);
        wires.push(wire);
        this.wires.add(wire);
        return wire;
      },
    };
  }

  private async untilReady(): Promise<void> {
    const endMs = performance.now() + (this.program.startMs ?? 60_000);
    for (;;) {
      const wires: Wire[] = [];
      const late = setTimeout(() => wires.forEach((wire) => wire.abandon()), 5_000);
      try {
        const session = await this.connect(this.context(-1000, wires));
        await session.exchange();
        await session.close();
        return;
      } catch (error) {
        if (performance.now() > endMs) {
          throw new OperatingError(`${this.program.name} does not answer: ${wordsOf(error)}`);
        }
      } finally {
        clearTimeout(late);
        for (const wire of wires) this.discard(wire);
      }
      await delay(readyPollMs);
    }
  }

  private run(work: Promise<void>): void {
    this.running.add(work);
    void work.finally(() => this.running.delete(work));
  }

  private async keepBusy(kept: Kept): Promise<void> {
    try {
      while (!this.isStopping) {
        kept.busySinceMs = performance.now();
        await kept.session.exchange();
        this.report.exchanges++;
        this.noteWait(kept);
        await delay(this.options.thinkMs ?? this.program.thinkMs ?? 4);
      }
    } catch (error) {
      this.noteWait(kept);
      this.lose(kept, error);
    }
  }

  private noteWait(kept: Kept): void {
    const sinceMs = kept.busySinceMs ?? performance.now();
    kept.longestMs = Math.max(kept.longestMs, performance.now() - sinceMs);
    kept.busySinceMs = undefined;
  }

  private async visit(index: number): Promise<void> {
    for (let round = 0; !this.isStopping; round++) {
      const wires: Wire[] = [];
      try {
        const session = await this.connect(this.context(index * 10_000 - round, wires));
        for (let at = 0; at < exchangesPerVisit; at++) {
          await session.exchange();
          this.report.exchanges++;
        }
        this.report.writes.acknowledged += session.acknowledged ?? 0;
        this.report.writes.lost += await session.lost?.() ?? 0;
        await session.close();
        this.report.visits++;
      } catch (error) {
        if (error instanceof WireLost && !error.hasHeard) this.report.unaccepted++;
        else this.note(`visitor ${-index}`, error);
        if (error instanceof Mismatch) return;
      } finally {
        for (const wire of wires) this.discard(wire);
      }
      await delay(this.options.thinkMs ?? this.program.thinkMs ?? 4);
    }
  }

  /** What a kept session finds lost, and its end. */
  private async settle(kept: Kept): Promise<void> {
    if (kept.isLost) return;
    try {
      this.report.writes.acknowledged += kept.session.acknowledged ?? 0;
      this.report.writes.lost += await this.lostOf(kept);
      await kept.session.close();
    } catch (error) {
      this.lose(kept, error);
    }
  }

  /** A session may count, or stop at the first confirmed write that is not as it should be. */
  private async lostOf({ session, name }: Kept): Promise<number> {
    try {
      return await session.lost?.() ?? 0;
    } catch (error) {
      if (!(error instanceof Mismatch)) throw error;
      this.note(name, error);
      return 1;
    }
  }

  private async comeAnew(): Promise<void> {
    const wires: Wire[] = [];
    try {
      const session = await this.connect(this.context(-2000, wires));
      await session.exchange();
      await session.close();
      this.report.isOpenAtEnd = true;
    } catch (error) {
      this.note('a client that came at the end', error);
    } finally {
      for (const wire of wires) this.discard(wire);
    }
  }

  /** Waits for work; what is not done in time is abandoned, and says so itself. */
  private async drained(work: readonly Promise<void>[]): Promise<void> {
    const all = Promise.all(work);
    const late = setTimeout(() => {
      for (const wire of this.wires) wire.abandon();
    }, this.options.drainMs);
    await all.finally(() => clearTimeout(late));
  }

  private lose(kept: Kept, error: unknown): void {
    kept.isLost = true;
    this.note(kept.name, error);
    for (const wire of kept.wires) this.discard(wire);
  }

  private note(who: string, error: unknown): void {
    const words = `${who}: ${wordsOf(error)}`;
    const { report } = this;
    if (error instanceof Mismatch) {
      report.wrong++;
      if (report.mismatches.length < maxWords) report.mismatches.push(words);
      return;
    }
    if (error instanceof WireLost && error.reason === 'reset') report.resets++;
    if (report.losses.length < maxWords) report.losses.push(words);
  }

  private discard(wire: Wire): void {
    try {
      wire.close();
    } catch {
      // Left-over bytes of a wire that has failed already: that is what is reported.
    }
  }
}

function wordsOf(error: unknown): string {
  if (error instanceof WireLost) return `${error.reason}: ${error.message}`;
  if (error instanceof Mismatch) return error.message;
  return error instanceof Error ? error.stack?.split('\n').slice(0, 2).join(' ') ?? error.message
    : String(error);
}
