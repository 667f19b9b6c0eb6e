/* silence.ts: how long a peer has been silent, as far as anybody listened. The time since its last
 * byte is not that: on a busy host the listener itself may not have run, and a stall of its own
 * would look like the peer's death. So the bound is cut into steps, each ended by a timer, and a
 * step whose timer came late counts as one step only.
 * The rule: it may find a silence later than the clock would, never earlier. */

const STEPS = 8;

export class Silence {
  /** How long a step is meant to take. */
  readonly stepMs: number;
  #quietMs = 0;
  #at: number;

  constructor(readonly boundMs: number, nowMs: number) {
    this.stepMs = boundMs / STEPS;
    this.#at = nowMs;
  }

  heard(nowMs: number): void {
    this.#quietMs = 0;
    this.#at = nowMs;
  }

  /** A step is over, and what had arrived was read. Gives the silence that was listened to. */
  step(nowMs: number): number {
    const passedMs = nowMs - this.#at;
    this.#at = nowMs;
    // A timer that is a little late is no stall: within two steps the time counts as it is.
    this.#quietMs += passedMs <= 2 * this.stepMs ? passedMs : this.stepMs;
    return this.#quietMs;
  }

  get isOver(): boolean {
    return this.#quietMs >= this.boundMs;
  }
}
