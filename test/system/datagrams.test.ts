/* datagrams.test.ts: a pair whose program serves datagrams, in each way there is. The primary dies
 * under load: its clients, who repeat what is not answered, are answered by the copy, from the same
 * address, and nothing that they were told before is contradicted. bound: 200 */
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Bed, plan } from '../../src/bed/bed.js';
import { suite } from '../support/suite.js';
import { compile, Running, until } from './support/command.js';
import { programs, untilRounds } from './support/keep-client.js';
import { endSides, giveKeys, said, startBackup, startPrimary, untilState } from './support/pair.js';

const test = suite('datagrams');
const program = compile('datagram-server');

function startClient(bed: Bed): Running {
  const argv = ['python3', join(programs, 'datagram-client.py'), plan.vip, plan.service.client];
  const stdio = ['pipe', 'pipe', 'pipe'] as const;
  return new Running(bed.spawn('client', argv, { stdio: [...stdio] }), 'the client');
}

const isFollowed = (state: object): boolean => {
  const { watermarks } = state as { watermarks: { recorded: number; received: number } };
  return watermarks.received === watermarks.recorded;
};

for (const commit of ['logged', 'async'] as const) {
  test(`${commit}: answers go on, from the same address and port`, async () => {
    await using bed = await Bed.create();
    try {
      await giveKeys(bed);
      const command = [program, plan.vip, plan.serviceDevice];
      const primary = startPrimary(bed, command, { more: ['--commit', commit] });
      const backup = startBackup(bed);
      const client = startClient(bed);
      await until(() => client.stdout.includes('READY') || !client.isRunning,
        () => `${client.words} | ${primary.words} | ${backup.words}`);
      await untilRounds(client, 20);
      await untilState(bed, 'primary', (state) => state.protected, [primary, backup]);
      // Without output commit a kill loses what the backup does not have: that would contradict.
      if (commit === 'async') {
        client.child.stdin!.write('rest\n');
        await until(() => client.stdout.includes('RESTS'), () => client.words);
        await untilState(bed, 'primary', isFollowed, [primary, backup]);
      }
      await bed.powerCut('primary');
      if (commit === 'async') client.child.stdin!.write('go on\n');
      await untilState(bed, 'backup', ({ role }) => role === 'live', [backup]);
      await untilRounds(client, 20);
      client.child.stdin!.end();
      const ended = await client.ended;
      assert.is(ended.code, 0, `${ended.stderr} ${said(backup)}`);
      assert.match(ended.stdout, /DONE \[1\]/, 'answers of a socket without a name: one port');
      assert.not.match(backup.stderr, /hotswap: .*cannot be/);
    } finally {
      await endSides();
    }
  }, 90_000);
}

test.run();
