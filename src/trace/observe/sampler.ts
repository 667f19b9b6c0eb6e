/* sampler.ts: what one call costs, as the kernel itself measures it: its measurement of run times
 * is on for a short while at the start and then once a second, because it costs time of its own.
 * The rule: where the kernel cannot measure, the answer is null, not a guess. */
import type { Closable } from 'bpf-loader';
import type { Kernel } from './kernel.js';

const onMs = 20;
const everyMs = 1000;

export class Sampler {
  #measurement: Closable | null = null;
  #next: NodeJS.Timeout | undefined;

  constructor(private readonly kernel: Kernel) {
    this.#start();
  }

  #start(): void {
    this.#measurement = this.kernel.measure();
    if (this.#measurement === null) return;
    this.#next = setTimeout(() => {
      this.#measurement?.close();
      this.#next = setTimeout(() => this.#start(), everyMs - onMs);
    }, onMs);
  }

  stop(): void {
    clearTimeout(this.#next);
    this.#measurement?.close();
  }

  nsPerCall(): number | null {
    return this.kernel.nsPerCall();
  }
}
