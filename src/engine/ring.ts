/* ring.ts: the engine's end of the ring in shared memory: the consumer of what a recording program
 * produces (RingReader), the producer of what a replaying one consumes (RingWriter).
 * Positions count bytes since the start of the session and never wrap; the mapping is doubled, so
 * a run of records is one piece of memory. The rule: nothing here allocates per record or blocks;
 * waiting is a FutexWaiter's, armed only after the flag was set and the ring looked at again. */
import { FutexWaiter, mapMemory, unmapMemory } from 'bpf-loader';
import {
  Stop, frameBytes, layout, newScan, recordSeq, scanRecords, viewOf, type Scan,
} from '../channel/index.js';
import { BrokenInvariant } from '../errors.js';
import { ControlBlock } from './control-block.js';

const { CONTROL, HS_CONTROL_OFFSET, HS_MAX_RECORD_BYTES, HS_RING_OFFSET, SIZES } = layout;

/** The session's memory as one engine thread maps it. */
export class SessionMap {
  readonly control: ControlBlock;
  readonly ring: ArrayBuffer;

  constructor(readonly fd: number, readonly ringBytes: number) {
    const bytes = Math.ceil(SIZES.control / 4096) * 4096;
    this.control = new ControlBlock(mapMemory(fd, HS_CONTROL_OFFSET, bytes));
    this.ring = mapMemory(fd, HS_RING_OFFSET, ringBytes, { doubled: true });
  }

  close(): void {
    if (this.ring.byteLength > 0) unmapMemory(this.ring);
    if (this.control.buffer.byteLength > 0) unmapMemory(this.control.buffer);
  }
}

/** Waits for data after a drain: short at first, for a program that wakes nobody while it is busy,
 * longer when nothing comes. */
const FIRST_WAIT_MS = 1;
const LONGEST_WAIT_MS = 16;

export class RingReader {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** The run that `take` found: [start, end) of `bytes`, described by `scan`. */
  readonly scan: Scan = newScan();
  start = 0;
  end = 0;
  /** Everything before was taken; what was handed back by `done` may lie further behind. */
  position = 0;
  seq = 0;
  readonly #control: ControlBlock;
  readonly #ringBytes: number;
  readonly #waiter: FutexWaiter;
  #waitMs = FIRST_WAIT_MS;

  /** @param onData called once after each `sleep` that returned true */
  constructor(map: SessionMap, onData: () => void) {
    this.#control = map.control;
    this.#ringBytes = map.ringBytes;
    this.bytes = new Uint8Array(map.ring);
    this.view = viewOf(this.bytes);
    this.#waiter = new FutexWaiter(map.control.buffer, CONTROL.dataWord, onData);
  }

  get isEmpty(): boolean {
    return this.#control.load64(CONTROL.head) === this.position;
  }

  get waitingBytes(): number {
    return this.#control.load64(CONTROL.head) - this.position;
  }

  /** Finds the next run of whole records, of about `maxBytes` at most. False when there is none. */
  take(maxBytes: number): boolean {
    const waiting = this.waitingBytes;
    if (waiting === 0) return false;
    const start = this.position % this.#ringBytes;
    const { scan } = this;
    scanRecords(this.view, start, start + Math.min(waiting, maxBytes), scan, this.seq + 1);
    if (scan.records === 0 && scan.stop === Stop.partial && waiting > maxBytes) {
      const most = Math.min(waiting, HS_MAX_RECORD_BYTES);
      scanRecords(this.view, start, start + most, scan, this.seq + 1);
    }
    if (scan.records === 0) throw overwritten(this.position, scan);
    this.start = start;
    this.end = start + scan.consumed;
    this.position += scan.consumed;
    this.seq = scan.lastSeq;
    this.#waitMs = FIRST_WAIT_MS;
    return true;
  }

  /** Gives everything before `position` back to the producer. */
  done(position: number, seq: number): void {
    this.#control.store64(CONTROL.tailSeq, seq);
    this.#control.store64(CONTROL.tail, position);
    this.#control.wakeSleeper(CONTROL.spaceSleeping, CONTROL.spaceWord);
  }

  /** Has `onData` called when records come, or soon. False when some are there already. */
  sleep(): boolean {
    const word = this.#control.load32(CONTROL.dataWord);
    this.#control.store32(CONTROL.dataSleeping, 1);
    if (!this.isEmpty) {
      this.#control.store32(CONTROL.dataSleeping, 0);
      return false;
    }
    this.#waiter.arm(word, this.#waitMs);
    this.#waitMs = Math.min(this.#waitMs * 2, LONGEST_WAIT_MS);
    return true;
  }

  close(): void {
    this.#waiter.close();
  }
}

function overwritten(position: number, scan: Scan): BrokenInvariant {
  return new BrokenInvariant(
    `the ring holds no record at byte ${position} of the session: the program overwrote it`,
    { evidence: { position, stop: scan.stop, problem: scan.problem } },
  );
}

export class RingWriter {
  /** Bytes and records stored since the start of the session. */
  position = 0;
  seq = 0;
  readonly #control: ControlBlock;
  readonly #ringBytes: number;
  readonly #bytes: Uint8Array;
  readonly #waiter: FutexWaiter;
  /** What was given as `onSpace`. */
  readonly notify: () => void;

  /** @param onSpace called once after each `waitForSpace` that returned true */
  constructor(map: SessionMap, onSpace: () => void) {
    this.notify = onSpace;
    this.#control = map.control;
    this.#ringBytes = map.ringBytes;
    this.#bytes = new Uint8Array(map.ring);
    this.#waiter = new FutexWaiter(map.control.buffer, CONTROL.spaceWord, onSpace);
  }

  /** Bytes the program has consumed, and the number of its last record. */
  get consumed(): number {
    return this.#control.load64(CONTROL.tail);
  }

  get consumedSeq(): number {
    return this.#control.load64(CONTROL.tailSeq);
  }

  /** Stores as many whole records of [start, end) as there is room for; returns their bytes. The
   * program learns of them by `wake`, if it sleeps. */
  push(bytes: Uint8Array, start: number, end: number, lastSeq: number): number {
    const room = this.#ringBytes - (this.position - this.consumed);
    let fits = end;
    let seq = lastSeq;
    if (end - start > room) {
      const view = viewOf(bytes);
      for (fits = start; fits < end; ) {
        const size = frameBytes(view, fits);
        if (fits + size - start > room) break;
        seq = recordSeq(view, fits);
        fits += size;
      }
      if (fits === start) return 0;
    }
    this.#bytes.set(bytes.subarray(start, fits), this.position % this.#ringBytes);
    this.position += fits - start;
    this.seq = seq;
    this.#control.store64(CONTROL.headSeq, seq);
    this.#control.store64(CONTROL.head, this.position);
    return fits - start;
  }

  /** Wakes a program that sleeps until there is more. */
  wake(): void {
    this.#control.wakeSleeper(CONTROL.dataSleeping, CONTROL.dataWord);
  }

  /** Says that nothing more will come: everything stored before is consumed first. */
  finish(how: number): void {
    this.#control.store32(CONTROL.end, how);
    this.#control.wakeAlways(CONTROL.dataSleeping, CONTROL.dataWord);
  }

  /** Has `onSpace` called when the program has consumed more than `seen`, or after `boundMs`. */
  waitForSpace(seen: number, boundMs: number): boolean {
    const word = this.#control.load32(CONTROL.spaceWord);
    this.#control.store32(CONTROL.spaceSleeping, 1);
    if (this.consumed !== seen) return false;
    this.#waiter.arm(word, boundMs);
    return true;
  }

  close(): void {
    this.#waiter.close();
  }
}
