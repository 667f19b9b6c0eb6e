/* tallies.ts: what the kernel half has tallied, as the rows of an Observation: call sites,
 * deciding arguments, signals, functions of libraries.
 * The rule: a tally is in the shared hash, or still in one CPU's slots, or split over both; the
 * count is always the sum. */
import {
  observeText, slotBytes, slotOffsets, tallyOf, tallyOffsets, textOffsets,
} from '../../../bpf/observe-layout.js';
import type { CallArgument, CallSite, LibraryCall } from '../observation.js';
import { describeArgument } from './deciding.js';
import type { Kernel } from './kernel.js';
import type { LibraryProbes } from './library.js';
import type { Places } from './places.js';
import { textAt, type Tree } from './tree.js';

interface Tally {
  readonly what: number;
  readonly space: number;
  readonly value: bigint;
  readonly count: number;
}

export interface Tallied {
  readonly sites: CallSite[];
  readonly arguments: CallArgument[];
  readonly library: LibraryCall[];
}

/** `syscall` and `int 0x80` are two bytes; the instruction pointer is behind them. */
const callBytes = 2n;
const rowMask = 0xfff;
const classMask = 0xffff0000;

/** Reads all tallies; signals go to their processes. */
export function readTallies(
  kernel: Kernel, tree: Tree, places: Places, probes: LibraryProbes,
): Tallied {
  const sites = new Sum<CallSite>();
  const args = new Sum<CallArgument>();
  const library = new Sum<LibraryCall>();
  for (const { what, space, value, count } of allTallies(kernel)) {
    const row = what & rowMask;
    switch (what & classMask) {
      case tallyOf.site: {
        const place = places.find(space, Number(value - callBytes));
        sites.add(`${row} ${place.offset} ${place.file}`, count, () =>
          ({ nr: row, ...place, symbol: places.symbolAt(place), count: 0 }));
        break;
      }
      case tallyOf.argument: {
        // The second rule's bit lies within the part of the row.
        const isSecond = (what & tallyOf.second) !== 0;
        const said = describeArgument(row, isSecond ? 1 : 0, value);
        args.add(`${row} ${said.label} ${said.value}`, count, () =>
          ({ nr: row, ...said, count: 0 }));
        break;
      }
      case tallyOf.signal:
        tree.addSignals(Number(value), row, count);
        break;
      default: {
        const place = places.find(space, Number(value));
        const name = probes.nameOf(place) ?? places.symbolAt(place) ?? '[unknown]';
        library.add(`${name} ${place.file}`, count, () => ({ name, file: place.file, count: 0 }));
      }
    }
  }
  for (const [key, value] of kernel.object.map('texts').entries()) {
    const row = key.readUInt32LE(textOffsets.row);
    const view = new DataView(key.buffer, key.byteOffset, key.length);
    const text = textAt(view, textOffsets.text, observeText);
    args.add(`${row} path ${text}`, Number(value.readBigUInt64LE()), () =>
      ({ nr: row, label: 'path', value: text, count: 0 }));
  }
  return { sites: sites.all(), arguments: args.all(), library: library.all() };
}

function* allTallies(kernel: Kernel): Generator<Tally> {
  for (const [key, value] of kernel.object.map('tallies').entries()) {
    yield { ...tallyAt(key, 0), count: Number(value.readBigUInt64LE()) };
  }
  for (const [, slots] of kernel.object.map('slots').entries()) {
    for (let at = 0; at + slotBytes <= slots.length; at += slotBytes) {
      const count = Number(slots.readBigUInt64LE(at + slotOffsets.count));
      if (count > 0) yield { ...tallyAt(slots, at + slotOffsets.key), count };
    }
  }
}

function tallyAt(bytes: Buffer, at: number): Omit<Tally, 'count'> {
  return {
    what: bytes.readUInt32LE(at + tallyOffsets.what),
    space: bytes.readUInt32LE(at + tallyOffsets.space),
    value: bytes.readBigUInt64LE(at + tallyOffsets.value),
  };
}

/** Rows with a count, added up under a key; the largest first. */
class Sum<T extends { readonly count: number }> {
  readonly #rows = new Map<string, T>();

  add(key: string, count: number, first: () => T): void {
    const row = this.#rows.get(key) ?? first();
    this.#rows.set(key, { ...row, count: row.count + count });
  }

  all(): T[] {
    return [...this.#rows.values()].sort((a, b) => b.count - a.count);
  }
}
