/* claims.ts: the primary's right to speak, renewed every few milliseconds: it sends a numbered
 * claim, the backup confirms it, and the age of the newest confirmed claim says how long ago the
 * backup surely still heard us. That is what fencing goes by, because the backup's own bound
 * starts when it last heard us. The rule: the age is never younger than what was proved. */

const KEPT = 256;

export class Claims {
  /** Number of the newest claim sent. */
  sent = 0;
  readonly #sentAt = new Float64Array(KEPT);
  #provedAt: number;

  constructor(nowMs: number) {
    this.#provedAt = nowMs;
  }

  /** The number of the next claim, to be sent now. */
  next(nowMs: number): number {
    this.sent++;
    this.#sentAt[this.sent % KEPT] = nowMs;
    return this.sent;
  }

  /** The backup has confirmed claim `n`. */
  confirm(n: number): void {
    if (n > this.sent || n <= this.sent - KEPT) return;
    this.#provedAt = Math.max(this.#provedAt, this.#sentAt[n % KEPT]!);
  }

  /** The backup has told of records it had not before: it heard us about `agoMs` ago. */
  progress(nowMs: number, agoMs: number): void {
    this.#provedAt = Math.max(this.#provedAt, nowMs - agoMs);
  }

  ageMs(nowMs: number): number {
    return nowMs - this.#provedAt;
  }
}
