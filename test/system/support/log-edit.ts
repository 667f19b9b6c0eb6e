/* log-edit.ts: alters a log on purpose: single bits, or whole records with every checksum made
 * right again, as a program with a defect of its own would have written them.
 * The rule: the recording itself stays; each alteration is of a copy. */
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { rowName } from '../../../src/calls/calls.gen.js';
import { layout } from '../../../src/channel/index.js';
import {
  BLOCK_HEADER_BYTES, META_FILE, getHeader, logMetaSchema, metaText, putHeader, segmentFile,
  type LogMeta,
} from '../../../src/channel/log-format.js';
import {
  decodeRecord, frameBytes, viewOf, type RecordFields,
} from '../../../src/channel/record.js';

/** A record where it lies, in the bytes of the segment's file. */
export interface Placed {
  fields: RecordFields;
  call: string;
  /** Where in the file the record begins. */
  offset: number;
  /** Where the header of its block is. */
  block: number;
}

export class LogCopy {
  readonly segment: string;
  readonly meta: string;

  constructor(original: string, readonly dir: string) {
    rmSync(dir, { recursive: true, force: true });
    cpSync(original, dir, { recursive: true });
    this.segment = segmentFile(dir, 1);
    this.meta = join(dir, META_FILE);
  }

  flip(file: string, offset: number, bit: number): void {
    const bytes = readFileSync(file);
    bytes[offset]! ^= 1 << bit;
    writeFileSync(file, bytes);
  }

  records(): Placed[] {
    const bytes = readFileSync(this.segment);
    const view = viewOf(bytes);
    const found: Placed[] = [];
    for (let block = 0; block < bytes.length;) {
      const header = headerAt(bytes, block);
      const first = block + BLOCK_HEADER_BYTES;
      const end = first + header.lengthBytes;
      for (let offset = first; offset < end; offset += frameBytes(view, offset)) {
        const fields = decodeRecord(view, offset);
        const call = rowName(fields.method & layout.HS_METHOD_ROW);
        found.push({ fields, call, offset, block });
      }
      block = end;
    }
    return found;
  }

  /** Changes bytes of one record, and makes the checksum of its block right again. */
  alter({ offset, block }: Placed, change: (record: DataView) => void): void {
    const bytes = readFileSync(this.segment);
    change(new DataView(bytes.buffer, bytes.byteOffset + offset));
    const header = headerAt(bytes, block);
    const first = block + BLOCK_HEADER_BYTES;
    const payloadCrc = crc32(bytes.subarray(first, first + header.lengthBytes));
    putHeader(bytes.subarray(block), { ...header, payloadCrc });
    writeFileSync(this.segment, bytes);
  }

  /** Changes the description, sealed again. */
  alterMeta(change: (meta: LogMeta) => void): void {
    const meta = logMetaSchema.parse(JSON.parse(readFileSync(this.meta, 'utf8')));
    change(meta);
    writeFileSync(this.meta, metaText(meta));
  }
}

function headerAt(bytes: Buffer, offset: number) {
  const header = getHeader(bytes.subarray(offset));
  if (typeof header === 'string') throw new Error(`at byte ${offset}: ${header}`);
  return header;
}
