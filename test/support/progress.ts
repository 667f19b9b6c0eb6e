/* progress.ts: a bar on a terminal, a line now and then elsewhere. The rule: nothing is lost that
 * was said while a bar is there. */
const widthColumns = 30;

export class Progress {
  readonly #isTerminal = process.stdout.isTTY === true;
  #last = 0;

  /** `total` 0: silent. */
  constructor(readonly total: number) {}

  step(done: number, failed: number): void {
    if (this.total === 0) return;
    const filled = Math.round((done / this.total) * widthColumns);
    if (this.#isTerminal) {
      const bar = '#'.repeat(filled).padEnd(widthColumns, '.');
      process.stdout.write(`\r[${bar}] ${done} of ${this.total}, ${failed} failed `);
    } else if (filled > this.#last) {
      console.log(`${done} of ${this.total}, ${failed} failed`);
    }
    this.#last = filled;
  }

  say(text: string): void {
    if (this.#isTerminal) process.stdout.write('\r\x1b[K');
    console.log(text);
  }

  end(): void {
    if (this.total > 0 && this.#isTerminal) process.stdout.write('\n');
  }
}
