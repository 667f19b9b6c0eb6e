/* executables.ts: the files whose bytes both hosts must share before a replay can follow: the
 * program, its interpreter, and the libraries its loader finds. Hashed on the primary, compared
 * on the backup. The rule: a file that differs is named, and nothing is started. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync, realpathSync, statSync } from 'node:fs';
import type { Manifest } from '../channel/index.js';
import { NotReplicable, errnoOf } from '../errors.js';
import { findProgram, inspectProgram } from '../program-file.js';
import type { ProgramStart } from './options.js';

export type Executable = Manifest['executables'][number];

/** Every executable file the program's start maps, with size and digest. */
export function listExecutables(program: ProgramStart): Executable[] {
  const paths = new Set<string>();
  addProgram(paths, findProgram(program.command[0]!, program.env, program.cwd), program, 4);
  return [...paths].sort().map(describe);
}

function addProgram(
  paths: Set<string>, path: string, program: ProgramStart, depth: number,
): void {
  paths.add(path);
  const file = inspectProgram(path);
  if (file.kind === 'script' && file.interpreter && depth > 0) {
    addProgram(paths, file.interpreter, program, depth - 1);
    const words = file.interpreter.endsWith('/env') ? envTarget(path) : undefined;
    const target = words && findProgram(words, program.env, program.cwd);
    if (target) addProgram(paths, target, program, depth - 1);
  }
  if (file.kind !== 'elf' || !file.loader) return;
  paths.add(file.loader);
  for (const library of librariesOf(file.loader, path, program)) paths.add(library);
}

/** The command that `#!/usr/bin/env NAME` looks for. */
function envTarget(path: string): string | undefined {
  const buffer = Buffer.alloc(256);
  const fd = openSync(path, 'r');
  try {
    const line = buffer.toString('latin1', 0, readSync(fd, buffer)).split('\n', 1)[0]!;
    return /^#![ \t]*\S+[ \t]+(?:-S[ \t]+)?([^\s=-][^\s=]*)/.exec(line)?.[1];
  } finally {
    closeSync(fd);
  }
}

/** Asks the program's own loader, which does not run the program for that. By its real name: the
 * loader takes what it is given for the place that $ORIGIN names, the kernel the file itself. */
function librariesOf(loader: string, path: string, program: ProgramStart): string[] {
  const env = { PATH: '/usr/bin:/bin', ...program.env };
  try {
    const text = execFileSync(loader, ['--list', realpathSync(path)], {
      cwd: program.cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'],
    });
    return [...text.matchAll(/(?:=>\s*|^\s*)(\/\S+) \(0x/gm)].map((match) => match[1]!);
  } catch (cause) {
    const text = `the libraries of ${path} cannot be found: try "ldd ${path}"`;
    throw new NotReplicable(text, { cause });
  }
}

function describe(path: string): Executable {
  const stat = statSync(path, { bigint: true });
  return { path, size: Number(stat.size), mtimeNs: stat.mtimeNs, hash: hashOf(path) };
}

function hashOf(path: string): string {
  const hash = createHash('sha256');
  const fd = openSync(realpathSync(path), 'r');
  try {
    const buffer = Buffer.allocUnsafe(1 << 20);
    for (let n = readSync(fd, buffer); n > 0; n = readSync(fd, buffer)) {
      hash.update(buffer.subarray(0, n));
    }
  } finally {
    closeSync(fd);
  }
  return hash.digest('hex');
}

/** Throws NotReplicable naming the first file that is not the primary's. */
export function compareExecutables(wanted: readonly Executable[], where: string): void {
  for (const { path, size, hash } of wanted) {
    const here = tryDescribe(path);
    if (here === undefined) {
      throw new NotReplicable(`${path} is on ${where} and not here: install the same packages`, {
        reason: 'executable', evidence: { path },
      });
    }
    if (here.size === size && here.hash === hash) continue;
    throw new NotReplicable(
      `${path} differs from the one on ${where} (${here.size} bytes here, ${size} there): ` +
        'install the same version on both',
      { reason: 'executable', evidence: { path, here: here.hash, there: hash } },
    );
  }
}

function tryDescribe(path: string): Executable | undefined {
  try {
    return describe(path);
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return undefined;
  }
}
