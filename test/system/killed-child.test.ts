/* killed-child.test.ts: a pair whose program loses children by signals, such that cannot be caught
 * among them: their clients are told that their connections have ended, while the program and the
 * pair go on. bound: 120 */
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Bed, plan } from '../../src/bed/bed.js';
import { suite } from '../support/suite.js';
import { programs } from './support/keep-client.js';
import { endSides, giveKeys, startPair, untilState } from './support/pair.js';

const test = suite('children that are killed');

test('the connections of a child that a signal ended are closed', async () => {
  await using bed = await Bed.create();
  try {
    await giveKeys(bed);
    const command = ['/usr/bin/python3', join(programs, 'killed-server.py')];
    const { primary, backup } = await startPair(bed, command);
    const client = await bed.run('client', ['python3', join(programs, 'killed-client.py'),
      plan.vip]);
    assert.is(client, 'DONE\n', `${primary.words} | ${backup.words}`);
    await untilState(bed, 'primary', (state) => state.protected, [primary, backup]);
  } finally {
    await endSides();
  }
}, 90_000);

test.run();
