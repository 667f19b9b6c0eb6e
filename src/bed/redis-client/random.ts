/* random.ts: seeded randomness and values of the load client. The same seed gives the same
 * decisions on every run, so a failure can be run again.
 * The rule: no Math.random() in the load client. */

/** Mulberry32: small, fast, good enough to choose operations. */
export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** Uniform in [0, 1). */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = this.state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** Integer in [low, high]. */
  between(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  pick<T>(items: readonly T[]): T {
    return items[this.between(0, items.length - 1)] as T;
  }

  /** An independent generator for part `index` of the work. */
  fork(index: number): Random {
    return new Random(Math.imul(this.state ^ (index + 1), 0x9e3779b1) ^ 0x5bd1e995);
  }
}

const poolBytes = 8 * 1024 * 1024;

/**
 * Values of any size without making them byte by byte: windows into one pool of random bytes.
 * Windows of different offset differ in nearly every byte, so stale or shifted data is seen.
 */
export class ValuePool {
  private readonly pool = Buffer.allocUnsafe(poolBytes);

  constructor(seed: number) {
    const random = new Random(seed);
    const words = new Uint32Array(this.pool.buffer, this.pool.byteOffset, poolBytes / 4);
    for (let at = 0; at < words.length; at++) words[at] = random.next() * 2 ** 32;
  }

  value(random: Random, lenBytes: number): Buffer {
    const offset = random.between(0, poolBytes - lenBytes);
    return this.pool.subarray(offset, offset + lenBytes);
  }
}
