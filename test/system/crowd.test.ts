/* crowd.test.ts: a pair whose connections are each held by several processes, which go live at
 * once: each connection is made again once, by one of them. bound: 150 */
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Bed } from '../../src/bed/bed.js';
import { suite } from '../support/suite.js';
import {
  endClient, keepOver, programs, startKeepClient, untilInUse,
} from './support/keep-client.js';
import { endSides, giveKeys, startPair } from './support/pair.js';

const test = suite('connections that several processes hold');

test('every connection outlives the primary', async () => {
  await using bed = await Bed.create();
  try {
    await giveKeys(bed);
    const command = ['/usr/bin/python3', join(programs, 'crowd-server.py')];
    const sides = await startPair(bed, command);
    const client = startKeepClient(bed, { port: 80, kind: 'lines', connections: 24 });
    await untilInUse(client, sides);
    await keepOver(bed, client, sides);
    await endClient(client, sides);
    assert.not.match(sides.backup.stderr, /could not be restored/);
  } finally {
    await endSides();
  }
}, 120_000);

test.run();
