/* runner.test.ts: the test runner fails on everything that uvu would let pass. Each case is a
 * small test file, written to a folder of the checkout so that it finds the dependencies. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { select, summarize } from '../../tools/run-tests.js';
import { boundOf, runTestFile, totalsIn, type FileResult } from '../../tools/test-process.js';
import { suite } from '../support/suite.js';

const test = suite('test runner');
const root = fileURLToPath(new URL('../..', import.meta.url));
mkdirSync(join(root, 'build'), { recursive: true });
const folder = mkdtempSync(join(root, 'build', 'runner-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

const uvu = `import { suite } from 'uvu'; const test = suite('s');\n`;
const guarded = `import { suite } from '${root}test/support/suite.ts'; const test = suite('s');\n`;

let files = 0;
async function runSource(source: string, only?: string): Promise<FileResult & { text: string }> {
  const path = join(folder, `case${files++}.test.ts`);
  writeFileSync(path, source);
  let text = '';
  const result = await runTestFile({ path, file: 'case', only, write: (t) => { text += t; } });
  return { ...result, text };
}

test('a file whose tests pass is counted', async () => {
  const result = await runSource(`${uvu}test('a', () => {}); test('b', () => {}); test.run();`);
  assert.equal([result.passed, result.failed, result.faults], [2, 0, []]);
});

test('a failing test fails the file', async () => {
  const result = await runSource(
    `${uvu}test('a', () => {}); test('b', () => { throw new Error('no') }); test.run();`);
  assert.equal([result.passed, result.failed], [1, 1]);
});

test('a file that forgets run() fails', async () => {
  const result = await runSource(`${uvu}test('a', () => {});`);
  assert.equal(result.failed, 1);
  assert.match(result.faults[0]!, 'run() missing');
});

test('a file without a test fails', async () => {
  const result = await runSource(`${uvu}test.run();`);
  assert.equal(result.faults, ['holds no test']);
});

test('a before that throws fails all tests of the suite', async () => {
  const result = await runSource(
    `${uvu}test.before(() => { throw new Error('no') }); test('a', () => {}); test.run();`);
  assert.equal([result.passed, result.failed], [0, 1]);
});

test('a file past its bound is ended, and its children with it', async () => {
  const result = await runSource(
    `// bound: 1\nimport { spawn } from 'node:child_process';\n${uvu}` +
      `const stuck = () => { spawn('sleep', ['600']); setTimeout(() => {}, 6e5); };\n` +
      `test('a', () => new Promise(stuck)); test.run();`);
  assert.equal(result.faults, ['not done after its bound of 1 s']);
});

test('a file that leaves a process behind fails, and the process ends', async () => {
  const result = await runSource(
    `import { spawn } from 'node:child_process';\n${uvu}` +
      `test('a', () => { spawn('sleep', ['601'], { stdio: 'ignore' }).unref() }); test.run();`);
  assert.match(result.faults[0]!, /left a process behind: sleep 601/);
});

test('a file that exits early fails', async () => {
  const result = await runSource(`${uvu}test('a', () => { process.exit(0) }); test.run();`);
  assert.equal(result.failed, 1);
});

test('skipped tests are counted as skipped', async () => {
  const result = await runSource(`${uvu}test('a', () => {}); test.skip('b'); test.run();`);
  assert.equal([result.passed, result.failed, result.skipped], [1, 0, 1]);
});

test('the support suite shows a before that throws', async () => {
  const result = await runSource(
    `${guarded}test.before(() => { throw new Error('nope') }); test('a', () => {}); test.run();`);
  assert.equal(result.failed, 1);
  assert.match(result.text, 'before of "s" failed');
});

test('the support suite fails a file in which one of two suites is never run', async () => {
  const result = await runSource(
    `${guarded}const b = suite('b'); b('x', () => {}); test('a', () => {}); test.run();`);
  assert.equal([result.passed, result.failed], [1, 1]);
  assert.match(result.text, 'suite "b" holds 1 tests and was never run');
});

test('the support suite names a test that hangs', async () => {
  const result = await runSource(
    `${guarded}test('stuck', () => new Promise(() => {}), 50); test.run();`);
  assert.match(result.text, '"stuck" is not done after 50 ms');
});

test('TEST_ONLY leaves the tests whose name contains it', async () => {
  const source = `${guarded}test('getpid', () => {}); test('futex', () => {}); test.run();`;
  assert.is((await runSource(source, 'getpid')).passed, 1);
  const none = await runSource(source, 'other');
  assert.equal([none.passed, none.failed], [0, 0]);
});

test('a filter selects files by a part of their path, or tests of a folder by name', () => {
  const all = ['calls/files.test.ts', 'calls/time.test.ts', 'unit/config.test.ts'];
  assert.equal(select(all, []), { files: all });
  assert.equal(select(all, ['unit/config']), { files: ['unit/config.test.ts'] });
  assert.equal(select(all, ['calls']), { files: all.slice(0, 2) });
  assert.equal(select(all, ['calls/getpid']), { files: all.slice(0, 2), only: 'getpid' });
  assert.equal(select(all, ['nothing']), { files: [] });
});

test('the bound is read from the head of a file', () => {
  assert.is(boundOf('/* x.ts: y\n * bound: 600\n */'), 600_000);
  assert.is(boundOf('// bound: 5'), 5_000);
  assert.is(boundOf('const bound = 7'), 300_000);
});

test('the totals are the last ones that uvu printed', () => {
  assert.is(totalsIn('nothing'), undefined);
  const block = (n: number) => `  Total:     ${n}\n  Passed:    ${n}\n  Skipped:   0\n`;
  assert.is(totalsIn(block(1) + block(2))?.total, 2);
});

test('the last line has the form that others read', () => {
  const result = (part: Partial<FileResult>): FileResult =>
    ({ file: 'f', passed: 0, failed: 0, skipped: 0, faults: [], ...part });
  assert.equal(summarize([result({ passed: 3 })]), ['3 passed, 0 failed']);
  assert.equal(
    summarize([result({ passed: 3, skipped: 2 }), result({ failed: 1, faults: ['x'] })]),
    ['FAILED f: x', '3 passed, 1 failed, 2 skipped'],
  );
});

test.run();
