/* diff.test.ts: `hs-trace diff`: what it finds changed between two reports, and what it says to
 * files that are none. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { difference, isSame } from '../../../src/trace/show/diff.js';
import { toJson } from '../../../src/trace/show/json.js';
import { suite } from '../../support/suite.js';
import { call, judged, process as planted, type Planted } from './planted.js';
import { specimenReport } from './specimen.js';

const test = suite('hs-trace diff');
const root = fileURLToPath(new URL('../../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'hs-trace-diff-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

const jsonOf = async (plant: Planted) => toJson(await judged(plant));

test('the same report twice differs in nothing, whatever the times', async () => {
  const before = await jsonOf({ calls: [call('read', 5, { ns: 100 })], durationMs: 10 });
  const after = await jsonOf({ calls: [call('read', 5, { ns: 999 })], durationMs: 90 });
  assert.ok(isSame(difference(before, after)));
});

test('verdict and reasons: what was, what is', async () => {
  const before = await jsonOf({ calls: [call('read'), call('io_uring_setup')] });
  const after = await jsonOf({
    calls: [call('read')], processes: [planted({ threadsMax: 2, threadsEver: 2 })],
  });
  const found = difference(before, after);
  assert.equal(found.verdict,
    { before: 'not replicable', after: 'replicable with --schedule serial' });
  assert.match(found.reasons.gone[0]!, /io_uring_setup/);
  assert.match(found.reasons.new[0]!, /threads/);
});

test('calls and sources: gone and new ones first, then what changed the most', async () => {
  const before = await jsonOf({
    calls: [call('read', 100), call('write', 10), call('getpid', 3), call('close', 7)],
  });
  const after = await jsonOf({
    calls: [call('read', 110), call('write', 90, { errors: 2 }), call('time', 1), call('close', 7)],
  });
  const { calls, sources, causes } = difference(before, after);
  assert.equal(calls.map(({ name }) => name), ['getpid', 'time', 'write', 'read']);
  assert.equal(calls[2], {
    name: 'write', before: { count: 10, errors: 0 }, after: { count: 90, errors: 2 },
  });
  assert.equal(sources.map(({ before: was, after: is }) => [was, is]),
    [[3, null], [null, 1], [100, 110]]);
  assert.equal(causes.map(({ name }) => name),
    ['ids getpid (call)', 'time time (call)', 'input read (call)']);
});

/** Runs the command. */
function diff(...args: string[]): Promise<{ status: number; out: string; err: string }> {
  const command = ['--import', 'tsx', join(root, 'src', 'cli', 'trace.ts'), 'diff', ...args];
  return new Promise((resolve) => {
    execFile(process.execPath, command, { cwd: root }, (error, out, err) => {
      resolve({ status: error ? Number(error.code) : 0, out, err });
    });
  });
}

const write = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

test('the command reads the last line of two outputs and says what changed', async () => {
  const report = JSON.stringify(toJson(await specimenReport()));
  const one = write('one.json', `hello from the program\n${report}\n`);
  const two = write('two.json', `${JSON.stringify(await jsonOf({ calls: [call('read')] }))}\n`);
  const { status, out } = await diff(one, two);
  assert.is(status, 0);
  assert.match(out, 'verdict: not replicable → replicable');
  assert.match(out, /no longer because io_uring_setup/);
  assert.match(out, /epoll_wait +41,000 +→ +-/);
  const asData = await diff('--json', one, two);
  assert.is(JSON.parse(asData.out).verdict.after, 'replicable');
  assert.match((await diff(one, one)).out, 'nothing changed but times');
});

test('what is no report is said in one sentence, status 2', async () => {
  const good = write('good.json', JSON.stringify(await jsonOf({})));
  const faults: [string, RegExp][] = [
    [join(folder, 'absent'), /cannot read .* \(ENOENT\)/],
    [write('text', 'hello\n'), /does not end with a line of JSON/],
    [write('other', '{"verdict":"perhaps"}\n'), /is no report of hs-trace/],
    [write('empty', ''), /does not end with a line of JSON/],
  ];
  for (const [file, expected] of faults) {
    const { status, err } = await diff(good, file);
    assert.is(status, 2, file);
    assert.match(err, expected);
    assert.is(err.trim().split('\n').length, 1);
  }
});

test.run();
