// pair.ts: what tests of the channel share: two ends over loopback, events to wait for, and
// a list of things to close, so that nothing is left behind when a test fails.

import { randomBytes } from 'node:crypto';

import {
  ChannelError,
  connect,
  listen,
  type Attach,
  type Channel,
  type ChannelServer,
  type CloseReason,
  type ConnectOptions,
  type Control,
  type Hello,
  type ListenOptions,
  type OnRecords,
} from '../../../src/channel/index.js';

export const KEY = randomBytes(32);

export function hello(fields: Partial<Hello> = {}): Hello {
  return {
    version: 1,
    tableHash: 'table',
    role: 'either',
    name: 'test',
    features: [],
    instance: 1n,
    nextSeq: 0,
    ...fields,
  };
}

/** Everything that has happened at one end, and a way to wait for what has not yet. */
export class End {
  readonly controls: Control[] = [];
  readonly closes: CloseReason[] = [];
  records = 0;
  recordBytes = 0;
  silences = 0;
  drains = 0;
  onRecords: OnRecords = () => {};
  #channel: Channel | undefined;
  readonly #waiters = new Set<() => void>();

  get channel(): Channel {
    if (!this.#channel) throw new Error('no channel yet');
    return this.#channel;
  }

  get attached(): boolean {
    return this.#channel !== undefined;
  }

  attach: Attach = (channel) => {
    this.#channel = channel;
    this.tell();
    return {
      onRecords: (bytes, start, end, info) => {
        this.records += info.records;
        this.recordBytes += end - start;
        this.onRecords(bytes, start, end, info);
        this.tell();
      },
      onControl: (control) => this.tell(this.controls.push(control)),
      onClose: (reason) => this.tell(this.closes.push(reason)),
      onSilent: () => this.tell(this.silences++),
      onDrain: () => this.tell(this.drains++),
    };
  };

  /** Something happened: whoever waits looks again. */
  tell(_what?: unknown): void {
    for (const look of this.#waiters) look();
  }

  /** Resolves when the condition holds; rejects after the bound, with the words. */
  until(what: string, holds: () => boolean, boundMs = 20000): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = () => {
        if (!holds()) return;
        clearTimeout(timer);
        this.#waiters.delete(look);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#waiters.delete(look);
        reject(new Error(`waited ${boundMs} ms in vain: ${what}`));
      }, boundMs);
      this.#waiters.add(look);
      look();
    });
  }
}

/** Two ends and their server. */
export class Pair {
  readonly near = new End();
  readonly far = new End();
  readonly rejected: ChannelError[] = [];
  server: ChannelServer | undefined;

  async listen(options: Partial<ListenOptions> = {}): Promise<number> {
    const onRejected = (error: ChannelError) => this.far.tell(this.rejected.push(error));
    const all = { host: '127.0.0.1', port: 0, key: KEY, hello: hello(), onRejected, ...options };
    this.server = await listen(all, this.far.attach);
    return this.server.address.port;
  }

  connect(port: number, options: Partial<ConnectOptions> = {}): Promise<Channel> {
    const all = { host: '127.0.0.1', port, key: KEY, hello: hello(), attempts: 1, ...options };
    return connect(all, this.near.attach);
  }

  /** Both ends open. */
  async open(both: Partial<ConnectOptions & ListenOptions> = {}): Promise<void> {
    await this.connect(await this.listen(both), both);
    await this.far.until('the far end is open', () => this.far.attached);
  }

  /** Ends everything, whatever state it is in. */
  destroy(): void {
    for (const end of [this.near, this.far]) if (end.attached) end.channel.destroy();
    this.server?.destroy();
  }
}

/** Runs `body` with a pair that is destroyed afterwards, also when it fails. */
export function withPair(body: (pair: Pair) => Promise<void>): () => Promise<void> {
  return async () => {
    const pair = new Pair();
    try {
      await body(pair);
    } finally {
      pair.destroy();
    }
  };
}

/** The ChannelError a promise rejects with. */
export async function rejection(promise: Promise<unknown>): Promise<ChannelError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof ChannelError) return error;
    throw error;
  }
  throw new Error('it was accepted');
}
