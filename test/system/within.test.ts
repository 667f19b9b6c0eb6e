/* within.test.ts: a pair whose program has TCP connections with itself. The primary is killed under
 * load: both ends live on, those between two processes too, with all that one had sent and the
 * other not read, however they had been shut or closed, and when nobody had accepted them yet.
 * bound: 150 */
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Bed } from '../../src/bed/bed.js';
import { suite } from '../support/suite.js';
import {
  asked, endClient, keepOver, programs, startKeepClient, untilInUse,
} from './support/keep-client.js';
import { endSides, giveKeys, startPair } from './support/pair.js';

const test = suite('TCP connections within the program');

test('connections of the program with itself outlive the primary', async () => {
  await using bed = await Bed.create();
  try {
    await giveKeys(bed);
    const command = ['/usr/bin/python3', join(programs, 'within-server.py')];
    const sides = await startPair(bed, command);
    const client = startKeepClient(bed, { port: 80, kind: 'lines', connections: 4 });
    await untilInUse(client, sides);
    await keepOver(bed, client, sides);
    await endClient(client, sides);
    assert.is(await asked(bed, 'rest'), 'as it was\n', sides.backup.words);
    assert.is(await asked(bed, '41'), '42\n');
    assert.not.match(sides.backup.stderr, /hotswap: .*(cannot|could not|only a part)/);
  } finally {
    await endSides();
  }
}, 120_000);

test.run();
