/* parallel.test.ts: threads that share by locks alone, under --schedule parallel: the replay makes
 * the same calls, the same output and the same memory. And threads that share otherwise: what they
 * do is the same by chance, or the replay says that it is not. bound: 900 */
import * as assert from 'uvu/assert';
import { buildPrograms, expectSame, programsOf, threeWays } from './support.js';
import { suite } from '../support/suite.js';

const test = suite('calls: --schedule parallel');
test.before(buildPrograms);
const bound = 300_000;

const find = (family: string, name: string) => {
  const program = programsOf(family).find((each) => each.name === name);
  if (!program) throw new Error(`no program ${family}/${name}`);
  return program;
};

for (const name of ['locks', 'c11', 'robust', 'count50', 'many']) {
  test(`threads/${name} is the same native, recorded and replayed`, async () => {
    expectSame(await threeWays(find('threads', name), [], 'parallel'));
  }, bound);
}

for (const name of ['pool', 'waits', 'unused']) {
  test(`${name} is the same native, recorded and replayed, twice`, async () => {
    for (let turn = 0; turn < 2; turn++) {
      expectSame(await threeWays(find('parallel', name), [], 'parallel'));
    }
  }, 2 * bound);
}

test('signals come to waiting threads at the same places', async () => {
  const { recorded, replayed } = await threeWays(find('parallel', 'woken'), [], 'parallel');
  assert.is(recorded.code, 0, recorded.stderr);
  const { divergence, records, replayed: count } = replayed.result;
  assert.is(divergence, null, JSON.stringify(divergence));
  assert.is(count, records);
}, bound);

test('a race either repeats or is reported', async () => {
  const { recorded, replayed } = await threeWays(find('threads', 'race'), [], 'parallel');
  assert.is(recorded.code, 0, recorded.stderr);
  const { divergence, memory } = replayed.result;
  if (replayed.code === 0) return assert.ok(memory.equal);
  assert.is(replayed.code, 3);
  assert.ok(divergence !== null || !memory.equal);
}, bound);

test.run();
