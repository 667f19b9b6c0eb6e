/* symbols.ts: the functions of an ELF file by their offset in it, from .symtab where it is there,
 * else .dynsym (elf(5)).
 * The rule: the file is not trusted: what lies outside of it ends the reading, not the program. */
import { readElf } from '../../code/elf.js';

export interface FunctionSymbol {
  readonly name: string;
  /** In the file. */
  readonly offset: number;
  /** 0: not said, as of functions written in assembler. */
  readonly length: number;
  /** Its address is that of a resolver, which runs once and answers with the function. */
  readonly isIndirect: boolean;
}

const sectionHeaderBytes = 64;
const symbolBytes = 24;
const kind = { symtab: 2, dynsym: 11 };
const type = { func: 2, indirect: 10 };

export class SymbolTable {
  readonly #sorted: FunctionSymbol[];

  constructor(readonly functions: readonly FunctionSymbol[]) {
    this.#sorted = [...functions].sort((a, b) => a.offset - b.offset);
  }

  /** The nearest before it, if it is not known to end before it: what was stripped has no name,
   * and its neighbour's would mislead. */
  nameAt(offset: number): string | null {
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#sorted[middle]!.offset <= offset) low = middle + 1;
      else high = middle;
    }
    const nearest = this.#sorted[low - 1];
    if (!nearest) return null;
    const isBehind = nearest.length > 0 && offset >= nearest.offset + nearest.length;
    return isBehind ? null : nearest.name;
  }
}

/** Null for what is no ELF file of this machine, or has no symbols. */
export function readSymbols(bytes: Buffer): SymbolTable | null {
  const image = readElf(bytes);
  if (!image) return null;
  try {
    const sections = readSections(bytes);
    const table = sections.find((each) => each.kind === kind.symtab)
      ?? sections.find((each) => each.kind === kind.dynsym);
    const names = table && sections[table.link];
    if (!table || !names) return null;
    const functions: FunctionSymbol[] = [];
    for (let at = table.start; at + symbolBytes <= table.start + table.length; at += symbolBytes) {
      const which = bytes.readUInt8(at + 4) & 0xf;
      const address = Number(bytes.readBigUInt64LE(at + 8));
      if ((which !== type.func && which !== type.indirect) || address === 0) continue;
      const code = image.segments.find((each) => address >= each.address
        && address < each.address + each.end - each.start);
      if (!code) continue;
      functions.push({ name: nameAt(bytes, names.start + bytes.readUInt32LE(at)),
        offset: address - code.address + code.start,
        length: Number(bytes.readBigUInt64LE(at + 16)), isIndirect: which === type.indirect });
    }
    return functions.length === 0 ? null : new SymbolTable(functions);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function readSections(bytes: Buffer) {
  const first = Number(bytes.readBigUInt64LE(40));
  const count = bytes.readUInt16LE(60);
  return Array.from({ length: count }, (_, index) => {
    const at = first + index * sectionHeaderBytes;
    return {
      kind: bytes.readUInt32LE(at + 4),
      start: Number(bytes.readBigUInt64LE(at + 24)),
      length: Number(bytes.readBigUInt64LE(at + 32)),
      link: bytes.readUInt32LE(at + 40),
    };
  });
}

function nameAt(bytes: Buffer, at: number): string {
  const end = bytes.indexOf(0, at);
  return bytes.toString('latin1', at, end < 0 ? at : Math.min(end, at + 256));
}
