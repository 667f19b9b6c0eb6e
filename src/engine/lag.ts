/* lag.ts: how far the backup is behind, in milliseconds: the age of the oldest position of the
 * record stream that it has not replayed yet, from samples taken at a steady pace; and the spans
 * of the ring that are on their way to the network. The rule: fixed memory, no allocation. */

const SAMPLES = 1024;

export class LagMeter {
  readonly #positions = new Float64Array(SAMPLES);
  readonly #times = new Float64Array(SAMPLES);
  #first = 0;
  #count = 0;

  /** Notes that the program had recorded up to `position` now. Samples that overflow are lost. */
  sample(position: number, nowMs: number): void {
    const last = (this.#first + this.#count - 1) % SAMPLES;
    if (this.#count > 0 && this.#positions[last] === position) return;
    if (this.#count === SAMPLES) return;
    const at = (this.#first + this.#count) % SAMPLES;
    this.#positions[at] = position;
    this.#times[at] = nowMs;
    this.#count++;
  }

  /** Milliseconds since the oldest sample that is not replayed; 0 when all are. */
  lagMs(replayed: number, nowMs: number): number {
    while (this.#count > 0 && this.#positions[this.#first]! <= replayed) {
      this.#first = (this.#first + 1) % SAMPLES;
      this.#count--;
    }
    return this.#count === 0 ? 0 : nowMs - this.#times[this.#first]!;
  }
}

/** What decides how far the backup may fall behind. */
export interface LagBounds {
  maxLagRecords: number;
  maxLagMs: number;
  maxLagBytes: number;
}

/** Less would make every burst wait for an acknowledgement. */
export const LEAST_LAG_BYTES = 0x40000;

/** The bounds on records and milliseconds in the one unit the shim knows: bytes. */
export function lagBoundBytes(
  bounds: LagBounds, head: number, headSeq: number, replayed: number, lagMs: number,
): number {
  const meanBytes = head / Math.max(1, headSeq);
  const byTime = lagMs > bounds.maxLagMs ? (head - replayed) / 2 : Infinity;
  const bound = Math.min(bounds.maxLagBytes, bounds.maxLagRecords * meanBytes, byTime);
  return Math.ceil(Math.max(LEAST_LAG_BYTES, bound));
}

/** Runs of the ring that were handed to the network and are not ours again yet, oldest first. */
export class Spans {
  readonly #positions = new Float64Array(SAMPLES);
  readonly #seqs = new Float64Array(SAMPLES);
  #first = 0;
  #count = 0;

  get isFull(): boolean {
    return this.#count === SAMPLES;
  }

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  push(position: number, seq: number): void {
    const at = (this.#first + this.#count++) % SAMPLES;
    this.#positions[at] = position;
    this.#seqs[at] = seq;
  }

  /** The end of the oldest run; `shift` forgets it. */
  get position(): number {
    return this.#positions[this.#first]!;
  }

  get seq(): number {
    return this.#seqs[this.#first]!;
  }

  shift(): void {
    this.#first = (this.#first + 1) % SAMPLES;
    this.#count--;
  }
}
