/* programs.ts: the programs of programs/, built; what each is stands in its first comment.
 * The rule: no list is kept: a file of that folder is a program. */
import { execFile } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const folder = fileURLToPath(new URL('programs', import.meta.url));

export interface RaceProgram {
  name: string;
  path: string;
  what: string;
}

export function programs(): RaceProgram[] {
  return readdirSync(folder).filter((file) => file.endsWith('.c')).sort().map((file) => {
    const name = file.slice(0, -'.c'.length);
    const head = /^\/\*([^]*?)\*\//.exec(readFileSync(join(folder, file), 'utf8'))?.[1] ?? '';
    const what = head.replace(/\s*\n \*?\s*/g, ' ').trim().replace(/\.$/, '');
    return { name, path: join(folder, '..', 'build', name), what };
  });
}

export async function build(): Promise<void> {
  await promisify(execFile)('make', ['-s', '-j2', '-C', folder]);
}
