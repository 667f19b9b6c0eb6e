/* pump.ts: the main thread's side of the worker that moves records: starts it, and turns its
 * messages into promises and callbacks.
 * The rule: a worker that dies of itself is a broken invariant, and never goes unnoticed. */
import { Worker } from 'node:worker_threads';
import {
  BrokenInvariant, HotswapError, LostRole, NotReplicable, OperatingError, UserError,
} from '../errors.js';
import type { FromPump, PlainError, PumpConfig, ToPump } from './pump-messages.js';

type Kind = FromPump['kind'];
type Of<K extends Kind> = Extract<FromPump, { kind: K }>;

/** What it allocates lives for one turn of its loop. Left alone, the space for that grows by
 * doubling, up to three times 16 MiB within the first hour of a busy pair. */
const YOUNG_MIB = 12;

export class Pump {
  readonly #worker: Worker;
  readonly #listeners = new Map<Kind, ((message: FromPump) => void)[]>();
  /** Rejects with what ended the worker before its time. */
  readonly failed: Promise<never>;
  #isClosed = false;

  constructor(config: PumpConfig) {
    this.#worker = startWorker(config);
    this.failed = new Promise<never>((_resolve, reject) => {
      this.#worker.once('error', (cause) => reject(
        cause instanceof HotswapError ? cause
          : new BrokenInvariant(`the engine's worker failed: ${cause.message}`, { cause })));
      this.#worker.once('exit', () => {
        if (!this.#isClosed) reject(new BrokenInvariant("the engine's worker ended by itself"));
      });
      this.on('failed', ({ error }) => reject(rebuilt(error)));
    });
    this.failed.catch(() => undefined);
    this.#worker.on('message', (message: FromPump) => {
      for (const listener of this.#listeners.get(message.kind) ?? []) listener(message);
    });
  }

  on<K extends Kind>(kind: K, listener: (message: Of<K>) => void): void {
    const known = this.#listeners.get(kind) ?? [];
    known.push(listener as (message: FromPump) => void);
    this.#listeners.set(kind, known);
  }

  /** The next message of that kind; rejects when the worker fails first. */
  next<K extends Kind>(kind: K): Promise<Of<K>> {
    const message = new Promise<Of<K>>((resolve) => this.on(kind, resolve));
    return Promise.race([message, this.failed]);
  }

  send(message: ToPump): void {
    this.#worker.postMessage(message);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#worker.terminate();
  }
}

/** From sources (tests run so) the worker has to be told how to read TypeScript: what the main
 * thread was started with does not reach it. */
function startWorker(config: PumpConfig): Worker {
  const options = {
    workerData: config, name: `hotswap ${config.role}`,
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MIB },
  };
  const isSource = import.meta.url.endsWith('.ts');
  const file = new URL(isSource ? './pump-worker.ts' : './pump-worker.js', import.meta.url);
  if (!isSource) return new Worker(file, options);
  const load = `import('tsx/esm/api').then((tsx) => {
    tsx.register();
    return import(${JSON.stringify(file.href)});
  });`;
  return new Worker(load, { ...options, eval: true });
}

export function plainError(error: HotswapError): PlainError {
  return { code: error.code, reason: error.reason, message: error.message };
}

function rebuilt({ code, reason, message }: PlainError): HotswapError {
  switch (code) {
    case 'HS_USAGE': return new UserError(message, { reason });
    case 'HS_NOT_REPLICABLE': return new NotReplicable(message, { reason });
    case 'HS_LOST_ROLE': return new LostRole(message, { reason });
    case 'HS_INVARIANT': return new BrokenInvariant(message, { reason });
    default: return new OperatingError(message, { reason });
  }
}
