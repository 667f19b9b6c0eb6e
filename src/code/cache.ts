/* cache.ts: what was found out about a file's code, kept until the file changes. One small file
 * each, in a folder that only this user can write to: what is read here decides where a program's
 * code is changed. The rule: a cache that is wrong, foreign or not there is no fault; it is as if
 * nothing was known. */
import { createHash, randomBytes } from 'node:crypto';
import { lstatSync, mkdirSync, type BigIntStats } from 'node:fs';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { z } from 'zod';
import { errnoOf } from '../errors.js';
import type { Site, SiteKind } from './classify.js';
import { instructionNames, type InstructionName } from './instructions.js';

/** Raised when files are judged in another way than before. */
const format = 2;
const largestBytes = 0x1000000;

const kinds: readonly SiteKind[] = ['none', 'unknown', ...instructionNames];

const entrySchema = z.object({
  format: z.literal(format),
  key: z.string(),
  sites: z.array(z.tuple([
    z.number().int().nonnegative(),
    z.enum(kinds as [SiteKind, ...SiteKind[]]),
    z.boolean(),
  ])),
});

/** Names a file's contents, and what was looked for in them: unlike its other times, nobody can
 * set back the time of its change. */
export function cacheKey(
  path: string, stat: BigIntStats, names: readonly InstructionName[],
): string {
  const { size, mtimeNs, ctimeNs, dev, ino } = stat;
  const facts = [format, names.join(), path, size, mtimeNs, ctimeNs, dev, ino];
  return createHash('sha256').update(facts.join('\0')).digest('hex');
}

export class SiteCache {
  readonly #folder: string | undefined;

  /** @param folder default: the first of the usual places that can be used */
  constructor(folder?: string) {
    const folders = folder === undefined ? usualFolders() : [folder];
    this.#folder = folders.find(isUsable);
  }

  async get(key: string): Promise<Site[] | undefined> {
    if (this.#folder === undefined) return undefined;
    try {
      const text = await readFile(join(this.#folder, key), 'utf8');
      if (text.length > largestBytes) return undefined;
      const entry = entrySchema.safeParse(JSON.parse(text));
      if (!entry.success || entry.data.key !== key) return undefined;
      return entry.data.sites.map(([offset, kind, isPrefixed]) => ({ offset, kind, isPrefixed }));
    } catch (error) {
      if (error instanceof SyntaxError || errnoOf(error) !== undefined) return undefined;
      throw error;
    }
  }

  async put(key: string, sites: readonly Site[]): Promise<void> {
    if (this.#folder === undefined) return;
    const entry = {
      format, key, sites: sites.map(({ offset, kind, isPrefixed }) => [offset, kind, isPrefixed]),
    };
    const path = join(this.#folder, key);
    const draft = `${path}.${randomBytes(6).toString('hex')}`;
    try {
      await writeFile(draft, JSON.stringify(entry), { mode: 0o600, flag: 'wx' });
      await rename(draft, path);
    } catch (error) {
      if (errnoOf(error) === undefined) throw error;
      await rm(draft, { force: true }).catch(() => undefined);
    }
  }
}

function usualFolders(): string[] {
  const home = process.env['XDG_CACHE_HOME'];
  const isHome = home !== undefined && isAbsolute(home);
  return [
    isHome ? join(home, 'hotswap') : '/var/cache/hotswap',
    join(tmpdir(), `hotswap-${process.geteuid!()}`),
  ];
}

/** Makes the folder where there is none; one that others may write to is not trusted. */
function isUsable(folder: string): boolean {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const stat = lstatSync(folder);
    return stat.isDirectory() && stat.uid === process.geteuid!() && (stat.mode & 0o022) === 0;
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return false;
  }
}
