/* bench.test.ts: what `npm run bench` prints is one JSON object per line with the promised fields,
 * and nothing else. The figures are of tiny runs and mean nothing here. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { lineOf, median, percentile } from '../bench/figures.js';
import { suite } from '../support/suite.js';

const main = fileURLToPath(new URL('../bench/main.ts', import.meta.url));

function bench(...args: string[]) {
  const argv = ['--import', 'tsx', main, ...args];
  return spawnSync(process.execPath, argv, { encoding: 'utf8', timeout: 50_000 });
}

const test = suite('bench');

test('calls print one JSON line per class, with what recording adds', () => {
  const { status, stdout, stderr } = bench('--only', 'calls', '--runs', '2', '--calls', '2000');
  assert.is(status, 0, stderr);
  const lines = stdout.trimEnd().split('\n').map((line) => {
    return JSON.parse(line) as Record<string, unknown>;
  });
  assert.equal(lines.map(({ metric }) => metric), [
    'time', 'result', 'input', 'output', 'readiness', 'memory', 'order', 'signals',
  ]);
  for (const line of lines) {
    assert.equal(Object.keys(line), [
      'bench', 'subject', 'metric', 'value', 'unit', 'native', 'ratio', 'runs',
    ]);
    assert.is(line['bench'], 'calls');
    assert.is(line['subject'], 'record');
    assert.is(line['unit'], 'ns');
    assert.is(line['runs'], 2);
    assert.ok(Number(line['value']) > 0, JSON.stringify(line));
    assert.ok(Number(line['native']) > 0, JSON.stringify(line));
  }
});

test('a part that does not exist is named, and nothing is measured', () => {
  const { status, stdout, stderr } = bench('--only', 'calls,nonsense');
  assert.is(status, 2);
  assert.is(stdout, '');
  assert.match(stderr, 'nonsense');
});

test('a figure without a native counterpart has null there', () => {
  const line = lineOf({ bench: 'b', subject: 's', metric: 'm', unit: 'ms', values: [3, 1, 2] });
  assert.equal(JSON.parse(line), {
    bench: 'b', subject: 's', metric: 'm', value: 2, unit: 'ms', native: null, ratio: null, runs: 3,
  });
});

test('medians are of the middle, percentiles by nearest rank', () => {
  assert.is(median([4, 1, 3, 2]), 2.5);
  assert.is(percentile([10, 20, 30, 40], 0.5), 20);
  assert.is(percentile([10, 20, 30, 40], 0.99), 40);
  assert.is(percentile([10, 20, 30, 40], 1), 40);
});

test.run();
