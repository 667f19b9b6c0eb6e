/* sharing.test.ts: a pair of a server whose processes share everything they work with: connections
 * passed on in messages, memory, a semaphore; answers leave by sendfile. The primary is killed:
 * connections, counter and semaphore live on. bound: 120 */
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Bed, plan } from '../../src/bed/bed.js';
import { suite } from '../support/suite.js';
import {
  endClient, keepOver, programs, startKeepClient, untilInUse,
} from './support/keep-client.js';
import { endSides, giveKeys, startPair, untilState } from './support/pair.js';

const test = suite('processes that share');
const connections = 4;

test('passed connections, shared memory and semaphores outlive the primary', async () => {
  await using bed = await Bed.create();
  try {
    await giveKeys(bed);
    for (const host of ['primary', 'backup'] as const) await bed.run(host, ['mkdir', '-p', '/srv']);
    const command = ['/usr/bin/python3', join(programs, 'sharing-server.py')];
    const sides = await startPair(bed, command);
    const client = startKeepClient(bed, { port: 80, kind: 'lines', connections });
    await untilInUse(client, sides);
    await keepOver(bed, client, sides);
    await untilState(bed, 'backup', ({ counters }) =>
      (counters as Record<string, number>)['connsRestored'] === connections, [sides.backup]);
    const ended = await endClient(client, sides);
    const rounds = Number(/(\d+)\s+DONE/.exec(ended.stdout)?.[1]);
    const total = await bed.run('client', ['bash', '-c',
      `exec 3<>/dev/tcp/${plan.vip}/80; echo total >&3; head -1 <&3`]);
    assert.is(Number(total), rounds * connections, `${ended.stdout.slice(-200)}`);
  } finally {
    await endSides();
  }
}, 60_000);

test.run();
