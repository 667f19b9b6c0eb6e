// log-writer.ts: appends records to a log on disk. Runs in the engine's worker thread, so it writes
// synchronously: the bytes are in the kernel when flush returns, and a killed engine loses none.
// The rule: a file that was written to ends at a block boundary, also when the disk is full.

import {
  closeSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  writeSync,
  writevSync,
} from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';

import { errnoOf } from '../errors.js';
import { LogError } from './errors.js';
import type { RunInfo } from './framing.js';
import {
  BLOCK_BYTES,
  BLOCK_HEADER_BYTES,
  LOG_FORMAT,
  META_FILE,
  SEGMENT_BYTES,
  metaText,
  putHeader,
  segmentFile,
  segmentIndex,
  type LogMeta,
} from './log-format.js';
import { frameBytes, recordSeq, viewOf } from './record.js';

export interface LogWriterOptions {
  /** A segment is closed and the next begun when it would grow beyond this. */
  segmentBytes?: number;
  /** fsync after each flush: survives a power cut, and costs one disk round trip. */
  syncEach?: boolean;
}

/** Everything about a log except its `format`, which the writer knows. */
export type NewLogMeta = Omit<LogMeta, 'format' | 'extra'> & { extra?: LogMeta['extra'] };

export class LogWriter {
  /** Counters. Bytes are of records, without block headers. */
  records = 0;
  bytes = 0;
  blocks = 0;
  lastSeq = 0;

  readonly dir: string;
  readonly #segmentBytes: number;
  readonly #syncEach: boolean;
  readonly #header = Buffer.alloc(BLOCK_HEADER_BYTES);
  readonly #pending = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  #pendingBytes = 0;
  #pendingRecords = 0;
  #pendingFirstSeq = 0;
  #fd = -1;
  #index = 0;
  #size = 0;
  #failure: Error | undefined;

  private constructor(dir: string, options: LogWriterOptions) {
    this.dir = dir;
    this.#segmentBytes = options.segmentBytes ?? SEGMENT_BYTES;
    this.#syncEach = options.syncEach ?? false;
  }

  /** Begins a log in `dir`, which is made if need be. Throws LogError. */
  static create(dir: string, meta: NewLogMeta, options: LogWriterOptions = {}): LogWriter {
    const writer = new LogWriter(dir, options);
    guard(dir, undefined, () => {
      mkdirSync(dir, { recursive: true });
      const held = readdirSync(dir).some((name) => segmentIndex(name) !== undefined);
      if (held || existsSync(join(dir, META_FILE))) {
        throw new LogError('log-exists', `${dir} already holds a log: give an empty directory`, {
          file: dir,
        });
      }
      writeMeta(dir, { ...meta, format: LOG_FORMAT, extra: meta.extra ?? {} });
      writer.#nextSegment();
    });
    return writer;
  }

  /** The file that is written to, for messages. */
  get file(): string {
    return segmentFile(this.dir, this.#index);
  }

  /** Bytes appended and not flushed yet. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /**
   * Takes a run of whole, checked records. Small runs are gathered into a block until `flush` or
   * until the block is full. Throws LogError, and then again each time: the log ends there, and
   * what was flushed before is safe.
   */
  append(bytes: Uint8Array, start: number, end: number, info: RunInfo): void {
    if (this.#fd < 0) {
      throw new LogError('log-closed', `the log ${this.dir} is closed`, { file: this.dir });
    }
    if (this.#failure) throw this.#failure;
    const size = end - start;
    try {
      if (size <= BLOCK_BYTES) this.#gather(bytes, start, end, info.firstSeq, info.records);
      else this.#split(bytes, start, end);
    } catch (error) {
      // A part of the run may be written: what came after it would leave a hole.
      this.#failure = error as Error;
      throw error;
    }
    this.records += info.records;
    this.bytes += size;
    this.lastSeq = info.lastSeq;
  }

  /** Hands everything appended to the kernel as one block. */
  flush(): void {
    if (this.#pendingBytes > 0) {
      const payload = this.#pending.subarray(0, this.#pendingBytes);
      this.#writeBlock(payload, this.#pendingFirstSeq, this.#pendingRecords);
      this.#pendingBytes = 0;
      this.#pendingRecords = 0;
    }
    if (this.#syncEach) this.sync();
  }

  /** Waits until everything flushed is on the disk itself. */
  sync(): void {
    guard(this.file, this.#size, () => fsyncSync(this.#fd));
  }

  /** Flushes, syncs and closes. Closing twice is no error. */
  close(): void {
    if (this.#fd < 0) return;
    try {
      this.flush();
      this.sync();
    } finally {
      closeSync(this.#fd);
      this.#fd = -1;
    }
  }

  #gather(bytes: Uint8Array, start: number, end: number, firstSeq: number, records: number): void {
    if (this.#pendingBytes + end - start > BLOCK_BYTES) this.flush();
    if (this.#pendingBytes === 0) this.#pendingFirstSeq = firstSeq;
    this.#pending.set(bytes.subarray(start, end), this.#pendingBytes);
    this.#pendingBytes += end - start;
    this.#pendingRecords += records;
  }

  /** A run larger than a block goes to the file from where it lies, cut at record boundaries. */
  #split(bytes: Uint8Array, start: number, end: number): void {
    this.flush();
    const view = viewOf(bytes);
    let from = start;
    let records = 0;
    for (let at = start; at < end; ) {
      const size = frameBytes(view, at);
      if (records > 0 && at + size - from > BLOCK_BYTES) {
        this.#writeBlock(bytes.subarray(from, at), recordSeq(view, from), records);
        from = at;
        records = 0;
      }
      at += size;
      records++;
    }
    this.#writeBlock(bytes.subarray(from, end), recordSeq(view, from), records);
  }

  #writeBlock(payload: Uint8Array, firstSeq: number, records: number): void {
    const total = BLOCK_HEADER_BYTES + payload.length;
    if (this.#size > 0 && this.#size + total > this.#segmentBytes) this.#nextSegment();
    const payloadCrc = crc32(payload);
    putHeader(this.#header, { lengthBytes: payload.length, records, firstSeq, payloadCrc });
    guard(this.file, this.#size, () => this.#writeWhole([this.#header, payload], total));
    this.#size += total;
    this.blocks++;
  }

  /** Writes all or nothing: a disk that fills up in the middle is cut back to the last block. */
  #writeWhole(parts: Uint8Array[], total: number): void {
    try {
      let written = writevSync(this.#fd, parts, this.#size);
      const head = parts[0]!.length;
      while (written < total) {
        const part = written < head ? parts[0]! : parts[1]!;
        const offset = written < head ? written : written - head;
        const at = this.#size + written;
        written += writeSync(this.#fd, part, offset, part.length - offset, at);
      }
    } catch (error) {
      ftruncateSync(this.#fd, this.#size);
      throw error;
    }
  }

  #nextSegment(): void {
    const next = segmentFile(this.dir, this.#index + 1);
    const fd = guard(next, 0, () => openSync(next, 'wx', 0o600));
    if (this.#fd >= 0) {
      guard(this.file, this.#size, () => fsyncSync(this.#fd));
      closeSync(this.#fd);
    }
    this.#fd = fd;
    this.#index++;
    this.#size = 0;
  }
}

/** Written beside and renamed, so that a meta.json that is there is whole. */
function writeMeta(dir: string, meta: LogMeta): void {
  const text = metaText(meta);
  const fd = openSync(join(dir, `${META_FILE}.new`), 'w', 0o600);
  try {
    writeSync(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(join(dir, `${META_FILE}.new`), join(dir, META_FILE));
}

/** Runs file operations and gives their errors a name. */
function guard<T>(file: string, offset: number | undefined, act: () => T): T {
  try {
    return act();
  } catch (cause) {
    const errno = errnoOf(cause);
    if (cause instanceof LogError || errno === undefined) throw cause;
    const at = offset === undefined ? '' : ` at byte ${offset}`;
    if (errno === 'ENOSPC' || errno === 'EDQUOT' || errno === 'EFBIG') {
      const text = `no space left for the log ${file}${at} (${errno})`;
      throw new LogError('log-full', `${text}: all before it is safe; make room`, {
        file,
        offset,
        cause,
      });
    }
    throw new LogError('log-io', `cannot write the log ${file}${at} (${errno}): check the disk`, {
      file,
      offset,
      cause,
    });
  }
}
