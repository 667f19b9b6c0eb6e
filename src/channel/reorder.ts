// reorder.ts: puts runs of records into the order of their numbers, whatever order they came in.
// A run that is next goes straight through, uncopied; one that came twice is dropped; one that
// came early is copied and waits. The rule: what waits is bounded, and delivery is exactly once,
// in order, without a gap.

import { ChannelError } from './errors.js';
import type { OnRecords, RunInfo } from './framing.js';
import { frameBytes, viewOf } from './record.js';

export interface ReorderBounds {
  /** Bytes that may wait for a missing record. */
  maxBytes: number;
  /** Runs that may wait: bounds the search and the overhead of tiny runs. */
  maxRuns: number;
}

export const REORDER_DEFAULTS: ReorderBounds = { maxBytes: 0x4000000, maxRuns: 0x10000 };

interface Waiting {
  bytes: Uint8Array;
  firstSeq: number;
  lastSeq: number;
}

/** Sorts by sequence number. `nextSeq` -1: whatever comes first is the beginning. */
export class Reorder {
  /** Records dropped because they had come before. */
  duplicates = 0;
  /** Records that came before their turn. */
  early = 0;
  waitingBytes = 0;

  readonly #deliver: OnRecords;
  readonly #bounds: ReorderBounds;
  readonly #waiting: Waiting[] = []; // by firstSeq, ascending
  readonly #info = { records: 0, firstSeq: 0, lastSeq: 0 };
  #nextSeq: number;

  constructor(deliver: OnRecords, nextSeq = -1, bounds: ReorderBounds = REORDER_DEFAULTS) {
    this.#deliver = deliver;
    this.#nextSeq = nextSeq;
    this.#bounds = bounds;
  }

  /** The number of the record that is waited for; -1 before the first. */
  get nextSeq(): number {
    return this.#nextSeq;
  }

  /** True while records wait for an earlier one. */
  get gap(): boolean {
    return this.#waiting.length > 0;
  }

  /** Numbers missing before the first record that waits; undefined without a gap. */
  get missing(): { from: number; to: number } | undefined {
    const first = this.#waiting[0];
    return first && { from: this.#nextSeq, to: first.firstSeq - 1 };
  }

  /** Takes a run of consecutive, checked records. Throws ChannelError when the bounds are met. */
  push(bytes: Uint8Array, start: number, end: number, info: RunInfo): void {
    if (this.#nextSeq === -1) this.#nextSeq = info.firstSeq;
    if (info.firstSeq > this.#nextSeq) {
      this.#keep(bytes, start, end, info);
      return;
    }
    this.#pass(bytes, start, end, info.firstSeq, info.lastSeq);
    while (this.#waiting.length > 0 && this.#waiting[0]!.firstSeq <= this.#nextSeq) {
      const run = this.#waiting.shift()!;
      this.waitingBytes -= run.bytes.length;
      this.#pass(run.bytes, 0, run.bytes.length, run.firstSeq, run.lastSeq);
    }
  }

  /** Delivers the part of a run that has not been delivered yet. */
  #pass(bytes: Uint8Array, start: number, end: number, firstSeq: number, lastSeq: number): void {
    const known = Math.min(this.#nextSeq, lastSeq + 1) - firstSeq;
    this.duplicates += known;
    if (this.#nextSeq > lastSeq) return;
    let at = start;
    if (known > 0) {
      const view = viewOf(bytes);
      for (let i = 0; i < known; i++) at += frameBytes(view, at);
    }
    const info = this.#info;
    info.firstSeq = this.#nextSeq;
    info.lastSeq = lastSeq;
    info.records = lastSeq - this.#nextSeq + 1;
    this.#nextSeq = lastSeq + 1;
    this.#deliver(bytes, at, end, info);
  }

  #keep(bytes: Uint8Array, start: number, end: number, info: RunInfo): void {
    const waiting = this.#waiting;
    let low = 0;
    let high = waiting.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (waiting[middle]!.firstSeq < info.firstSeq) low = middle + 1;
      else high = middle;
    }
    const twin = waiting[low];
    if (twin && twin.firstSeq === info.firstSeq && twin.lastSeq >= info.lastSeq) {
      this.duplicates += info.records;
      return;
    }
    const size = end - start;
    const { maxBytes, maxRuns } = this.#bounds;
    if (this.waitingBytes + size > maxBytes || waiting.length >= maxRuns) {
      throw new ChannelError(
        'gap-bound',
        `record ${this.#nextSeq} is missing while ${this.waitingBytes + size} bytes after it ` +
          `wait (bound ${maxBytes} bytes, ${maxRuns} runs): reconnect`,
      );
    }
    this.early += info.records;
    this.waitingBytes += size;
    const copy = new Uint8Array(size); // not slice(): on a Buffer that is a view
    copy.set(bytes.subarray(start, end));
    waiting.splice(low, 0, { bytes: copy, firstSeq: info.firstSeq, lastSeq: info.lastSeq });
  }
}
