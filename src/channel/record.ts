// record.ts: records as bytes. The hot path (scanRecords) checks runs of records where they lie,
// with no allocation per record; decode and encode are for tools and tests.
// The rule: nothing that scanRecords has not passed may go further. A length is believed only
// after it was compared with the bytes that are there.

import {
  CONTROL_MAX_BYTES,
  CONTROL_MIN_BYTES,
  CONTROL_ROOT_HIGH,
  HS_MAX_RECORD_BYTES,
  HS_RECORD_BYTES,
  RECORD,
  RECORD_ROOT_HIGH,
} from './layout.js';

/** Why a scan ended. */
export const Stop = {
  /** Everything was consumed, or a part of a record is left for the next call. */
  partial: 0,
  /** The next frame is a control message, whole or in part. */
  control: 1,
  /** The next record is sound, but its number is not the next one. */
  sequence: 2,
  /** The next bytes are not a record: `problem` says why. */
  bad: 3,
} as const;
export type StopReason = (typeof Stop)[keyof typeof Stop];

/** What is wrong with the bytes at the end of `consumed`; an index into PROBLEMS. */
export const PROBLEMS = [
  '',
  'a segment count other than one',
  'a length outside the bounds',
  'a root pointer of neither a record nor a control message',
  'a data pointer that is not a list of bytes right behind it',
  'more data than the record has room for',
  'a sequence number above 2^53',
] as const;

/** State and result of a scan; made once, filled anew by every scanRecords. */
export interface Scan {
  /** Bytes of whole, checked records from `start`. */
  consumed: number;
  records: number;
  /** 0 when there is no record. */
  firstSeq: number;
  lastSeq: number;
  stop: StopReason;
  problem: number;
}

export function newScan(): Scan {
  return { consumed: 0, records: 0, firstSeq: 0, lastSeq: 0, stop: Stop.partial, problem: 0 };
}

/** A view of the same bytes, as the functions here want it. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * Checks the run of records in [start, end) and fills `scan`. Each record must have one segment, a
 * length within bounds, the exact root pointer, data inside it, and the number after the one
 * before. The first may have any number unless `nextSeq` (>= 0) demands one. Never throws.
 */
export function scanRecords(
  view: DataView,
  start: number,
  end: number,
  scan: Scan,
  nextSeq = -1,
): void {
  let at = start;
  let records = 0;
  let last = nextSeq - 1;
  scan.stop = Stop.partial;
  scan.problem = 0;
  while (end - at >= HS_RECORD_BYTES) {
    const words = view.getUint32(at + RECORD.words, true);
    if (
      view.getUint32(at, true) !== 0 ||
      view.getUint32(at + RECORD.root, true) !== 0 ||
      view.getUint32(at + RECORD.root + 4, true) !== RECORD_ROOT_HIGH ||
      words < 7 ||
      words >= HS_MAX_RECORD_BYTES / 8
    ) {
      judge(view, at, end, scan);
      break;
    }
    const low = view.getUint32(at + RECORD.data, true);
    const high = view.getUint32(at + RECORD.data + 4, true);
    if (low !== 0 || high !== 0) {
      if (low !== 1 || (high & 7) !== 2) {
        scan.stop = Stop.bad;
        scan.problem = 4;
        break;
      }
      if (high >>> 3 > (words - 7) * 8) {
        scan.stop = Stop.bad;
        scan.problem = 5;
        break;
      }
    }
    const seqHigh = view.getUint32(at + RECORD.seq + 4, true);
    const seq = seqHigh * 0x100000000 + view.getUint32(at + RECORD.seq, true);
    if (seq !== last + 1) {
      if (seqHigh >= 0x200000) {
        scan.stop = Stop.bad;
        scan.problem = 6;
        break;
      }
      if (records !== 0 || nextSeq >= 0) {
        scan.stop = Stop.sequence;
        break;
      }
    }
    const size = (words + 1) * 8;
    if (end - at < size) break;
    if (records === 0) scan.firstSeq = seq;
    last = seq;
    records++;
    at += size;
  }
  // Fewer bytes than the smallest record: still enough to see a control message or nonsense.
  const left = end - at;
  if (scan.stop === Stop.partial && left > 0 && left < HS_RECORD_BYTES) judge(view, at, end, scan);
  scan.consumed = at - start;
  scan.records = records;
  if (records === 0) scan.firstSeq = 0;
  scan.lastSeq = records === 0 ? 0 : last;
}

/** Says of a frame's head, from as many bytes as are there, what it is. */
function judge(view: DataView, at: number, end: number, scan: Scan): void {
  scan.problem = frameProblem(view, at, end);
  if (scan.problem !== 0) scan.stop = Stop.bad;
  else if (end - at >= 16 && isControl(view, at)) scan.stop = Stop.control;
}

function isControl(view: DataView, at: number): boolean {
  return view.getUint32(at + RECORD.root + 4, true) === CONTROL_ROOT_HIGH;
}

/** An index into PROBLEMS: 0 as long as the bytes in [at, end) can be the head of a frame. */
export function frameProblem(view: DataView, at: number, end: number): number {
  const there = end - at;
  if (there >= 4 && view.getUint32(at, true) !== 0) return 1;
  if (there < 8) return 0;
  const bytes = frameBytes(view, at);
  if (bytes < CONTROL_MIN_BYTES || bytes > HS_MAX_RECORD_BYTES) return 2;
  if (there < 16) return 0;
  const root = view.getUint32(at + RECORD.root + 4, true);
  if (view.getUint32(at + RECORD.root, true) !== 0) return 3;
  if (root === RECORD_ROOT_HIGH) return bytes < HS_RECORD_BYTES ? 2 : 0;
  if (root === CONTROL_ROOT_HIGH) return bytes > CONTROL_MAX_BYTES ? 2 : 0;
  return 3;
}

/** Size in bytes of the frame whose framing word lies at `at`. Eight bytes must be there. */
export function frameBytes(view: DataView, at: number): number {
  return (view.getUint32(at + RECORD.words, true) + 1) * 8;
}

/** Sequence number of the record at `at`. Exact: scanRecords refuses numbers above 2^53. */
export function recordSeq(view: DataView, at: number): number {
  const high = view.getUint32(at + RECORD.seq + 4, true);
  return high * 0x100000000 + view.getUint32(at + RECORD.seq, true);
}

/** A record as an object, for tools and tests. */
export interface RecordFields {
  /** Row of the call table and HS_METHOD_* flags. */
  method: number;
  pid: number;
  seq: number;
  tid: number;
  object: number;
  result: bigint;
  check: bigint;
  /** A view of the record's own bytes, not a copy. */
  data: Uint8Array;
}

/** Reads the record at `offset`, which scanRecords must have passed. */
export function decodeRecord(view: DataView, offset: number): RecordFields {
  const lenBytes = view.getUint32(offset + RECORD.data + 4, true) >>> 3;
  return {
    method: view.getUint32(offset + RECORD.method, true),
    pid: view.getUint32(offset + RECORD.pid, true),
    seq: recordSeq(view, offset),
    tid: view.getUint32(offset + RECORD.tid, true),
    object: view.getUint32(offset + RECORD.object, true),
    result: view.getBigInt64(offset + RECORD.result, true),
    check: view.getBigUint64(offset + RECORD.check, true),
    data: new Uint8Array(view.buffer, view.byteOffset + offset + HS_RECORD_BYTES, lenBytes),
  };
}

/** Decodes each record of a run that scanRecords has passed. */
export function* decodeRun(view: DataView, start: number, end: number): Generator<RecordFields> {
  for (let at = start; at < end; at += frameBytes(view, at)) yield decodeRecord(view, at);
}

/** Bytes a record with so much data takes. */
export function encodedBytes(dataBytes: number): number {
  return HS_RECORD_BYTES + ((dataBytes + 7) & ~7);
}

/**
 * Writes a record at `offset` and returns its size; the shim's own bytes, for tests and tools.
 * Throws RangeError when it does not fit the view or the bound.
 */
export function encodeRecord(view: DataView, offset: number, fields: RecordFields): number {
  const { data } = fields;
  const size = encodedBytes(data.length);
  if (size > HS_MAX_RECORD_BYTES) throw new RangeError(`record of ${size} bytes is too large`);
  const bytes = new Uint8Array(view.buffer, view.byteOffset + offset, size);
  view.setUint32(offset, 0, true);
  view.setUint32(offset + RECORD.words, size / 8 - 1, true);
  view.setUint32(offset + RECORD.root, 0, true);
  view.setUint32(offset + RECORD.root + 4, RECORD_ROOT_HIGH, true);
  view.setUint32(offset + RECORD.method, fields.method, true);
  view.setUint32(offset + RECORD.pid, fields.pid, true);
  view.setBigUint64(offset + RECORD.seq, BigInt(fields.seq), true);
  view.setUint32(offset + RECORD.tid, fields.tid, true);
  view.setUint32(offset + RECORD.object, fields.object, true);
  view.setBigInt64(offset + RECORD.result, fields.result, true);
  view.setBigUint64(offset + RECORD.check, fields.check, true);
  view.setUint32(offset + RECORD.data, data.length === 0 ? 0 : 1, true);
  view.setUint32(offset + RECORD.data + 4, data.length === 0 ? 0 : (data.length << 3) | 2, true);
  bytes.set(data, HS_RECORD_BYTES);
  bytes.fill(0, HS_RECORD_BYTES + data.length);
  return size;
}
