/* tsc-sites.ts: which byte pairs in a program's files are rdtsc or rdtscp, found before the start
 * and handed to the shim as a table (struct hs_tsc_site of shim/ring.h). A process all of whose
 * code is known has these instructions rewritten and reads time through the vDSO; any other has
 * the kernel trap them, the vDSO's too, and pays a system call for each time it reads.
 * The rule: a file that cannot be judged costs speed, never the start. */
import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import { layout } from '../channel/index.js';
import { OperatingError, asHotswapError } from '../errors.js';
import { readElf } from './elf.js';
import { listExecutables } from './executables.js';
import type { ProgramStart } from './options.js';
import { TscCache, cacheKey } from './tsc-cache.js';
import { classify, tscKinds, type TscSite } from './tsc-classify.js';

export { tscKinds, type TscKind, type TscSite } from './tsc-classify.js';

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
const concurrency = 2;

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
  const cache = new TscCache(options.cacheDir);
  const found = new Map<string, TscFile>();
  const queue = [...new Set(files)];
  let problem: string | undefined;
  const work = async (): Promise<void> => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      try {
        const judged = await judgeFile(file, cache);
        if (judged) found.set(judged.path, judged);
      } catch (error) {
        const fault = asHotswapError(error);
        if (!(fault instanceof OperatingError)) throw error;
        problem ??= `time may be read the slow way: ${fault.message}`;
      }
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  const sorted = [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  return { files: sorted, ...(problem && { problem }) };
}

async function judgeFile(name: string, cache: TscCache): Promise<TscFile | undefined> {
  const path = await realpath(name);
  const file = await open(path, constants.O_RDONLY);
  try {
    const stat = await file.stat({ bigint: true });
    const key = cacheKey(path, stat);
    const bytes = Number(stat.size);
    const known = await cache.get(key);
    if (known) return { path, bytes, sites: known, isCached: true };
    const image = readElf(await file.readFile());
    if (!image) return undefined;
    const sites = await classify(image);
    await cache.put(key, sites);
    return { path, bytes, sites, isCached: false };
  } finally {
    await file.close();
  }
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
