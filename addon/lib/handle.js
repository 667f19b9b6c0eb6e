// What everything that can be closed has in common: closing twice is fine, using it after that
// throws, and `using` closes it.
import { ClosedError } from './errors.js';

export class Handle {
  #what;
  #closed = false;

  constructor(what) {
    this.#what = what;
  }

  get closed() {
    return this.#closed;
  }

  close() {
    if (this.#closed) return;
    this.#closed = true;
    this.release();
  }

  [Symbol.dispose]() {
    this.close();
  }

  /** For subclasses: called once, by the first close(). */
  release() {}

  /** For subclasses: throws a ClosedError after close(). */
  checkOpen() {
    if (this.#closed) throw new ClosedError(this.#what);
  }
}

/** Handles with a thread of their own. Held here, so that only close() or the environment's end
 * stops one, never the garbage collector. */
export const running = new Set();
