/* dual-stack.test.ts: a pair whose program listens on [::], for both versions of IP, as many do by
 * default. Its clients of IPv4, mapped addresses to it, are kept over a takeover like those
 * of a listener of IPv4. bound: 120 */
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Bed, plan } from '../../src/bed/bed.js';
import { suite } from '../support/suite.js';
import { until } from './support/command.js';
import {
  endClient, keepOver, programs, startKeepClient, untilInUse,
} from './support/keep-client.js';
import { endSides, giveKeys, startPair, untilState } from './support/pair.js';

const test = suite('both versions of IP');
const connections = 4;

test('connections of IPv4 to a listener on [::] outlive the primary', async () => {
  await using bed = await Bed.create();
  try {
    await giveKeys(bed);
    const command = ['/usr/bin/python3', join(programs, 'dual-server.py')];
    const sides = await startPair(bed, command);
    const client = startKeepClient(bed, { port: 80, kind: 'lines', connections });
    await untilInUse(client, sides);
    const bySix = 'exec 3<>/dev/tcp/::1/80; echo 41 >&3; head -1 <&3';
    assert.is(await bed.run('primary', ['bash', '-c', bySix]), '42\n');
    await until(() => /by IPv6: such connections are not kept/.test(sides.primary.stderr),
      () => sides.primary.words);
    await keepOver(bed, client, sides);
    await untilState(bed, 'backup', ({ counters }) =>
      (counters as Record<string, number>)['connsRestored'] === connections, [sides.backup]);
    await endClient(client, sides);
    const fresh = await bed.run('client', ['bash', '-c',
      `exec 3<>/dev/tcp/${plan.vip}/80; echo peer >&3; head -1 <&3`]);
    assert.is(fresh.trim(), Array(2).fill(`::ffff:${plan.service.client}`).join(' '));
  } finally {
    await endSides();
  }
}, 60_000);

test.run();
