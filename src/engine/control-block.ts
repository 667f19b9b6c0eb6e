/* control-block.ts: struct hs_control of shim/ring.h as typed, atomic accessors. Every engine
 * thread that maps the session's memory has one of these over its own mapping.
 * The rule: a 64-bit field has one writer at a time, so its halves may be stored one by one as
 * long as the high half does not change; when it does, the whole word is stored at once. */
import { futexWake } from 'bpf-loader';
import { layout } from '../channel/index.js';

const { CONTROL, COUNTERS, DIVERGENCE, SIZES } = layout;

export type Counters = Record<(typeof COUNTERS)[number], number>;

/** What the shim says of a divergence, as it lies in shared memory. */
export interface RawDivergence {
  seq: number;
  row: number;
  pid: number;
  tid: number;
  expected: string;
  got: string;
}

const TWO_32 = 0x100000000;
const WAKE_ALL = 0x7fffffff;

export class ControlBlock {
  readonly u32: Uint32Array;
  readonly #u64: BigUint64Array;

  /** @param buffer the first page of the session's memory, from mapMemory */
  constructor(readonly buffer: ArrayBuffer) {
    this.u32 = new Uint32Array(buffer);
    this.#u64 = new BigUint64Array(buffer);
  }

  load32(offset: number): number {
    return Atomics.load(this.u32, offset >>> 2);
  }

  store32(offset: number, value: number): void {
    Atomics.store(this.u32, offset >>> 2, value);
  }

  /** Sets and clears bits of a word in one step each. */
  setBits(offset: number, bits: number): void {
    Atomics.or(this.u32, offset >>> 2, bits);
  }

  clearBits(offset: number, bits: number): void {
    Atomics.and(this.u32, offset >>> 2, ~bits);
  }

  /** A counter below 2^53, read whole although it is read in halves. */
  load64(offset: number): number {
    const low = offset >>> 2;
    for (;;) {
      const high = Atomics.load(this.u32, low + 1);
      const value = Atomics.load(this.u32, low);
      if (Atomics.load(this.u32, low + 1) === high) return high * TWO_32 + value;
    }
  }

  store64(offset: number, value: number): void {
    const low = offset >>> 2;
    if (Atomics.load(this.u32, low + 1) === Math.floor(value / TWO_32)) {
      Atomics.store(this.u32, low, value % TWO_32);
    } else {
      Atomics.store(this.#u64, offset >>> 3, BigInt(value));
    }
  }

  storeBig(offset: number, value: bigint): void {
    Atomics.store(this.#u64, offset >>> 3, value);
  }

  /** Wakes who sleeps on a word, if its flag says that somebody does. */
  wakeSleeper(sleeping: number, word: number): void {
    if (this.load32(sleeping) !== 0) this.wakeAlways(sleeping, word);
  }

  wakeAlways(sleeping: number, word: number): void {
    this.store32(sleeping, 0);
    Atomics.add(this.u32, word >>> 2, 1);
    futexWake(this.buffer, word, WAKE_ALL);
  }

  /** The text of a NUL-terminated field. */
  text(offset: number, sizeBytes: number): string {
    const bytes = Buffer.from(this.buffer, offset, sizeBytes);
    const end = bytes.indexOf(0);
    return bytes.toString('utf8', 0, end < 0 ? sizeBytes : end);
  }

  setText(offset: number, sizeBytes: number, text: string): void {
    const bytes = Buffer.from(this.buffer, offset, sizeBytes);
    bytes.fill(0);
    bytes.write(text, 0, sizeBytes - 1, 'utf8');
  }

  counters(): Counters {
    const entries = COUNTERS.map((name) => [name, this.load64(CONTROL[name])]);
    return Object.fromEntries(entries) as Counters;
  }

  /** Why the shim refused to start or stopped; empty when it did neither. */
  sentence(): string {
    return this.text(CONTROL.sentence, SIZES.sentence);
  }

  /** What stopped the replay, once all of it is written down. */
  divergence(): RawDivergence | null {
    const at = CONTROL.divergence;
    if (this.load32(at + DIVERGENCE.set) !== 1) return null;
    return {
      seq: this.load64(at + DIVERGENCE.seq),
      row: this.load32(at + DIVERGENCE.row),
      pid: this.load32(at + DIVERGENCE.pid),
      tid: this.load32(at + DIVERGENCE.tid),
      expected: this.text(at + DIVERGENCE.expected, SIZES.divergenceExpected),
      got: this.text(at + DIVERGENCE.got, SIZES.divergenceGot),
    };
  }
}
