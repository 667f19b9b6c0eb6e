/* counters.ts: the per-call maps of the kernel half as rows, and the timeline drawn from them.
 * The rule: a name comes from the call table; what it does not know is named by its number. */
import { calls } from '../../calls/table.js';
import {
  countBytes, countWords, observeBuckets, observeNative, observeOther, timeBytes, timeWords,
} from '../../../bpf/observe-layout.js';
import type { CallStats, Detail, Timeline } from '../observation.js';
import type { Kernel } from './kernel.js';

const names = new Map(calls.map(({ nr, name }) => [nr, name]));

/** Rows behind those of x86_64 are i386 calls, made with `int 0x80`; the last has all the rest. */
export function nameOfRow(row: number): string {
  if (row === observeOther) return 'unknown';
  if (row >= observeNative) return `i386_${row - observeNative}`;
  return names.get(row) ?? `syscall_${row}`;
}

/** All calls that were made, the most frequent first. */
export function readCalls(kernel: Kernel, detail: Detail): CallStats[] {
  const counts = kernel.object.perCpuSum('counts');
  const times = detail === 'counts' ? null : kernel.object.perCpuSum('times');
  const all: CallStats[] = [];
  const perCount = countBytes / 8;
  const perTime = timeBytes / 8;
  for (let row = 0; row * perCount < counts.length; row++) {
    const count = Number(counts[row * perCount + countWords.count]);
    if (count === 0) continue;
    const time = times?.subarray(row * perTime, (row + 1) * perTime);
    const buckets = time?.subarray(timeWords.buckets, timeWords.buckets + observeBuckets);
    all.push({
      nr: row, name: nameOfRow(row), count,
      errors: Number(counts[row * perCount + countWords.errors]),
      ns: Number(time?.[timeWords.ns] ?? 0),
      histogram: Array.from(buckets ?? [], Number),
    });
  }
  return all.sort((a, b) => b.count - a.count || a.nr - b.nr);
}

const firstWindowMs = 100;
const windowsMax = 600;

/** Counts per window, read from the kernel's counters as time goes by. When there are too many
 * windows each two become one: memory stays the same however long it takes. */
export class TimelineRecorder {
  #windowMs = firstWindowMs;
  #windows: Map<number, number>[] = [];
  #before = new Map<number, number>();
  readonly #startMs = performance.now();
  #timer: NodeJS.Timeout;

  constructor(private readonly kernel: Kernel) {
    this.#timer = setInterval(() => this.#read(), firstWindowMs);
  }

  #read(): void {
    const counts = this.kernel.object.perCpuSum('counts');
    const perCount = countBytes / 8;
    let at = Math.floor((performance.now() - this.#startMs) / this.#windowMs);
    while (at >= windowsMax) {
      this.#halve();
      at >>= 1;
    }
    // What is read at the end of a window happened in it.
    const window = this.#windows[Math.max(0, at - 1)] ??= new Map<number, number>();
    for (let row = 0; row * perCount < counts.length; row++) {
      const count = Number(counts[row * perCount + countWords.count]);
      const more = count - (this.#before.get(row) ?? 0);
      if (more === 0) continue;
      window.set(row, (window.get(row) ?? 0) + more);
      this.#before.set(row, count);
    }
  }

  #halve(): void {
    const halved: Map<number, number>[] = [];
    this.#windows.forEach((window, index) => {
      const into = halved[index >> 1] ??= new Map<number, number>();
      for (const [row, count] of window) into.set(row, (into.get(row) ?? 0) + count);
    });
    this.#windows = halved;
    this.#windowMs *= 2;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** The whole of it, with what happened since the last full window. */
  finish(): Timeline {
    this.stop();
    this.#read();
    const length = this.#windows.length;
    const all: Record<number, number[]> = {};
    this.#windows.forEach((window, index) => {
      for (const [row, count] of window) {
        (all[row] ??= new Array<number>(length).fill(0))[index] = count;
      }
    });
    return { windowMs: this.#windowMs, calls: all };
  }
}
