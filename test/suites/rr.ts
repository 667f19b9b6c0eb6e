/* rr.ts: the test programs of rr, a record and replay debugger: one C file each in src/test, made
 * to be recorded; a program that succeeded prints EXIT-SUCCESS. Those that have an .run script
 * for a debugger session are run by themselves, as far as they end by themselves.
 * The rule: every C file there is a program of the suite; none is left out by name. */
import { mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isFresh, maxBuffer, run, type Suite, type SuiteProgram } from './suite.js';

const generated = ['SyscallEnumsForTestsX64', 'SyscallEnumsX64'];

async function programs(tree: string): Promise<SuiteProgram[]> {
  const built = join(tree, 'built');
  mkdirSync(built, { recursive: true });
  const generator = join(tree, 'src/generate_syscalls.py');
  for (const name of generated) {
    await run('python3', [generator, join(built, `${name}.generated`)]);
  }
  return ['', 'x86'].flatMap((folder) => {
    const sources = join(tree, 'src/test', folder);
    return readdirSync(sources).filter((file) => file.endsWith('.c')).sort()
      .map((file) => program(tree, built, join(folder, file)));
  });
}

function program(tree: string, built: string, file: string): SuiteProgram {
  const source = join(tree, 'src/test', file);
  const name = file.slice(0, -'.c'.length);
  const says = readFileSync(source, 'latin1').includes('EXIT-SUCCESS');
  return {
    name,
    build: async () => {
      const path = join(built, name.replace('/', '-'));
      if (!isFresh(path, source)) {
        await run('gcc', ['-w', '-g', '-O0', `-I${built}`, `-I${join(tree, 'include')}`,
          `-I${join(tree, 'src/preload')}`, `-I${join(tree, 'src/test')}`, '-pthread',
          source, '-o', path, '-lrt', '-ldl', '-lutil', '-lm'], { maxBuffer });
      }
      return [path];
    },
    succeeded: ({ stdout }) => !says || stdout.includes('EXIT-SUCCESS'),
  };
}

export const rr: Suite = {
  name: 'rr',
  title: "rr's test programs",
  url: 'https://github.com/rr-debugger/rr',
  paths: ['src/test', 'src/preload', 'include', 'src/generate_syscalls.py', 'src/syscalls.py',
    'src/assembly_templates.py'],
  programs,
};
