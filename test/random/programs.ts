/* programs.ts: the random program: built, and asked what a seed chooses (programs/main.c).
 * The rule: a run follows from its arguments alone, so that a failure prints how to repeat it. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const folder = fileURLToPath(new URL('programs', import.meta.url));
const program = join(folder, '..', 'build', 'random');

/** One random program: the seed, and what was taken away from it to make it smaller. */
export interface Plan {
  seed: number;
  /** 0: as the seed says. */
  threads: number;
  operations: number;
  without: readonly string[];
  /** Empty: those that the seed chooses. */
  only: readonly string[];
}

export const planOf = (seed: number): Plan =>
  ({ seed, threads: 0, operations: 0, without: [], only: [] });

export async function build(): Promise<void> {
  await promisify(execFile)('make', ['-s', '-C', folder]);
}

export function commandOf({ seed, threads, operations, without, only }: Plan): string[] {
  const words = [program, String(seed), String(threads), String(operations), without.join(',')];
  return only.length > 0 ? [...words, only.join(',')] : words;
}

/** How a user repeats it. */
export function repeatOf({ seed, threads, operations, without, only }: Plan): string {
  const words = ['npm run fuzz:programs --', '--seeds 1', `--seed ${seed}`];
  if (threads > 0) words.push(`--threads ${threads}`);
  if (operations > 0) words.push(`--operations ${operations}`);
  if (without.length > 0) words.push(`--without ${without.join(',')}`);
  if (only.length > 0) words.push(`--only ${only.join(',')}`);
  return words.join(' ');
}

/** The operations that a seed chooses from, and how many threads make how many of them. */
export async function choiceOf(
  seed: number,
): Promise<{ names: string[]; threads: number; operations: number }> {
  const { stdout } = await promisify(execFile)(program, ['plan', String(seed)]);
  const [head = '', ...names] = stdout.trim().split('\n');
  const [threads = 0, operations = 0] = head.split(' ').map(Number);
  return { names, threads, operations };
}
