// log-format.ts: how a log lies on disk: a directory with meta.json and segments 000001.seg …, each
// a row of blocks. A block is a 32-byte header and then whole records, the same bytes as on the
// wire. The rule: a block is written once and never changed, and every byte of it is under a CRC.

import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { z } from 'zod';

import { manifestSchema, processSchema } from './control.js';
import { HS_MAX_RECORD_BYTES } from './layout.js';

/** Raised when blocks or meta.json change shape. */
export const LOG_FORMAT = 2;
export const BLOCK_MAGIC = 0x4b4c5348; // "HSLK" in the file
export const BLOCK_HEADER_BYTES = 32;
/** A block grows to this, unless one record alone is larger. */
export const BLOCK_BYTES = 0x100000;
export const MAX_BLOCK_BYTES = Math.max(BLOCK_BYTES, HS_MAX_RECORD_BYTES);
export const SEGMENT_BYTES = 0x10000000;
export const META_FILE = 'meta.json';

/** What a log says of itself: enough to run the program again from it. */
export const logMetaSchema = z.object({
  format: z.literal(LOG_FORMAT),
  version: z.number().int(),
  tableHash: z.string(),
  manifest: manifestSchema,
  process: processSchema,
  /** What else the writer wants to keep; passed through. */
  extra: z.record(z.string(), z.unknown()).default({}),
});
export type LogMeta = z.infer<typeof logMetaSchema>;

/** Header of a block: `lengthBytes` of records, whose numbers begin with `firstSeq`. */
export interface BlockHeader {
  lengthBytes: number;
  records: number;
  firstSeq: number;
  payloadCrc: number;
}

// 0 magic u32 · 4 length u32 · 8 header crc u32 · 12 payload crc u32 · 16 firstSeq u64 ·
// 24 records u32 · 28 reserved u32. The header has its own CRC, so that a wrong length is seen as
// such and not taken for a torn end of the file.

/** Writes the header into the first 32 bytes of `block`. */
export function putHeader(block: Buffer, header: BlockHeader): void {
  block.writeUInt32LE(BLOCK_MAGIC, 0);
  block.writeUInt32LE(header.lengthBytes, 4);
  block.writeUInt32LE(0, 8);
  block.writeUInt32LE(header.payloadCrc, 12);
  block.writeBigUInt64LE(BigInt(header.firstSeq), 16);
  block.writeUInt32LE(header.records, 24);
  block.writeUInt32LE(0, 28);
  block.writeUInt32LE(headerCrc(block), 8);
}

/** Reads and checks a header. A string says what is wrong with it. */
export function getHeader(block: Buffer): BlockHeader | string {
  if (block.readUInt32LE(0) !== BLOCK_MAGIC) return 'no block begins here';
  if (block.readUInt32LE(8) !== headerCrc(block)) return 'the checksum of its header is wrong';
  const header = {
    lengthBytes: block.readUInt32LE(4),
    payloadCrc: block.readUInt32LE(12),
    firstSeq: Number(block.readBigUInt64LE(16)),
    records: block.readUInt32LE(24),
  };
  if (header.lengthBytes > MAX_BLOCK_BYTES) return `a block of ${header.lengthBytes} bytes`;
  return header;
}

/** Over the header with its own field left out. */
function headerCrc(block: Buffer): number {
  return crc32(block.subarray(12, BLOCK_HEADER_BYTES), crc32(block.subarray(0, 8)));
}

const noMetaCrc = '00000000';
const metaCrcField = /^ {2}"crc32": "([0-9a-f]{8})",$/m;

/** The text of meta.json: with a checksum of itself, taken while that field's digits are zeros. */
export function metaText(meta: LogMeta): string {
  const { format, ...rest } = logMetaSchema.parse(meta);
  const text = JSON.stringify(
    { format, crc32: noMetaCrc, ...rest },
    (_key, value: unknown) => (typeof value === 'bigint' ? value.toString() : value),
    2,
  );
  return `${text.replace(noMetaCrc, hex(crc32(`${text}\n`)))}\n`;
}

/** Whether every byte of a meta.json is as metaText wrote it. */
export function isMetaWhole(text: string): boolean {
  const stated = metaCrcField.exec(text);
  if (!stated) return false;
  const digits = stated.index + stated[0].length - noMetaCrc.length - 2;
  const plain = text.slice(0, digits) + noMetaCrc + text.slice(digits + noMetaCrc.length);
  return hex(crc32(plain)) === stated[1];
}

const hex = (value: number): string => value.toString(16).padStart(8, '0');

export function segmentFile(dir: string, index: number): string {
  return join(dir, `${String(index).padStart(6, '0')}.seg`);
}

/** The index of a segment by its file name; undefined for any other file. */
export function segmentIndex(name: string): number | undefined {
  const match = /^(\d{6,})\.seg$/.exec(name);
  return match ? Number(match[1]) : undefined;
}
