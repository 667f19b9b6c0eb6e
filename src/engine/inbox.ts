/* inbox.ts: records on their way from the channel into the ring. What does not fit is kept, copied,
 * until the program has made room; the channel is paused meanwhile, so it is one chunk at most.
 * The rule: kept bytes count as received, and go into the ring before anything newer. */
import type { Watermark } from '../channel/index.js';
import { RingWriter, type SessionMap } from './ring.js';

const SPACE_BOUND_MS = 100;

interface Kept {
  bytes: Uint8Array;
  at: number;
  lastSeq: number;
}

export class Inbox {
  /** Bytes and records accepted since the start of the session. */
  received = 0;
  receivedSeq = 0;
  readonly #ring: RingWriter;
  readonly #kept: Kept[] = [];

  /** @param onSpace called when the program has consumed something, or might have */
  constructor(map: SessionMap, onSpace: () => void) {
    this.#ring = new RingWriter(map, onSpace);
  }

  /** True while something is kept. */
  get isWaiting(): boolean {
    return this.#kept.length > 0;
  }

  get replayed(): number {
    return this.#ring.consumed;
  }

  get replayedSeq(): number {
    return this.#ring.consumedSeq;
  }

  /** What is told the primary. */
  get watermark(): Watermark {
    const { received, replayed, receivedSeq, replayedSeq } = this;
    return { received, replayed, receivedSeq, replayedSeq };
  }

  /** Takes a run of records; `wake` tells the program. False: the ring is full, and the sender
   * should be held back. */
  put(bytes: Uint8Array, start: number, end: number, lastSeq: number): boolean {
    this.received += end - start;
    this.receivedSeq = lastSeq;
    let at = start;
    if (!this.isWaiting) at += this.#ring.push(bytes, start, end, lastSeq);
    if (at === end) return true;
    const isFirst = !this.isWaiting;
    this.#kept.push({ bytes: Uint8Array.from(bytes.subarray(at, end)), at: 0, lastSeq });
    if (isFirst) this.watch();
    this.wake();
    return false;
  }

  /** Stores what is kept, as far as there is room; asks to be called again for the rest. */
  flush(): void {
    while (this.#kept.length > 0) {
      const first = this.#kept[0]!;
      const { bytes, lastSeq } = first;
      first.at += this.#ring.push(bytes, first.at, bytes.length, lastSeq);
      this.wake();
      if (first.at < bytes.length) return this.watch();
      this.#kept.shift();
    }
  }

  /** Bytes that the program has not consumed yet. */
  get behindBytes(): number {
    return this.#ring.position - this.#ring.consumed;
  }

  wake(): void {
    this.#ring.wake();
  }

  /** Calls `onSpace` when the program has consumed something, or after a bound. */
  watch(): void {
    const seen = this.#ring.consumed;
    if (!this.#ring.waitForSpace(seen, SPACE_BOUND_MS)) setImmediate(() => this.#ring.notify());
  }

  finish(how: number): void {
    this.#ring.finish(how);
  }

  close(): void {
    this.#ring.close();
  }
}
