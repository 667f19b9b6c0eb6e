/* catch-up.ts: a backup that joins a running program gets the log from its beginning, from disk,
 * while new records go on to be written behind it. The log is read in passes, each over what the
 * one before did not see; the last pass is short enough to let the ring fill meanwhile.
 * The rule: every record once, in order; the switch from disk to ring happens at the same byte. */
import { LogReader, type LogBlock, type LogWriter } from '../channel/index.js';

export class CatchUp {
  sentSeq = 0;
  sentBytes = 0;
  readonly #writer: LogWriter;
  #blocks: Generator<LogBlock>;

  constructor(writer: LogWriter) {
    this.#writer = writer;
    writer.flush();
    this.#blocks = new LogReader(writer.dir).blocks();
  }

  /** Bytes in the log that were not sent yet. */
  get behindBytes(): number {
    return this.#writer.bytes - this.sentBytes;
  }

  /** Sends the next block, copied. False when everything that is in the log was sent. */
  step(send: (bytes: Uint8Array) => void): boolean {
    for (;;) {
      const next = this.#blocks.next();
      if (next.done) {
        this.#writer.flush();
        if (this.behindBytes === 0) return false;
        this.#blocks = new LogReader(this.#writer.dir).blocks();
        continue;
      }
      const block = next.value;
      if (block.lastSeq <= this.sentSeq) continue; // seen in an earlier pass
      this.sentSeq = block.lastSeq;
      this.sentBytes += block.bytes.length;
      send(Uint8Array.from(block.bytes));
      return true;
    }
  }

  close(): void {
    this.#blocks.return(undefined);
  }
}
