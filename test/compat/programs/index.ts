/* index.ts: the list of programs: what the other files of this folder export. A new file is part of
 * the list without further ado. The rule: names are unique, and a name is found or refused. */
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { UserError } from '../../../src/errors.js';
import type { Program } from '../program.js';

const here = new URL('.', import.meta.url);

/** All programs, in the order of their names. */
export async function allPrograms(): Promise<Program[]> {
  const files = readdirSync(fileURLToPath(here))
    .filter((file) => file.endsWith('.ts') && file !== 'index.ts');
  const lists = await Promise.all(files.map(async (file) => {
    const module = await import(new URL(file, here).href) as { default: Program[] };
    return module.default;
  }));
  const programs = lists.flat().sort((a, b) => (a.name < b.name ? -1 : 1));
  const twice = programs.find(({ name }, at) => programs[at + 1]?.name === name);
  if (twice) throw new Error(`two programs are called ${twice.name}`);
  return programs;
}

export async function programNamed(name: string): Promise<Program> {
  const programs = await allPrograms();
  const found = programs.find((each) => each.name === name);
  if (found) return found;
  throw new UserError(`no program ${name}: there are ${programs.map((p) => p.name).join(', ')}`);
}
