/* posix.ts: the conformance tests of the Open POSIX Test Suite, as the Linux Test Project keeps
 * it: one C file per assertion of the standard; a program that succeeded ends with status 0.
 * The rule: a program's name is its path below conformance/, so that a filter is an interface. */
import { existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { isFresh, maxBuffer, run, type Suite, type SuiteProgram } from './suite.js';

const folder = 'testcases/open_posix_testsuite';

async function programs(tree: string): Promise<SuiteProgram[]> {
  const top = join(tree, folder);
  const built = join(tree, 'built');
  mkdirSync(built, { recursive: true });
  const common = join(built, 'common.o');
  await run('gcc', ['-w', '-c', `-I${join(top, 'include')}`, join(top, 'lib/common.c'),
    '-o', common]);
  return filesUnder(join(top, 'conformance'))
    .filter((file) => /^\d.*\.c$/.test(basename(file)) && !file.includes('buildonly'))
    .filter((file) => /\bmain\b|test_main/.test(readFileSync(file, 'latin1')))
    .sort().map((file) => program(top, built, common, file));
}

const filesUnder = (path: string): string[] =>
  readdirSync(path, { withFileTypes: true }).flatMap((entry) =>
    (entry.isDirectory() ? filesUnder(join(path, entry.name)) : [join(path, entry.name)]));

function program(top: string, built: string, common: string, source: string): SuiteProgram {
  const name = relative(join(top, 'conformance'), source).slice(0, -'.c'.length);
  return {
    name,
    build: async () => {
      const path = join(built, name);
      if (!isFresh(path, source)) {
        mkdirSync(dirname(path), { recursive: true });
        await run('gcc', ['-w', '-std=gnu99', `-I${join(top, 'include')}`,
          `-I${dirname(source)}`, source, common, '-o', path, ...libraries(source)],
        { maxBuffer });
      }
      return [path];
    },
    succeeded: ({ status }) => status === 0,
  };
}

/** What the folder's own file asks for, and what any of them may need. */
function libraries(source: string): string[] {
  const file = join(dirname(source), 'LDLIBS');
  const own = existsSync(file) ? readFileSync(file, 'utf8').split(/\s+/).filter(Boolean) : [];
  return [...new Set([...own, '-lpthread', '-lrt', '-lm'])];
}

export const posix: Suite = {
  name: 'posix',
  title: 'Open POSIX Test Suite, conformance',
  url: 'https://github.com/linux-test-project/ltp',
  paths: [folder],
  programs,
};
