/* places.ts: from an address in a watched process to a file, an offset in it, and the nearest
 * symbol. What was mapped where comes from the records of exec and mmap, and from /proc/PID/maps
 * where a process was there long enough.
 * The rule: an address that no mapping covers is `[unknown]` or anonymous, never the nearest. */
import { readFileSync, realpathSync } from 'node:fs';
import { readElf } from '../../code/elf.js';
import { errnoOf } from '../../errors.js';
import { inspectProgram } from '../../program-file.js';
import { readSymbols, type SymbolTable } from './symbols.js';
import type { Mapping, Process, Tree } from './tree.js';

export interface Place {
  readonly file: string;
  readonly offset: number;
}

const largestFile = 256 << 20;

export class Places {
  readonly #symbols = new Map<string, SymbolTable | null>();
  /** Mappings by address space, the latest last; made at the first question. */
  #bySpace: Map<number, Mapping[]> | undefined;

  constructor(private readonly tree: Tree) {}

  /** The program and its loader, as execve has mapped them. */
  noteExec(process: Process, codeStart: number, loaderBase: number): void {
    const { exe } = process;
    if (exe === null || !exe.startsWith('/')) return;
    try {
      this.#noteImage(process, exe, (firstCode) => codeStart - firstCode);
      const { loader } = inspectProgram(exe);
      if (loader === undefined || loaderBase === 0) return;
      const real = realpathSync(loader);
      this.#noteImage(process, real, () => loaderBase);
      this.tree.addFile(process, real, true);
    } catch (error) {
      // Replaced or removed meanwhile: its addresses stay unknown.
      if (errnoOf(error) === undefined) throw error;
    }
  }

  #noteImage(process: Process, path: string, baseOf: (firstCode: number) => number): void {
    const code = readElf(readFileSync(path))?.segments.filter((each) => each.isExecutable) ?? [];
    if (code.length === 0) return;
    const base = baseOf(Math.min(...code.map(({ address }) => address)));
    for (const { start, end, address } of code) {
      this.tree.addMapping({ space: process.space, start: base + address, length: end - start,
        offset: start, path, isExecutable: true });
    }
  }

  /** Everything that is mapped now; a process that has gone has nothing to tell. */
  noteMaps(process: Process): void {
    let text: string;
    try {
      text = readFileSync(`/proc/${process.pid}/maps`, 'utf8');
    } catch (error) {
      if (errnoOf(error) === undefined) throw error;
      return;
    }
    const line = /^([0-9a-f]+)-([0-9a-f]+) (....) ([0-9a-f]+) \S+ (\d+) *(.*)$/gm;
    for (const [, from, to, mode, offset, inode, name] of text.matchAll(line)) {
      const path = name!.replace(/ \(deleted\)$/, '');
      const start = parseInt(from!, 16);
      const length = parseInt(to!, 16) - start;
      const isExecutable = mode![2] === 'x';
      const isFile = inode !== '0';
      if (isFile && path.startsWith('/')) this.tree.addFile(process, path, isExecutable);
      if (isExecutable) {
        this.tree.addMapping({ space: process.space, start, length,
          offset: isFile ? parseInt(offset!, 16) : 0, path, isExecutable });
      }
      if (mode![1] === 'w' && mode![3] === 's') {
        this.tree.addSharing(process, path.replace(/^\/(memfd:|SYSV)/, '$1'), length);
      }
    }
  }

  find(space: number, address: number): Place {
    this.#bySpace ??= groupBySpace(this.tree.mappings);
    const found = this.#bySpace.get(space)?.findLast(({ start, length }) =>
      address >= start && address < start + length);
    if (!found) return { file: '[unknown]', offset: address };
    const file = found.path === '' ? '[anonymous]' : found.path;
    return { file, offset: address - found.start + found.offset };
  }

  /** The nearest symbol at or before an offset of a file. */
  symbolAt({ file, offset }: Place): string | null {
    return this.symbols(file)?.nameAt(offset) ?? null;
  }

  symbols(file: string): SymbolTable | null {
    const known = this.#symbols.get(file);
    if (known !== undefined) return known;
    let table: SymbolTable | null = null;
    try {
      const bytes = file.startsWith('/') ? readFileSync(file) : Buffer.alloc(0);
      if (bytes.length <= largestFile) table = readSymbols(bytes);
    } catch (error) {
      if (errnoOf(error) === undefined) throw error;
    }
    this.#symbols.set(file, table);
    return table;
  }
}

function groupBySpace(mappings: readonly Mapping[]): Map<number, Mapping[]> {
  const groups = new Map<number, Mapping[]>();
  for (const each of mappings) {
    const group = groups.get(each.space);
    if (group) group.push(each);
    else groups.set(each.space, [each]);
  }
  return groups;
}
