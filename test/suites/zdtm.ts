/* zdtm.ts: the static tests of CRIU's zdtm: a program sets something up, waits for SIGTERM (there,
 * it is saved and restored meanwhile) and then looks whether all is as it was. Here a shell is the
 * program that is recorded: it starts the test, signals it, and reads its verdict.
 * The rule: arguments follow the lists of the suite's own Makefile. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { maxBuffer, run, type Suite, type SuiteProgram } from './suite.js';

/** Waits for the verdict a bounded time; the test renames its output when it is done. */
const driver = `
"$@" --pidfile=t.pid --outfile=t.out || exit 1
kill -TERM "$(cat t.pid)" || exit 1
i=0
while [ ! -e t.out ] && [ $i -lt 100 ]; do sleep 0.05; i=$((i+1)); done
cat t.out && grep -q PASS t.out`;

const argumentsOf: Record<string, readonly string[]> = {
  TST_NOFILE: [],
  TST_FILE: ['--filename=t.test'],
  TST_DIR: ['--dirname=t.test'],
  TST_DIR_FILE: ['--dirname=t.test', '--filename=t.file'],
};

async function programs(tree: string): Promise<SuiteProgram[]> {
  const zdtm = join(tree, 'test/zdtm');
  const flags = 'USERCFLAGS=-Wno-error';
  if (!existsSync(join(zdtm, 'lib/libzdtmtst.a'))) {
    await run('make', ['-s', '-C', join(zdtm, 'lib'), flags, 'libzdtmtst.a'], { maxBuffer });
  }
  const text = readFileSync(join(zdtm, 'static/Makefile'), 'utf8').replaceAll('\\\n', ' ');
  const found = new Map<string, SuiteProgram>();
  for (const [, list = '', names = ''] of text.matchAll(/^[ \t]*(TST_\w+)\s*:?\+?=(.*)$/gm)) {
    const args = argumentsOf[list];
    if (!args) continue;
    for (const name of names.trim().split(/\s+/).filter((word) => /^[\w.+-]+$/.test(word))) {
      found.set(name, {
        name,
        build: async () => {
          const folder = join(zdtm, 'static');
          await run('make', ['-s', '-C', folder, flags, name], { maxBuffer });
          return ['sh', '-c', driver, 'sh', join(folder, name), ...args];
        },
        succeeded: ({ status }) => status === 0,
      });
    }
  }
  return [...found.values()];
}

export const zdtm: Suite = {
  name: 'zdtm',
  title: "CRIU's zdtm, static tests",
  url: 'https://github.com/checkpoint-restore/criu',
  paths: ['test/zdtm', 'include', 'criu/include', 'compel/include', 'lib'],
  programs,
};
