/* system.test.ts: calls that act on the host. Those that are refused answer the errno of their
 * row, in the recording as in the replay. bound: 600 */
import * as assert from 'uvu/assert';
import { calls } from '../../src/calls/table.js';
import { programsOf, testFamily, threeWays } from './support.js';

const test = testFamily('system');

test('a refused call answers with the errno of its row', async () => {
  const answers = new Map<string, string>();
  for (const program of programsOf('system')) {
    const { recorded } = await threeWays(program);
    for (const [, name = '', errno = ''] of recorded.stdout.matchAll(/^~ refused (\S+) (\S+)$/gm)) {
      answers.set(name, errno);
    }
  }
  // Made by processes/families, after setsid: elsewhere it could hang up a terminal.
  const elsewhere = new Set(['vhangup']);
  for (const { name, policy } of calls) {
    if (policy.refusal === undefined || elsewhere.has(name)) continue;
    assert.is(answers.get(name), policy.refusal, name);
  }
}, 120_000);

test.run();
