/* elf.ts: where the code of an ELF file lies, and which function an address belongs to.
 * Functions are taken from .eh_frame, which even a stripped file keeps, by the sorted table of
 * .eh_frame_hdr (Linux Standard Base, "DWARF extensions"; DWARF 4, 6.4.1).
 * The rule: the file is not trusted: what lies outside of it or is encoded in another way than
 * compilers do today is "no function", never a guess. */

export interface Segment {
  /** First byte in the file and the byte behind the last, and the address of the first. */
  start: number;
  end: number;
  address: number;
  isExecutable: boolean;
}

export interface FunctionRange {
  start: number;
  end: number;
}

const header = { phoff: 32, phentsize: 54, phnum: 56, machine: 18 };
const machineX8664 = 62;
const programHeaderBytes = 56;
const loadable = 1;
const ehFrameHeader = 0x6474e550;
const executable = 1;

/** DW_EH_PE: the low four bits are the format, the next three what the value is relative to. */
const pointer = {
  format: 0x0f, relation: 0x70, indirect: 0x80, omitted: 0xff,
  absolute: 0x00, toItself: 0x10, toTable: 0x30, signed4: 0x0b,
};
const formatBytes: Record<number, number> = {
  0x00: 8, 0x02: 2, 0x03: 4, 0x04: 8, 0x0a: 2, 0x0b: 4, 0x0c: 8,
};

/** The whole of a 64-bit x86 ELF file. Undefined for anything else. */
export function readElf(bytes: Buffer): ElfImage | undefined {
  const isElf = bytes.length >= 64 && bytes.readUInt32BE(0) === 0x7f454c46;
  if (!isElf || bytes[4] !== 2 || bytes[5] !== 1) return undefined;
  if (bytes.readUInt16LE(header.machine) !== machineX8664) return undefined;
  if (bytes.readUInt16LE(header.phentsize) !== programHeaderBytes) return undefined;
  return ignoringRange(() => new ElfImage(bytes));
}

export class ElfImage {
  readonly segments: Segment[] = [];
  readonly #table: SearchTable | undefined;

  constructor(readonly bytes: Buffer) {
    let tableAddress: number | undefined;
    const first = word64(bytes, header.phoff);
    const count = bytes.readUInt16LE(header.phnum);
    for (let i = 0; i < count; i++) {
      const at = first + i * programHeaderBytes;
      const type = bytes.readUInt32LE(at);
      if (type === ehFrameHeader) tableAddress = word64(bytes, at + 16);
      if (type !== loadable) continue;
      const start = word64(bytes, at + 8);
      this.segments.push({
        start,
        end: Math.min(start + word64(bytes, at + 32), bytes.length),
        address: word64(bytes, at + 16),
        isExecutable: (bytes.readUInt32LE(at + 4) & executable) !== 0,
      });
    }
    if (tableAddress !== undefined) this.#table = readTable(this, tableAddress);
  }

  /** Throws RangeError where the file has no bytes for an address. */
  offsetOf(address: number): number {
    for (const { start, end, address: base } of this.segments) {
      if (address >= base && address < base + end - start) return address - base + start;
    }
    throw new RangeError(`address ${address} is not in the file`);
  }

  /** The function whose description covers `address`. */
  functionAt(address: number): FunctionRange | undefined {
    const table = this.#table;
    if (!table) return undefined;
    return ignoringRange(() => {
      const found = lastNotAfter(this, table, address);
      if (!found) return undefined;
      const lenBytes = describedLength(this, found.description, found.start);
      if (lenBytes === undefined || address >= found.start + lenBytes) return undefined;
      return { start: found.start, end: found.start + lenBytes };
    });
  }
}

/** .eh_frame_hdr: pairs of function and description, both relative to its own address. */
interface SearchTable {
  address: number;
  first: number;
  count: number;
}

function readTable(image: ElfImage, address: number): SearchTable | undefined {
  const { bytes } = image;
  return ignoringRange(() => {
    const at = image.offsetOf(address);
    const [version, frameFormat, countFormat, tableFormat] = bytes.subarray(at, at + 4);
    if (version !== 1 || tableFormat !== (pointer.toTable | pointer.signed4)) return undefined;
    const countAt = at + 4 + sizeOf(frameFormat!);
    const first = countAt + sizeOf(countFormat!);
    const count = readFormat(bytes, countAt, countFormat!);
    if (first + count * 8 > bytes.length) return undefined;
    return { address, first, count };
  });
}

function lastNotAfter(
  { bytes }: ElfImage, { address: base, first, count }: SearchTable, address: number,
): { start: number; description: number } | undefined {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (base + bytes.readInt32LE(first + middle * 8) <= address) low = middle + 1;
    else high = middle;
  }
  if (low === 0) return undefined;
  const at = first + (low - 1) * 8;
  return { start: base + bytes.readInt32LE(at), description: base + bytes.readInt32LE(at + 4) };
}

/** The length of the function in the frame description at `address`, if it is one of `start`. */
function describedLength(image: ElfImage, address: number, start: number): number | undefined {
  const { bytes } = image;
  const at = image.offsetOf(address);
  const lenBytes = bytes.readUInt32LE(at);
  const back = bytes.readUInt32LE(at + 4);
  // 0 ends the section, all ones announce a 64-bit length; no common part is no description.
  if (lenBytes === 0 || lenBytes === 0xffffffff || back === 0) return undefined;
  const format = pointerFormat(bytes, at + 4 - back);
  if (format === undefined) return undefined;
  const from = at + 8;
  const relation = format & pointer.relation;
  if (relation !== pointer.absolute && relation !== pointer.toItself) return undefined;
  const base = relation === pointer.toItself ? address + 8 : 0;
  if (base + readFormat(bytes, from, format) !== start) return undefined;
  // The length has the format of the start without its sign and relation.
  const size = sizeOf(format);
  return size === 8 ? word64(bytes, from + size) : bytes.readUIntLE(from + size, size);
}

/** How the descriptions that share the common part at `at` encode pointers; letter R says so. */
function pointerFormat(bytes: Buffer, at: number): number | undefined {
  const lenBytes = bytes.readUInt32LE(at);
  if (lenBytes === 0xffffffff || bytes.readUInt32LE(at + 4) !== 0) return undefined;
  const version = bytes.readUInt8(at + 8);
  const end = bytes.indexOf(0, at + 9);
  if (end < 0 || end > at + 9 + 8 || (version !== 1 && version !== 3)) return undefined;
  const letters = bytes.toString('latin1', at + 9, end);
  if (letters === '') return pointer.absolute;
  if (letters[0] !== 'z') return undefined;
  let next = afterLeb(bytes, afterLeb(bytes, end + 1)); // the two alignment factors
  next = version === 1 ? next + 1 : afterLeb(bytes, next); // the return address register
  next = afterLeb(bytes, next); // the length of what the letters announce
  for (const letter of letters.slice(1)) {
    const format = bytes.readUInt8(next);
    if (letter === 'R') return format & pointer.indirect ? undefined : format;
    if (letter === 'L') next += 1;
    else if (letter === 'P') next += 1 + sizeOf(format);
    else if (letter !== 'S' && letter !== 'B') return undefined;
  }
  return pointer.absolute;
}

function afterLeb(bytes: Buffer, at: number): number {
  let next = at;
  while (bytes.readUInt8(next) & 0x80) next++;
  return next + 1;
}

function sizeOf(format: number): number {
  if (format === pointer.omitted) return 0;
  const size = formatBytes[format & pointer.format];
  if (size === undefined) throw new RangeError(`pointer format ${format} is not supported`);
  return size;
}

function readFormat(bytes: Buffer, at: number, format: number): number {
  const size = sizeOf(format);
  if (size === 0) throw new RangeError('a pointer was left out');
  const isSigned = (format & pointer.format) >= 0x09;
  if (size < 8) return isSigned ? bytes.readIntLE(at, size) : bytes.readUIntLE(at, size);
  return isSigned ? safe(bytes.readBigInt64LE(at)) : word64(bytes, at);
}

function word64(bytes: Buffer, at: number): number {
  return safe(bytes.readBigUInt64LE(at));
}

function safe(value: bigint): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new RangeError(`${value} is out of range`);
  return number;
}

/** What Buffer throws for an offset outside of it, and what is thrown here, is a RangeError. */
function ignoringRange<T>(read: () => T | undefined): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
