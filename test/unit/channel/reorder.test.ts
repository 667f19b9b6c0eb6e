// Whatever order runs come in, however often, each record is delivered once and in order.

import * as assert from 'uvu/assert';

import { Reorder } from '../../../src/channel/reorder.js';
import { decodeRun, encodedBytes, viewOf } from '../../../src/channel/record.js';
import { suite } from '../../support/suite.js';
import { makeRun, runSeed, seeded } from './records.js';

const test = suite('reorder');
const seed = runSeed('reorder');
const SIZE = encodedBytes(0);

/** Records 1..n of one cache line each, and a buffer that notes the numbers delivered. */
function setup(count: number, bounds?: { maxBytes: number; maxRuns: number }, nextSeq = 1) {
  // A Buffer, as the socket gives it: its slice() would be a view.
  const bytes = Buffer.from(makeRun(1, count, seeded(seed), () => 0).bytes.buffer);
  const delivered: number[] = [];
  const reorder = new Reorder((run, start, end, info) => {
    const seqs = [...decodeRun(viewOf(run), start, end)].map(({ seq }) => seq);
    assert.equal([seqs.length, seqs[0], seqs.at(-1)], [info.records, info.firstSeq, info.lastSeq]);
    delivered.push(...seqs);
  }, nextSeq, bounds);
  /** Pushes records from..to out of a copy that is wiped afterwards. */
  const push = (from: number, to: number) => {
    const copy = Buffer.from(bytes.subarray((from - 1) * SIZE, to * SIZE));
    reorder.push(copy, 0, copy.length, { records: to - from + 1, firstSeq: from, lastSeq: to });
    copy.fill(0xff);
  };
  return { reorder, delivered, push };
}

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1);

test('runs in order go straight through', () => {
  const { reorder, delivered, push } = setup(10);
  push(1, 4);
  push(5, 10);
  assert.equal(delivered, upTo(10));
  assert.equal([reorder.early, reorder.duplicates, reorder.waitingBytes], [0, 0, 0]);
});

test('a run that comes early waits for the gap to close', () => {
  const { reorder, delivered, push } = setup(10);
  push(6, 8);
  push(9, 10);
  push(3, 4);
  assert.equal(delivered, []);
  assert.equal(reorder.missing, { from: 1, to: 2 });
  push(1, 2);
  assert.equal(delivered, upTo(4));
  assert.equal(reorder.missing, { from: 5, to: 5 });
  push(5, 5);
  assert.equal(delivered, upTo(10));
  assert.is(reorder.gap, false);
  assert.is(reorder.waitingBytes, 0);
});

test('records that come twice are dropped, also in part', () => {
  const { reorder, delivered, push } = setup(10);
  push(1, 5);
  push(1, 5);
  push(3, 7);
  push(9, 10);
  push(9, 10);
  push(6, 10);
  assert.equal(delivered, upTo(10));
  assert.is(reorder.duplicates, 5 + 3 + 2 + 2 + 2);
});

test('any order, any cutting, any repetition: each record once, in order', () => {
  const random = seeded(seed);
  for (let round = 0; round < 200; round++) {
    const count = 1 + Math.floor(random() * 60);
    const { delivered, push, reorder } = setup(count);
    const runs: [number, number][] = [];
    for (let from = 1; from <= count; ) {
      const to = Math.min(count, from + Math.floor(random() * 8));
      runs.push([from, to]);
      if (random() < 0.4) runs.push([Math.max(1, from - Math.floor(random() * 6)), to]);
      from = to + 1;
    }
    for (let i = runs.length - 1; i > 0; i--) {
      const other = Math.floor(random() * (i + 1));
      [runs[i], runs[other]] = [runs[other]!, runs[i]!];
    }
    for (const [from, to] of runs) push(from, to);
    assert.equal(delivered, upTo(count), `round ${round}`);
    assert.is(reorder.waitingBytes, 0);
  }
});

test('what waits is bounded in bytes and in runs', () => {
  const bytes = setup(10, { maxBytes: 3 * SIZE, maxRuns: 100 });
  bytes.push(3, 4);
  bytes.push(6, 6);
  assert.throws(() => bytes.push(8, 8), /record 1 is missing/);
  const runs = setup(10, { maxBytes: 0x10000, maxRuns: 2 });
  runs.push(3, 3);
  runs.push(5, 5);
  assert.throws(() => runs.push(7, 7), /2 runs/);
  runs.push(3, 3); // a duplicate of what waits takes no room
  runs.push(1, 7);
  assert.equal(runs.delivered, upTo(7));
});

test('without a beginning to expect, the first run is the beginning', () => {
  const { delivered, push, reorder } = setup(10, undefined, -1);
  push(4, 5);
  push(6, 6);
  assert.equal(delivered, [4, 5, 6]);
  assert.is(reorder.nextSeq, 7);
});

test.run();
