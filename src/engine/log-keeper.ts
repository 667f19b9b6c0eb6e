/* log-keeper.ts: the log a primary keeps beside its channel. The rule: a log that fails (a full
 * disk, say) is given up and told, and the pair goes on: only a later backup needs it. */
import type { LogWriter } from '../channel/index.js';
import type { RingReader } from './ring.js';

export class LogKeeper {
  /** @param onLost called once, with why, when the log had to be given up */
  constructor(private writer: LogWriter | undefined, readonly onLost: (why: Error) => void) {}

  /** Undefined when there is none, or none any more. */
  get log(): LogWriter | undefined {
    return this.writer;
  }

  /** Adds the run the reader has taken. */
  append({ bytes, start, end, scan }: RingReader): void {
    this.#try((writer) => writer.append(bytes, start, end, scan));
  }

  flush(): void {
    this.#try((writer) => writer.flush());
  }

  close(): void {
    this.flush();
    this.writer?.close();
  }

  #try(act: (writer: LogWriter) => void): void {
    if (!this.writer) return;
    try {
      act(this.writer);
    } catch (error) {
      this.writer = undefined;
      this.onLost(error as Error);
    }
  }
}
