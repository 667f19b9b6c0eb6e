/* index.ts: what other parts use of a program's code: its ELF file, and where in it certain
 * instructions are, judged once per file and kept.
 * The rule: a file that cannot be judged is left out and said so; it never stops the caller. */
import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import { OperatingError, asHotswapError } from '../errors.js';
import { SiteCache, cacheKey } from './cache.js';
import { classify, type Site } from './classify.js';
import { readElf } from './elf.js';
import type { InstructionName } from './instructions.js';

export type { Site, SiteKind } from './classify.js';
export { instructionNames, type InstructionName } from './instructions.js';

export interface CodeFile {
  /** The real path, as the kernel names the file's descriptor. */
  path: string;
  bytes: number;
  /** By offset. */
  sites: Site[];
  isCached: boolean;
}

export interface CodeFiles {
  /** By path, each file once; what is no ELF file for this machine, or could not be judged, is
   * left out. */
  files: CodeFile[];
  /** Why something could not be judged (the first reason, in a sentence). */
  problem?: string;
}

const concurrency = 2;

/** Judges every place in the executable segments of the files where one of the instructions may
 * be. */
export async function findSites(
  files: readonly string[],
  names: readonly InstructionName[],
  options: { cacheDir?: string } = {},
): Promise<CodeFiles> {
  const cache = new SiteCache(options.cacheDir);
  const found = new Map<string, CodeFile>();
  const queue = [...new Set(files)];
  let problem: string | undefined;
  const work = async (): Promise<void> => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      try {
        const judged = await judgeFile(file, names, cache);
        if (judged) found.set(judged.path, judged);
      } catch (error) {
        const fault = asHotswapError(error);
        if (!(fault instanceof OperatingError)) throw error;
        problem ??= fault.message;
      }
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  const sorted = [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  return { files: sorted, ...(problem !== undefined && { problem }) };
}

async function judgeFile(
  name: string, names: readonly InstructionName[], cache: SiteCache,
): Promise<CodeFile | undefined> {
  const path = await realpath(name);
  const file = await open(path, constants.O_RDONLY);
  try {
    const stat = await file.stat({ bigint: true });
    const key = cacheKey(path, stat, names);
    const bytes = Number(stat.size);
    const known = await cache.get(key);
    if (known) return { path, bytes, sites: known, isCached: true };
    const image = readElf(await file.readFile());
    if (!image) return undefined;
    const sites = await classify(image, names);
    await cache.put(key, sites);
    return { path, bytes, sites, isCached: false };
  } finally {
    await file.close();
  }
}
