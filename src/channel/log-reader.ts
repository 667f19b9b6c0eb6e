// log-reader.ts: reads a log back, block by block, believing nothing it has not checked: the CRC of
// each block, the shape of each record, and that no number is missing.
// The rule: a torn end (the writer died in the middle of a block) is cut at its last whole record
// and noted; a byte that differs anywhere else is an error that names file, block and kind.
// (The CRC of a torn block covers bytes that are gone: its records are checked for shape and
// number alone.)

import { closeSync, fstatSync, openSync, readFileSync, readSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { z } from 'zod';

import { errnoOf } from '../errors.js';
import { LogError } from './errors.js';
import type { RunInfo } from './framing.js';
import {
  BLOCK_HEADER_BYTES,
  LOG_FORMAT,
  META_FILE,
  getHeader,
  isMetaWhole,
  logMetaSchema,
  segmentFile,
  segmentIndex,
  type BlockHeader,
  type LogMeta,
} from './log-format.js';
import { PROBLEMS, Stop, newScan, scanRecords, viewOf, type Scan } from './record.js';

/** A run of checked records; `bytes` is valid until the next block is asked for. */
export interface LogBlock extends RunInfo {
  file: string;
  /** Where the block's header lies in the file. */
  offset: number;
  bytes: Uint8Array;
}

/** An end that was cut: where, how many bytes were left out, and the sentence for the user. */
export interface TornTail {
  file: string;
  offset: number;
  cutBytes: number;
  note: string;
}

export class LogReader {
  readonly dir: string;
  readonly meta: LogMeta;
  /** Set by blocks() when the log ends in the middle of a block. */
  torn: TornTail | undefined;
  /** Number of the last record read; 0 before the first. */
  lastSeq = 0;
  #nextSeq = -1;
  #buffer = Buffer.alloc(0x10000);
  readonly #scan: Scan = newScan();

  /** Opens the log in `dir`. Throws LogError `log-missing` or `log-meta`. */
  constructor(dir: string) {
    this.dir = dir;
    this.meta = readMeta(dir);
  }

  /** All blocks from the beginning. Throws LogError at the first thing that is wrong. */
  *blocks(): Generator<LogBlock> {
    this.torn = undefined;
    this.#nextSeq = -1;
    this.lastSeq = 0;
    const last = segmentCount(this.dir);
    for (let index = 1; index <= last; index++) {
      yield* this.#segment(segmentFile(this.dir, index), index === last);
    }
  }

  *#segment(file: string, isLast: boolean): Generator<LogBlock> {
    const fd = open(file);
    try {
      const { size } = fstatSync(fd);
      for (let offset = 0; offset < size; ) {
        const header = this.#header(fd, file, offset, size, isLast);
        if (header === undefined) return;
        const there = Math.min(header.lengthBytes, size - offset - BLOCK_HEADER_BYTES);
        const bytes = this.#read(fd, offset + BLOCK_HEADER_BYTES, there);
        const block = this.#check(file, offset, header, bytes, isLast);
        if (block) yield block;
        offset += BLOCK_HEADER_BYTES + header.lengthBytes;
      }
    } finally {
      closeSync(fd);
    }
  }

  /** The checked header at `offset`; undefined when the file is torn there. */
  #header(
    fd: number,
    file: string,
    offset: number,
    size: number,
    isLast: boolean,
  ): BlockHeader | undefined {
    const there = Math.min(BLOCK_HEADER_BYTES, size - offset);
    const bytes = this.#read(fd, offset, there);
    if (there < BLOCK_HEADER_BYTES) {
      this.#cut(file, offset, there, isLast);
      return undefined;
    }
    const header = getHeader(bytes);
    if (typeof header !== 'string') return header;
    // After a power cut a file may have its length without its bytes.
    if (isLast && this.#restIsZero(fd, offset, size)) {
      this.#cut(file, offset, size - offset, isLast);
      return undefined;
    }
    throw corrupt(file, offset, header);
  }

  /** Passes a whole block, or the whole records of a torn one; undefined when there is none. */
  #check(
    file: string,
    offset: number,
    header: BlockHeader,
    bytes: Buffer,
    isLast: boolean,
  ): LogBlock | undefined {
    const whole = bytes.length === header.lengthBytes;
    if (whole && crc32(bytes) !== header.payloadCrc) {
      throw corrupt(file, offset, 'the checksum of its records is wrong');
    }
    const scan = this.#scan;
    if (this.#nextSeq >= 0 && header.firstSeq !== this.#nextSeq) {
      const text = `a part of the log is missing: record ${this.#nextSeq} should follow`;
      const found = `${file} goes on with ${header.firstSeq} at byte ${offset}`;
      throw new LogError('log-order', `${text}, ${found}`, { file, offset });
    }
    scanRecords(viewOf(bytes), 0, bytes.length, scan, header.firstSeq);
    if (whole && (scan.consumed !== bytes.length || scan.records !== header.records)) {
      const what = PROBLEMS[scan.problem] || 'records other than its header says';
      throw corrupt(file, offset, `it holds ${what}`);
    }
    if (!whole) {
      if (scan.stop !== Stop.partial) throw corrupt(file, offset, 'its records are none');
      const cutBytes = bytes.length - scan.consumed;
      this.#cut(file, offset + BLOCK_HEADER_BYTES + scan.consumed, cutBytes, isLast);
    }
    if (scan.records === 0) return undefined;
    this.#nextSeq = scan.lastSeq + 1;
    this.lastSeq = scan.lastSeq;
    const { records, firstSeq, lastSeq } = scan;
    return { file, offset, bytes: bytes.subarray(0, scan.consumed), records, firstSeq, lastSeq };
  }

  #cut(file: string, offset: number, cutBytes: number, isLast: boolean): void {
    if (!isLast) throw corrupt(file, offset, 'the file ends in the middle of it, and more follow');
    const note =
      `the log ends in the middle of a block: ${cutBytes} bytes of ${file} from byte ${offset} ` +
      `on are left out; the last whole record is ${this.#scan.lastSeq || this.lastSeq}`;
    this.torn = { file, offset, cutBytes, note };
  }

  #restIsZero(fd: number, offset: number, size: number): boolean {
    for (let at = offset; at < size; at += 0x10000) {
      if (!isZero(this.#read(fd, at, Math.min(size - at, 0x10000)))) return false;
    }
    return true;
  }

  #read(fd: number, position: number, length: number): Buffer {
    if (this.#buffer.length < length) this.#buffer = Buffer.alloc(length);
    let done = 0;
    while (done < length) {
      const got = readSync(fd, this.#buffer, done, length - done, position + done);
      if (got === 0) break;
      done += got;
    }
    return this.#buffer.subarray(0, done);
  }
}

function corrupt(file: string, offset: number, what: string): LogError {
  const text = `the log is damaged: ${file}, block at byte ${offset}: ${what}`;
  return new LogError('log-corrupt', `${text}; replay what comes before it, or take a copy`, {
    file,
    offset,
  });
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

/** Number of segments, which must be 1, 2, 3 … without a hole. */
function segmentCount(dir: string): number {
  const found = readdirSync(dir).flatMap((name) => segmentIndex(name) ?? []);
  found.sort((a, b) => a - b);
  found.forEach((index, i) => {
    if (index === i + 1) return;
    const file = segmentFile(dir, i + 1);
    throw new LogError('log-missing', `the log lacks ${file}: restore it`, { file });
  });
  return found.length;
}

function open(file: string): number {
  try {
    return openSync(file, 'r');
  } catch (cause) {
    const text = `cannot read the log ${file} (${errnoOf(cause)})`;
    throw new LogError('log-io', text, { file, cause });
  }
}

const formatSchema = z.object({ format: z.number().int() });

function readMeta(dir: string): LogMeta {
  const file = join(dir, META_FILE);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    const why = `there is no log in ${dir}: ${file} cannot be read (${errnoOf(cause)})`;
    throw new LogError('log-missing', why, { file, cause });
  }
  try {
    const found: unknown = JSON.parse(text);
    const format = formatSchema.parse(found).format;
    if (format !== LOG_FORMAT) {
      throw new Error(`its format is ${format}, and this HotSwap reads format ${LOG_FORMAT}`);
    }
    const meta = logMetaSchema.parse(found);
    if (!isMetaWhole(text)) throw new Error('its checksum is wrong, so a byte of it was changed');
    return meta;
  } catch (cause) {
    const what = cause instanceof z.ZodError ? z.prettifyError(cause) : (cause as Error).message;
    const why = what.replaceAll('\n', ' ');
    const text = `${file} is not the description of a log: ${why}`;
    throw new LogError('log-meta', text, { file, cause });
  }
}
