// channel.ts: one live connection between two engines, above TLS and below the engine: handshake,
// records and control messages both ways, keepalives, silence, and one way to end.
// The rule: nothing reaches the handlers before the peer's hello was accepted, and after onClose,
// which comes exactly once, nothing does.

import type { TLSSocket } from 'node:tls';

import { decodeControl, encodeControl, type Control, type Hello } from './control.js';
import { ChannelError } from './errors.js';
import { FrameSplitter, type OnRecords } from './framing.js';
import { viewOf } from './record.js';
import { REORDER_DEFAULTS, Reorder, type ReorderBounds } from './reorder.js';
import { Silence } from './silence.js';
import { decodeFrequent, encodeRole, encodeWatermark, type Watermark } from './frequent.js';

/** How a channel ended. */
export interface CloseReason {
  /** `local`: we closed it. `goodbye`: the peer did. `lost`: it broke. `error`: bad bytes. */
  kind: 'local' | 'goodbye' | 'lost' | 'error';
  /** Set for `lost` and `error`. */
  error?: ChannelError;
}

/** What the owner of a channel gets told. Each is called from the event loop, never re-entered. */
export interface ChannelHandlers {
  /** A run of records in order, without gap or duplicate; valid until it returns. */
  onRecords?: OnRecords;
  /** Any control message but hello, keepalive, goodbye and refused, which the channel handles. */
  onControl?: (control: Control) => void;
  onClose?: (reason: CloseReason) => void;
  /** No byte came for `silentMs` in which we listened (silence.ts). Once for each silence. */
  onSilent?: (forMs: number) => void;
  /** `send` returned false, and what waited has now been written. */
  onDrain?: () => void;
}

/** Called when the handshake is done, before anything else of the stream. */
export type Attach = (channel: Channel) => ChannelHandlers;

export interface ChannelSettings {
  /** What we say first; a function when it depends on the moment. */
  hello: Hello | (() => Hello);
  /** A keepalive is sent after this long without sending anything. */
  keepaliveMs?: number;
  /** The peer counts as silent after this long without a byte from it. */
  silentMs?: number;
  /** Bound of TLS and hello together. */
  handshakeMs?: number;
  /** How long closing may wait for bytes still on the way out. */
  drainMs?: number;
  /** How long a missing record is waited for. */
  gapMs?: number;
  reorder?: ReorderBounds;
}

const DEFAULTS = {
  keepaliveMs: 100,
  silentMs: 500,
  handshakeMs: 5000,
  drainMs: 1000,
  gapMs: 5000,
  reorder: REORDER_DEFAULTS,
};

export function withDefaults(settings: ChannelSettings): Required<ChannelSettings> {
  return { ...DEFAULTS, ...settings };
}

type State = 'greeting' | 'open' | 'closing' | 'closed';

export class Channel {
  /** The other end, for messages: address and port. */
  readonly remote: string;
  readonly #socket: TLSSocket;
  readonly #settings: Required<ChannelSettings>;
  readonly #attach: Attach;
  readonly #settle: (error?: ChannelError) => void;
  readonly #splitter: FrameSplitter;
  readonly #reorder: Reorder;
  readonly #hello: Hello;
  readonly #timers = new Set<NodeJS.Timeout>();
  #state: State = 'greeting';
  #handlers: ChannelHandlers = {};
  #peer: Hello | undefined;
  #reason: CloseReason | undefined;
  #socketError: Error | undefined;
  #gapTimer: NodeJS.Timeout | undefined;
  #gapFrom = -1;
  #sentBytes = 0;
  #keepalives = 0;
  #sentSinceTick = false;
  readonly #silence: Silence;
  #silent = false;
  #paused = false;

  /** Used by listen and connect of tls.ts, with a socket whose TLS handshake is done. */
  constructor(
    socket: TLSSocket,
    settings: Required<ChannelSettings>,
    attach: Attach,
    settle: (error?: ChannelError) => void,
  ) {
    this.#socket = socket;
    this.#settings = settings;
    this.#silence = new Silence(settings.silentMs, performance.now());
    this.#attach = attach;
    this.#settle = settle;
    this.remote = `${socket.remoteAddress}:${socket.remotePort}`;
    this.#hello = typeof settings.hello === 'function' ? settings.hello() : settings.hello;
    this.#reorder = new Reorder(
      (bytes, start, end, info) => this.#handlers.onRecords!(bytes, start, end, info),
      this.#hello.nextSeq > 0 ? this.#hello.nextSeq : -1,
      settings.reorder,
    );
    this.#splitter = new FrameSplitter(
      (bytes, start, end, info) => {
        if (!this.#handlers.onRecords) throw unexpected('records', this.#state);
        this.#reorder.push(bytes, start, end, info);
      },
      (bytes) => this.#onFrame(decodeFrequent(viewOf(bytes)) ?? decodeControl(bytes)),
    );
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('drain', () => this.#state === 'open' && this.#handlers.onDrain?.());
    socket.on('error', (error) => (this.#socketError = error));
    socket.on('close', () => this.#onSocketClose());
    this.#after(settings.handshakeMs, () => this.#onHandshakeTimeout());
    this.#write(encodeControl({ kind: 'hello', ...this.#hello }));
  }

  /** The peer's hello; there once the handshake is done. */
  get peer(): Hello {
    if (!this.#peer) throw unexpected('use of the channel', this.#state);
    return this.#peer;
  }

  get open(): boolean {
    return this.#state === 'open';
  }

  /** True while the peer has been quiet for `silentMs`. */
  get silent(): boolean {
    return this.#silent;
  }

  /** True when what was sent waits for the network: stop sending until onDrain. */
  get needDrain(): boolean {
    return this.#socket.writableNeedDrain;
  }

  /** Counters since the start. Bytes are without TLS. */
  get stats(): Readonly<Record<string, number>> {
    const { bytes, records, recordBytes, controls, rejected } = this.#splitter;
    const { duplicates, early, waitingBytes } = this.#reorder;
    return {
      sentBytes: this.#sentBytes,
      sentWaitingBytes: this.#socket.writableLength,
      receivedBytes: bytes,
      records,
      recordBytes,
      controls,
      rejected,
      duplicates,
      early,
      waitingBytes,
      keepalives: this.#keepalives,
    };
  }

  /**
   * Sends whole records. Their bytes must stay as they are until `onFree` (called with an error
   * when they were not sent). Returns false when the caller should wait for onDrain: at most
   * a megabyte a call keeps the encryption from blocking the loop.
   */
  send(records: Uint8Array, onFree?: (error?: Error | null) => void): boolean {
    if (this.#state !== 'open') {
      if (onFree) queueMicrotask(() => onFree(closedError(this.remote)));
      return false;
    }
    return this.#write(records, onFree);
  }

  /** Sends a control message. Returns like `send`; throws ZodError on a message that is none. */
  sendControl(control: Control): boolean {
    if (this.#state !== 'open') return false;
    return this.#write(control.kind === 'role' ? encodeRole(control) : encodeControl(control));
  }

  /** Sends watermarks, each a number of at most 2^53. Cheap: it may be sent once a loop turn. */
  sendWatermark(watermark: Watermark): boolean {
    if (this.#state !== 'open') return false;
    return this.#write(encodeWatermark(watermark));
  }

  /** Stops reading: the peer is held back by TCP. Silence is not judged meanwhile. */
  pause(): void {
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#silence.heard(performance.now());
    this.#socket.resume();
  }

  /** Says goodbye and closes when everything sent has gone out, within `drainMs`. */
  close(): void {
    this.#end({ kind: 'local' }, { kind: 'goodbye' });
  }

  /** Closes because of an error of ours, which the peer is told. */
  refuse(error: ChannelError): void {
    this.#end({ kind: 'error', error }, { kind: 'refused', reason: error.message });
  }

  /** Closes at once; what was not sent yet is lost. */
  destroy(): void {
    this.#end({ kind: 'local' });
    this.#socket.destroy();
  }

  #write(bytes: Uint8Array, onFree?: (error?: Error | null) => void): boolean {
    this.#sentBytes += bytes.length;
    this.#sentSinceTick = true;
    return this.#socket.write(bytes, onFree);
  }

  #receive(chunk: Buffer): void {
    this.#silence.heard(performance.now());
    this.#silent = false;
    if (this.#state !== 'greeting' && this.#state !== 'open') return;
    try {
      this.#splitter.push(chunk);
    } catch (error) {
      // Anything else is a defect of the engine: let it surface.
      if (!(error instanceof ChannelError)) throw error;
      this.refuse(error);
      return;
    }
    if (this.#reorder.gap || this.#gapTimer) this.#watchGap();
  }

  #onFrame(control: Control): void {
    if (control.kind === 'keepalive') return;
    if (control.kind === 'goodbye') return this.#end({ kind: 'goodbye' });
    if (control.kind === 'refused') {
      const text = `${this.remote} closed the channel: ${control.reason}`;
      return this.#end({ kind: 'error', error: new ChannelError('refused', text) });
    }
    if (this.#state === 'greeting') {
      if (control.kind !== 'hello') throw unexpected(control.kind, this.#state);
      return this.#onHello(control);
    }
    if (control.kind === 'hello' || !this.#handlers.onControl) {
      throw unexpected(control.kind, this.#state);
    }
    this.#handlers.onControl(control);
  }

  #onHello({ kind: _kind, ...peer }: Hello & { kind: 'hello' }): void {
    const mismatch = compareHellos(this.#hello, peer, this.remote);
    if (mismatch) throw mismatch;
    this.#peer = peer;
    this.#state = 'open';
    this.#stopTimers();
    this.#every(this.#settings.keepaliveMs, () => this.#keepAlive());
    this.#silence.heard(performance.now());
    this.#listenForSilence();
    this.#handlers = this.#attach(this);
    this.#settle();
  }

  #keepAlive(): void {
    if (!this.#sentSinceTick && !this.needDrain) {
      this.#write(encodeControl({ kind: 'keepalive', n: ++this.#keepalives }));
    }
    this.#sentSinceTick = false;
  }

  #listenForSilence(): void {
    this.#every(this.#silence.stepMs, () => {
      // Bytes that wait in the socket are read before the next check phase, and are then a sign
      // of life.
      setImmediate(() => {
        if (this.#state !== 'open') return;
        if (this.#paused || this.#silent) return this.#silence.heard(performance.now());
        const quietMs = this.#silence.step(performance.now());
        if (!this.#silence.isOver) return;
        this.#silent = true;
        this.#handlers.onSilent?.(quietMs);
      });
    });
  }

  /** Bounds the wait for a missing record: the clock starts anew when something was delivered. */
  #watchGap(): void {
    const { gap, nextSeq } = this.#reorder;
    if (gap && this.#gapTimer && nextSeq === this.#gapFrom) return;
    if (this.#gapTimer) this.#clear(this.#gapTimer);
    this.#gapFrom = nextSeq;
    this.#gapTimer = undefined;
    if (!gap || this.#state !== 'open') return;
    this.#gapTimer = this.#after(this.#settings.gapMs, () => {
      const { from, to } = this.#reorder.missing!;
      const text = `records ${from} to ${to} did not come within ${this.#settings.gapMs} ms`;
      this.refuse(new ChannelError('gap-bound', `${text}: reconnect`));
    });
  }

  #onHandshakeTimeout(): void {
    const ms = this.#settings.handshakeMs;
    const text = `${this.remote} sent no hello within ${ms} ms: is it an engine of HotSwap?`;
    this.refuse(new ChannelError('handshake-timeout', text));
  }

  /** The only way out of greeting and open: nothing is delivered after this. */
  #end(reason: CloseReason, last?: Control): void {
    if (this.#state === 'closing' || this.#state === 'closed') return;
    this.#state = 'closing';
    this.#reason = reason;
    this.#splitter.stop();
    this.#stopTimers();
    if (last) this.#write(encodeControl(last));
    this.#socket.end();
    this.#socket.resume(); // unread bytes would keep the peer's end from being seen
    this.#after(this.#settings.drainMs, () => this.#socket.destroy());
  }

  #onSocketClose(): void {
    const greeting = this.#peer === undefined;
    const reason = this.#reason ?? { kind: 'lost' as const, error: this.#lostError() };
    this.#state = 'closed';
    this.#splitter.stop();
    this.#stopTimers();
    if (greeting) this.#settle(reason.error ?? closedError(this.remote));
    else this.#handlers.onClose?.(reason);
  }

  #lostError(): ChannelError {
    const why = this.#socketError ? this.#socketError.message : 'end of stream';
    const text = `the connection to ${this.remote} broke with no goodbye: ${why}`;
    return new ChannelError('lost', text, { cause: this.#socketError });
  }

  #after(ms: number, act: () => void): NodeJS.Timeout {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      act();
    }, ms);
    this.#timers.add(timer);
    return timer;
  }

  #every(ms: number, act: () => void): void {
    this.#timers.add(setInterval(act, ms));
  }

  #clear(timer: NodeJS.Timeout): void {
    clearTimeout(timer);
    this.#timers.delete(timer);
  }

  #stopTimers(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}

const SAME = 'install the same HotSwap on both';

/** Why two engines cannot work together, with both values; undefined when they can. */
function compareHellos(ours: Hello, theirs: Hello, remote: string): ChannelError | undefined {
  const evidence = { ours: ours.version, theirs: theirs.version };
  if (ours.version !== theirs.version) {
    const text = `version ${ours.version} here, ${theirs.version} at ${remote}: ${SAME}`;
    return new ChannelError('wrong-version', text, { evidence });
  }
  if (ours.tableHash !== theirs.tableHash) {
    const text = `call table ${ours.tableHash} here, ${theirs.tableHash} at ${remote}: ${SAME}`;
    return new ChannelError('wrong-table', text);
  }
  // An empty name is a backup that takes whatever the primary runs.
  if (ours.name && theirs.name && ours.name !== theirs.name) {
    const text = `pair ${ours.name} here, ${theirs.name} at ${remote}: check address and --name`;
    return new ChannelError('wrong-pair', text);
  }
  return undefined;
}

function unexpected(what: string, state: State): ChannelError {
  return new ChannelError('unexpected', `${what} came in the state ${state}, where it may not`);
}

function closedError(remote: string): ChannelError {
  return new ChannelError('closed', `the channel to ${remote} is closed`);
}
