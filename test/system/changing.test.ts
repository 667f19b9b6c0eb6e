/* changing.test.ts: a thread sends what another overwrites at the same moment, and the machine dies
 * with most of it not with the clients yet. Commit mode async, where a send is made while other
 * threads run: what the copy sends again is what the dead machine had sent. bound: 160 */
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Bed, plan } from '../../src/bed/bed.js';
import { suite } from '../support/suite.js';
import { Running, compile, until } from './support/command.js';
import { programs } from './support/keep-client.js';
import { endSides, giveKeys, startBackup, startPrimary, untilState } from './support/pair.js';

const test = suite('bytes that change while they are sent');
const program = compile('changing-server', '-pthread', '-D_GNU_SOURCE');

const isFollowed = (state: object): boolean => {
  const { watermarks } = state as { watermarks: { recorded: number; received: number } };
  return watermarks.received === watermarks.recorded;
};

test('a message is whole whoever sent its parts', async () => {
  await using bed = await Bed.create();
  try {
    await giveKeys(bed);
    const primary = startPrimary(bed, [program], { more: ['--commit', 'async'] });
    const backup = startBackup(bed);
    await untilState(bed, 'primary', (state) => state.protected, [primary, backup]);
    const argv = ['python3', join(programs, 'changing-client.py'), plan.vip];
    const client = new Running(
      bed.spawn('client', argv, { stdio: ['pipe', 'pipe', 'pipe'] }), 'the client');
    await until(() => client.stdout.includes('READY') || !client.isRunning,
      () => `${client.words} | ${primary.words} | ${backup.words}`);
    await until(() => primary.stdout.includes('sent') || !primary.isRunning,
      () => `${primary.words} | ${client.words}`);
    await untilState(bed, 'primary', isFollowed, [primary, backup]);
    await bed.powerCut('primary');
    await untilState(bed, 'backup', ({ role }) => role === 'live', [backup]);
    client.child.stdin!.end('on\n');
    const ended = await client.ended;
    const messages = 6 * (393216 / 8192) + 2 * (393216 / 65536);
    assert.is(ended.stdout.trim(), `READY\nwhole ${messages} torn 0`,
      `${ended.stderr} ${backup.words}`);
  } finally {
    await endSides();
  }
}, 140_000);

test.run();
