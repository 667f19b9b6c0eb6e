/* Counts of hs-trace against those of `strace -f -c`, an independent witness, call by call.
 * The rule: equal means equal: the programs are made so that nothing but they decides a count. */
import * as assert from 'uvu/assert';
import { details } from '../../src/trace/observation.js';
import { suite } from '../support/suite.js';
import { Room, observedCounts, straceCounts, watch } from './support.js';

const test = suite('counts of hs-trace');
const room = new Room();
test.after(() => room[Symbol.dispose]());

/** Whether a join waits is a race between the two threads: futex is left out. */
const sorted = (counts: Map<string, [number, number]>) =>
  [...counts].filter(([name]) => name !== 'futex').sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, of]) => `${name} ${of.join(' ')}`);

for (const detail of details) {
  test(`a tree of processes makes as many calls as strace says: ${detail}`, async () => {
    const argv = [room.program('tree'), '500'];
    const expected = sorted(straceCounts(room, argv));
    const observed = await watch(argv, detail);
    assert.equal(sorted(observedCounts(observed)), expected);
    assert.is(observed.end?.exitCode, 7);
    assert.is(observed.observation.lostPerCpu.reduce((sum, n) => sum + n, 0), 0);
  });
}

test('a shell with pipes makes as many calls as strace says', async () => {
  const argv = ['sh', '-c', 'cd / && for i in 1 2 3; do /bin/true; done; exec /bin/true'];
  const expected = sorted(straceCounts(room, argv));
  assert.equal(sorted(observedCounts(await watch(argv, 'counts'))), expected);
});

test('every call has its time, in the sum and in one bucket', async () => {
  const { observation } = await watch([room.program('tree'), '500'], 'latencies');
  for (const { name, count, ns, histogram } of observation.calls) {
    const inBuckets = histogram.reduce((sum, n) => sum + n, 0);
    assert.is(inBuckets, count, name);
    const least = histogram.reduce((sum, n, i) => sum + n * 2 ** i, 0);
    assert.ok(ns >= least - inBuckets && ns < 2 * least + inBuckets, `${name}: ${ns} of ${least}`);
  }
});

test.run();
