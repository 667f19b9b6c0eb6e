/* ltp.ts: system call tests of the Linux Test Project: the commands of its own list
 * runtest/syscalls, with their arguments. A program ends with status 0 when all of its checks
 * pass; 32 says that the machine lacks something, and it is skipped as failing natively.
 * The rule: the list is upstream's; a test whose program is a script is started as they do. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { maxBuffer, run, type Suite, type SuiteProgram } from './suite.js';

async function programs(tree: string): Promise<SuiteProgram[]> {
  await prepare(tree);
  const sources = sourcesUnder(join(tree, 'testcases/kernel/syscalls'));
  const list = readFileSync(join(tree, 'runtest/syscalls'), 'utf8').split('\n');
  return list.filter((line) => /^\w/.test(line)).map((line) => {
    const [name = '', ...command] = line.trim().split(/\s+/);
    return program(tree, sources, name, command);
  });
}

/** What every test is linked with. */
async function prepare(tree: string): Promise<void> {
  const options = { cwd: tree, maxBuffer };
  if (!existsSync(join(tree, 'include/mk/config.mk'))) {
    await run('make', ['-s', 'autotools'], options);
    await run('./configure', ['--disable-metadata'], options);
  }
  if (!existsSync(join(tree, 'lib/libltp.a'))) {
    await run('make', ['-s', '-C', 'lib', 'libltp.a'], options);
  }
}

/** The folder of each program, by the name of its source. */
function sourcesUnder(path: string): Map<string, string> {
  const found = new Map<string, string>();
  const visit = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const file = join(folder, entry.name);
      if (entry.isDirectory()) visit(file);
      else if (entry.name.endsWith('.c')) found.set(basename(file, '.c'), folder);
    }
  };
  visit(path);
  return found;
}

function program(
  tree: string, sources: Map<string, string>, name: string, command: string[],
): SuiteProgram {
  const [file = '', ...args] = command;
  return {
    name,
    build: async () => {
      // The same source built for another size of off_t or of uid_t.
      const folder = sources.get(file) ?? sources.get(file.replace(/_(64|16)$/, ''));
      if (folder === undefined) throw new Error(`${file} is no C program of the suite`);
      await run('make', ['-s', '-C', folder, `top_srcdir=${tree}`, file], { maxBuffer });
      const environment = [`PATH=${folder}:/usr/sbin:/usr/bin:/sbin:/bin`, `LTPROOT=${tree}`,
        'LTP_COLORIZE_OUTPUT=n', 'LTP_TIMEOUT_MUL=3'];
      return ['env', ...environment, join(folder, file), ...args];
    },
    succeeded: ({ status }) => status === 0,
  };
}

export const ltp: Suite = {
  name: 'ltp',
  title: 'Linux Test Project, system calls',
  url: 'https://github.com/linux-test-project/ltp',
  paths: ['.'],
  programs,
};
