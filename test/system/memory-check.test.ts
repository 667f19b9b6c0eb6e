/* memory-check.test.ts: `--memory-check`: the memory of every process is digested while it runs,
 * compared at the same record of the replay, and what differs there is a divergence. bound: 120 */
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { RecordResult, ReplayResult } from '../../src/engine/options.js';
import { suite } from '../support/suite.js';
import { compile, hs, makePlace, resultOf, told } from './support/command.js';

const test = suite('memory compared while a program runs');
const place = makePlace('memory-check');

const asked = ['--memory-check', '1'];

async function recordAndReplay(name: string, words: string[] = [], options = asked) {
  const log = join(place, name);
  const program = compile('comparing', '-pthread');
  const recorded = await hs(['record', '--json', '-o', log, ...options, '--', program, ...words]);
  assert.is(recorded.code, 0, told(recorded));
  const replayed = await hs(['replay', '--json', log]);
  return { calls: resultOf<RecordResult>(recorded).calls, replayed };
}

test('threads inside calls are no difference, and every process is compared', async () => {
  const { calls, replayed } = await recordAndReplay('equal');
  assert.is(replayed.code, 0, told(replayed));
  const { memory, divergence } = resultOf<ReplayResult>(replayed);
  assert.is(divergence, null);
  assert.ok(memory.equal && memory.checks >= 4, told(replayed)); // two processes, twice at least
  assert.is(memory.checks, calls['MEMORY_DIGEST']);
});

test('memory that differs where no call shows it is a divergence at the next digest', async () => {
  const { replayed } = await recordAndReplay('planted', ['planted']);
  assert.is(replayed.code, 3, told(replayed));
  const { divergence } = resultOf<ReplayResult>(replayed);
  assert.is(divergence?.call, 'MEMORY_DIGEST');
  assert.match(divergence!.expected, 'memory (digest)');
});

test('with evidence in the log a replay names the first byte that differs', async () => {
  const { replayed } = await recordAndReplay('named', ['planted'], ['--evidence']);
  assert.is(replayed.code, 3, told(replayed));
  const { divergence, memory } = resultOf<ReplayResult>(replayed);
  assert.is(divergence, null);
  assert.is(memory.equal, false);
  assert.match(memory.difference!,
    /^process \d+, 0x[0-9a-f]+: recorded 0x[0-9a-f]+, here 0x[0-9a-f]+; \d+ bytes in 1 pages; /);
  const { replayed: equal } = await recordAndReplay('same', [], ['--evidence']);
  assert.is(equal.code, 0, told(equal));
  assert.is(resultOf<ReplayResult>(equal).memory.difference, null);
});

test.run();
