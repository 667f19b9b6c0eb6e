/* instructions.ts: the places in a program's files of instructions that nothing intercepts, found
 * before it runs, so that a breakpoint on each says whether it is executed.
 * The rule: what cannot be read has no such places here; the judge says that it was not read. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { findSites } from '../../code/index.js';
import { inspectProgram } from '../../program-file.js';
import { uncaught } from '../uncaught.js';

export interface InstructionPlace {
  readonly name: string;
  readonly offset: number;
}

const boundMs = 5000;

/** By file, of a program and of the libraries its loader finds. */
export async function instructionPlaces(exe: string): Promise<Map<string, InstructionPlace[]>> {
  const { files } = await findSites([exe, ...await librariesOf(exe)], uncaught);
  return new Map(files.map(({ path, sites }) => [path, sites.flatMap(
    ({ kind, offset }) => (kind === 'none' || kind === 'unknown' ? [] : [{ name: kind, offset }]),
  )]));
}

/** Asks the program's own loader, which does not run the program for that. */
async function librariesOf(exe: string): Promise<string[]> {
  try {
    const { loader, isPrivileged } = inspectProgram(exe);
    if (loader === undefined || isPrivileged) return [];
    const { stdout } = await promisify(execFile)(loader, ['--list', exe], { timeout: boundMs });
    return [...stdout.matchAll(/(?:=>\s*|^\s*)(\/\S+) \(0x/gm)].map((match) => match[1]!);
  } catch {
    return []; // gone, unreadable, or its loader knows no --list
  }
}
