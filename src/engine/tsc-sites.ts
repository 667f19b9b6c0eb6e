/* tsc-sites.ts: which byte pairs in a program's files are rdtsc or rdtscp, found before the start
 * and handed to the shim as a table (struct hs_tsc_site of shim/ring.h). A process all of whose
 * code is known has these instructions rewritten and reads time through the vDSO; any other has
 * the kernel trap them, the vDSO's too, and pays a system call for each time it reads.
 * The rule: a file that cannot be judged costs speed, never the start. */
import { layout } from '../channel/index.js';
import { findSites, type Site } from '../code/index.js';
import { listExecutables } from './executables.js';
import type { ProgramStart } from './options.js';

/** As in struct hs_tsc_site. */
export const tscKinds = { none: 0, rdtsc: 1, rdtscp: 2, unknown: 3 } as const;
export type TscKind = (typeof tscKinds)[keyof typeof tscKinds];

export interface TscSite {
  /** In the file. */
  offset: number;
  kind: TscKind;
}

export interface TscFile {
  /** The real path, as the kernel names the file's descriptor. */
  path: string;
  bytes: number;
  /** By offset. */
  sites: TscSite[];
  isCached: boolean;
}

export interface TscSites {
  /** By path, each file once; what is no ELF file for this machine, or could not be judged, is
   * left out. */
  files: TscFile[];
  /** Why something could not be judged (the first reason, in a sentence). */
  problem?: string;
}

/** Of the table in the session's memory, from HS_TSC_OFFSET on. */
export const TSC_TABLE_BYTES = layout.HS_CONNS_OFFSET - layout.HS_TSC_OFFSET;
const headBytes = 8;
const siteBytes = 16;

/** The files a program's start maps. What it loads later is not among them, nor is LD_PRELOAD
 * of the shim. Who has called listExecutables already takes the paths from there. Throws UserError
 * or NotReplicable, as that does. */
export function neededFiles(program: string, start: Partial<ProgramStart> = {}): string[] {
  const { cwd = '/', env = {} } = start;
  return listExecutables({ command: [program], cwd, env }).map(({ path }) => path);
}

/** Judges every candidate in the executable segments of the files. */
export async function findTscSites(
  files: readonly string[], options: { cacheDir?: string } = {},
): Promise<TscSites> {
  const { files: judged, problem } = await findSites(files, ['rdtsc', 'rdtscp'], options);
  return {
    files: judged.map(({ path, bytes, sites, isCached }) =>
      ({ path, bytes, sites: sites.map(tscSite), isCached })),
    ...(problem !== undefined && { problem: `time may be read the slow way: ${problem}` }),
  };
}

/** One with a prefix is not rewritten: the shim knows the plain forms. */
function tscSite({ offset, kind, isPrefixed }: Site): TscSite {
  if (kind === 'none') return { offset, kind: tscKinds.none };
  const isPlain = !isPrefixed && (kind === 'rdtsc' || kind === 'rdtscp');
  return { offset, kind: isPlain ? tscKinds[kind] : tscKinds.unknown };
}

/** How many sites there are of each kind. */
export function countTscSites({ files }: TscSites): Record<keyof typeof tscKinds, number> {
  const counts = { none: 0, rdtsc: 0, rdtscp: 0, unknown: 0 };
  const names = Object.keys(tscKinds) as (keyof typeof tscKinds)[];
  for (const { sites } of files) for (const { kind } of sites) counts[names[kind]!]++;
  return counts;
}

/** The table as the shim reads it. What there is no room for is left out, and so is not known. */
export function encodeTscTable({ files }: TscSites): Buffer {
  const entries = files.flatMap(({ path, bytes, sites }) => {
    const hash = fnv1a(Buffer.from(path));
    return sites.map(({ offset, kind }) => [hash, bytes >>> 0, offset >>> 0, kind] as const);
  });
  entries.sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]);
  const count = Math.min(entries.length, Math.floor((TSC_TABLE_BYTES - headBytes) / siteBytes));
  const table = Buffer.alloc(headBytes + count * siteBytes);
  table.writeUInt32LE(count, 0);
  entries.slice(0, count).forEach((fields, index) => {
    fields.forEach((field, i) => table.writeUInt32LE(field, headBytes + index * siteBytes + i * 4));
  });
  return table;
}

/** Stores the table. Before hs-start runs: the shim does not expect it to change.
 * @param memory the session's memory from HS_TSC_OFFSET on, TSC_TABLE_BYTES of it */
export function writeTscTable(memory: ArrayBuffer, sites: TscSites): void {
  new Uint8Array(memory).set(encodeTscTable(sites));
}

function fnv1a(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
