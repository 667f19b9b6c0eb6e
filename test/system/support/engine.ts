/* engine.ts: both ends of a pair without a network of their own: the engine's functions on a fake
 * program (programs/fake-start.c), in this process, or, where one is to be killed, in a child.
 * The rule: everything started here is ended by `close`, also when the test failed. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { askPair, askStatus } from '../../../src/cli/control-client.js';
import type { BackupOptions, PairResult, PrimaryOptions } from '../../../src/engine/options.js';
import { backup, primary } from '../../../src/engine/index.js';
import type { Parts } from '../../../src/engine/session.js';
import { Interrupted } from '../../../src/errors.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const programs = join(root, 'test/system/programs');

/** Compiles the fake program; gives its path. */
export function buildFake(): string {
  const out = join(programs, 'build', 'fake-start');
  mkdirSync(join(programs, 'build'), { recursive: true });
  const args = ['-O2', '-Wall', '-Wextra', '-Werror', '-o', out, join(programs, 'fake-start.c')];
  const done = spawnSync('gcc', args, { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`gcc: ${done.error?.message ?? done.stderr}`);
  return out;
}

type Side = 'primary' | 'backup';
type Over = { primary?: Partial<PrimaryOptions>; backup?: Partial<BackupOptions>; parts?: Parts };

/** What a child is told on its command line; see engine-end.ts. */
export interface EndOrder {
  side: Side;
  options: Omit<PrimaryOptions, 'signal'> | Omit<BackupOptions, 'signal'>;
  parts: Parts;
}

let nextPort = 21_000 + (process.pid % 4000) * 8;

export class FakePair {
  readonly dir = mkdtempSync(join(tmpdir(), 'hs-pair-'));
  readonly port = nextPort++;
  readonly parts: Parts;
  readonly children: ChildProcess[] = [];
  readonly #abort = new AbortController();
  readonly #running = new Set<Promise<unknown>>();

  constructor(readonly fake: string, readonly words: string[], readonly over: Over = {}) {
    this.parts = {
      starter: fake, ringBytes: 1 << 20, isWithoutNetwork: true, ...over.parts,
    };
  }

  #primaryOptions(): Omit<PrimaryOptions, 'signal'> {
    return {
      name: 'fake', runtimeDir: join(this.dir, 'p'), dev: 'lo', cwd: '/',
      command: [this.fake, ...this.words], env: { PATH: '/usr/bin:/bin' },
      listen: { host: '127.0.0.1', port: this.port }, vip: { address: '10.9.9.9', prefix: 24 },
      // Other tests share this machine: a busy one must not look dead.
      detect: { intervalMs: 500, count: 4 }, commit: 'logged', schedule: 'serial', audit: 'report',
      maxLagRecords: 4096, maxLagMs: 1000, lagPolicy: 'slow-primary',
      onPartition: 'backup-takes-over', waitBackup: true, ...this.over.primary,
    };
  }

  #backupOptions(): Omit<BackupOptions, 'signal'> {
    return {
      name: 'fake', runtimeDir: join(this.dir, 'b'), dev: 'lo',
      connect: { host: '127.0.0.1', port: this.port },
      detect: { intervalMs: 500, count: 4 }, audit: 'report', ...this.over.backup,
    };
  }

  primary(): Promise<PairResult> {
    const options = { ...this.#primaryOptions(), signal: this.#abort.signal };
    return this.#keep(primary(options, this.parts));
  }

  backup(parts: Parts = {}): Promise<PairResult> {
    const options = { ...this.#backupOptions(), signal: this.#abort.signal };
    return this.#keep(backup(options, { ...this.parts, ...parts }));
  }

  /** The same end in a process of its own; resolves with the one line it ends with. */
  apart(side: Side): { child: ChildProcess; end: Promise<Record<string, unknown>> } {
    const options = side === 'primary' ? this.#primaryOptions() : this.#backupOptions();
    const order: EndOrder = { side, options, parts: this.parts };
    const script = join(root, 'test/system/support/engine-end.ts');
    const child = spawn(process.execPath, ['--import', 'tsx', script, JSON.stringify(order)], {
      stdio: ['ignore', 'pipe', 'ignore'], cwd: root,
    });
    this.children.push(child);
    const end = new Promise<Record<string, unknown>>((resolve) => {
      createInterface({ input: child.stdout! }).on('line', (line) => {
        if (line.startsWith('{')) resolve(JSON.parse(line) as Record<string, unknown>);
      });
      child.once('exit', () => resolve({ gone: true }));
    });
    return { child, end: this.#keep(end) };
  }

  status(side: Side) {
    return askStatus({ name: 'fake', runtimeDir: join(this.dir, side[0]!) });
  }

  ask(side: Side, op: 'stop' | 'switchover') {
    return askPair({ name: 'fake', runtimeDir: join(this.dir, side[0]!) }, op, 30_000);
  }

  /** Waits until the status of one side is as wanted. */
  async until(
    side: Side, what: string,
    isReached: (status: Awaited<ReturnType<FakePair['status']>>) => boolean,
  ): Promise<Awaited<ReturnType<FakePair['status']>>> {
    const deadline = performance.now() + 30_000;
    let last: unknown;
    while (performance.now() < deadline) {
      const status = await this.status(side).catch((error: unknown) => void (last = error));
      if (status && isReached(status)) return status;
      last = status ?? last;
      await delay(10);
    }
    throw new Error(`${side} is not ${what} within 30 s: ${JSON.stringify(last)}`);
  }

  #keep<T>(end: Promise<T>): Promise<T> {
    this.#running.add(end);
    end.catch(() => undefined);
    return end;
  }

  async close(): Promise<void> {
    this.#abort.abort(new Interrupted('SIGTERM'));
    for (const child of this.children) child.kill('SIGKILL');
    await Promise.allSettled(this.#running);
    rmSync(this.dir, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
