// framing.ts: cuts the incoming byte stream into runs of whole records and control messages.
// Runs are handed on where they lie in the chunk; only a frame that straddles two chunks is
// copied. The rule: at most one frame is ever held back, memory grows only with bytes that have
// really come, and after the first bad byte nothing more is passed on.

import { ChannelError } from './errors.js';
import {
  PROBLEMS,
  Stop,
  frameBytes,
  frameProblem,
  newScan,
  scanRecords,
  viewOf,
  type Scan,
} from './record.js';

/** What is known of a run: its numbers follow each other without a gap. Reused: copy to keep. */
export type RunInfo = Readonly<Pick<Scan, 'records' | 'firstSeq' | 'lastSeq'>>;

/** Receives records at [start, end) of `bytes`, which are valid only until it returns. */
export type OnRecords = (bytes: Uint8Array, start: number, end: number, info: RunInfo) => void;

/** Receives one control message with its framing word, valid only until it returns. */
export type OnFrame = (bytes: Uint8Array) => void;

const HEAD_BYTES = 16; // framing word and root pointer: enough to judge a frame's size and kind
const FIRST_CARRY_BYTES = 0x10000;

/** One incoming stream. `push` throws ChannelError on bytes that can be no frame. */
export class FrameSplitter {
  /** Counters since the start of the stream; `bytes` counts what was pushed. */
  bytes = 0;
  records = 0;
  recordBytes = 0;
  controls = 0;
  rejected = 0;

  readonly #onRecords: OnRecords;
  readonly #onControl: OnFrame;
  readonly #scan = newScan();
  #carry = new Uint8Array(FIRST_CARRY_BYTES);
  #carryView = viewOf(this.#carry);
  #carried = 0;
  #failure: ChannelError | undefined;
  #stopped = false;

  constructor(onRecords: OnRecords, onControl: OnFrame) {
    this.#onRecords = onRecords;
    this.#onControl = onControl;
  }

  /** Bytes of an unfinished frame held back. */
  get pendingBytes(): number {
    return this.#carried;
  }

  /** Ends the stream from inside a callback: the rest of the chunk is not looked at. */
  stop(): void {
    this.#stopped = true;
  }

  /** Takes the next bytes of the stream and calls back for everything whole in them. */
  push(chunk: Uint8Array): void {
    if (this.#failure) throw this.#failure;
    const base = this.bytes;
    this.bytes += chunk.length;
    let at = this.#carried > 0 ? this.#finishCarried(chunk, base) : 0;
    if (at >= chunk.length || this.#stopped) return;
    const view = viewOf(chunk);
    while (at < chunk.length && !this.#stopped) {
      const next = this.#pass(chunk, view, at, chunk.length, base);
      if (next === at) break;
      at = next;
    }
    if (!this.#stopped) this.#hold(chunk, at, chunk.length);
  }

  /** Hands on one run or one control message at `at`; returns where the next frame begins. */
  #pass(bytes: Uint8Array, view: DataView, at: number, end: number, base: number): number {
    const scan = this.#scan;
    scanRecords(view, at, end, scan);
    const after = at + scan.consumed;
    const { stop, problem } = scan;
    if (scan.records > 0) {
      this.records += scan.records;
      this.recordBytes += scan.consumed;
      this.#onRecords(bytes, at, after, scan);
    }
    if (this.#stopped) return after;
    if (stop === Stop.bad) this.#refuse(view, after, end, base + after, problem);
    if (stop !== Stop.control || end - after < frameBytes(view, after)) return after;
    const size = frameBytes(view, after);
    this.controls++;
    this.#onControl(bytes.subarray(after, after + size));
    return after + size;
  }

  /** Completes the frame held back with bytes of `chunk`; returns how many it took. */
  #finishCarried(chunk: Uint8Array, base: number): number {
    const origin = base - this.#carried;
    let at = 0;
    for (;;) {
      const need = this.#carried < HEAD_BYTES ? HEAD_BYTES : frameBytes(this.#carryView, 0);
      const take = Math.min(need - this.#carried, chunk.length - at);
      this.#hold(chunk, at, at + take);
      at += take;
      const problem = frameProblem(this.#carryView, 0, this.#carried);
      if (problem) this.#refuse(this.#carryView, 0, this.#carried, origin, problem);
      if (this.#carried < need) return at;
      if (need > HEAD_BYTES) break;
    }
    const whole = this.#carried;
    this.#carried = 0;
    this.#pass(this.#carry, this.#carryView, 0, whole, origin);
    return at;
  }

  /** Copies [start, end) of `chunk` behind what is already held back. */
  #hold(chunk: Uint8Array, start: number, end: number): void {
    const total = this.#carried + end - start;
    if (total > this.#carry.length) {
      // Doubling follows the bytes that came, never the length a peer claims.
      const larger = new Uint8Array(Math.max(total, this.#carry.length * 2));
      larger.set(this.#carry.subarray(0, this.#carried));
      this.#carry = larger;
      this.#carryView = viewOf(larger);
    }
    this.#carry.set(chunk.subarray(start, end), this.#carried);
    this.#carried = total;
  }

  #refuse(view: DataView, at: number, end: number, offset: number, problem: number): never {
    this.rejected++;
    // Problems 4 and more are found behind a head that is a record's.
    const reason = problem >= 4 ? 'bad-record' : 'bad-frame';
    const head = new Uint8Array(view.buffer, view.byteOffset + at, Math.min(HEAD_BYTES, end - at));
    this.#failure = new ChannelError(
      reason,
      `the peer sent ${PROBLEMS[problem]} at byte ${offset} of the stream ` +
        `(${Buffer.from(head).toString('hex')}): the connection is closed`,
      { offset },
    );
    throw this.#failure;
  }
}
