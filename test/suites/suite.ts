/* suite.ts: what a public suite is to the runner: where it comes from, which programs it has, how
 * one is built, and when it counts as having passed natively. Nothing of a suite is committed:
 * its source is exported into a cache directory and built there.
 * The rule: a suite names its programs by rules, never leaves one out because it fails. */
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Ended } from './place.js';

export const run = promisify(execFile);

/** Whatever a compiler or a configure script may print. */
export const maxBuffer = 64 << 20;

export interface SuiteProgram {
  /** Unique in its suite: a path below the suite's folder of tests, without the suffix. */
  name: string;
  /** Builds what is not up to date and says how to start it. Throws when it cannot be built. */
  build: () => Promise<string[]>;
  /** Whether that is how the program ends when it succeeds. */
  succeeded: (ended: Ended) => boolean;
}

export interface Suite {
  name: string;
  title: string;
  /** The upstream project, for whoever has to get a copy. */
  url: string;
  /** What of the source is needed. */
  paths: readonly string[];
  /** The programs of an exported source tree; what they share is built first. */
  programs: (tree: string) => Promise<SuiteProgram[]>;
}

/** Exports a suite's source from a checkout, a git directory or an unpacked archive. Returns the
 * tree and the version of the source. What is there of the same version is kept. */
export async function exportSource(
  suite: Suite, from: string, cache: string,
): Promise<{ tree: string; version: string }> {
  const gitDir = existsSync(join(from, '.git')) ? join(from, '.git') : from;
  const isGit = existsSync(join(gitDir, 'HEAD'));
  const git = async (...args: string[]): Promise<string> =>
    (await run('git', [`--git-dir=${gitDir}`, ...args])).stdout.trim();
  const version = isGit ? (await git('rev-parse', 'HEAD')).slice(0, 12) : 'unpacked';
  const tree = join(cache, suite.name, version);
  if (existsSync(join(tree, '.complete'))) return { tree, version };
  rmSync(tree, { recursive: true, force: true });
  mkdirSync(tree, { recursive: true });
  if (isGit) {
    const archive = 'git --git-dir="$1" archive HEAD -- "${@:3}" | tar -x -C "$2"';
    await run('bash', ['-o', 'pipefail', '-ec', archive, 'bash', gitDir, tree, ...suite.paths]);
  } else {
    for (const path of suite.paths) cpSync(join(from, path), join(tree, path), { recursive: true });
  }
  mkdirSync(join(tree, '.complete'));
  return { tree, version };
}

/** Whether the built file is there and not older than its source. */
export function isFresh(built: string, source: string): boolean {
  return existsSync(built) && statSync(built).mtimeMs >= statSync(source).mtimeMs;
}
