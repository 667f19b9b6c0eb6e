/* killed-child.test.ts: a pair whose program loses children by signals, such that cannot be caught
 * among them: their clients are told that their connections have ended, while the program and the
 * pair go on. After a takeover a child that nobody waited for is gone, and one that was stopped is
 * stopped. bound: 240 */
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Bed, plan } from '../../src/bed/bed.js';
import { suite } from '../support/suite.js';
import { converse, programs } from './support/keep-client.js';
import { endSides, giveKeys, startPair, untilFollowed, untilState } from './support/pair.js';

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

/** Lines to the parent, the answer to each; `STATE` is asked until it is as wanted. */
async function ask(bed: Bed, lines: readonly string[]): Promise<string[]> {
  const script = `for line; do
      for again in $(seq 100); do
        echo "\${line%=*}" >&3; read -t 20 -r answer <&3 || answer='no answer'
        [ "$line" = "\${line#*=}" ] || [ "$answer" = "\${line#*=}" ] && break
        sleep 0.1
      done
      echo "$answer"
    done`;
  const said = await converse(bed, script, ...lines);
  return said.trim().split('\n');
}

test('who was killed is gone after a takeover, and who was stopped is stopped', async () => {
  await using bed = await Bed.create();
  try {
    await giveKeys(bed);
    const command = ['/usr/bin/python3', join(programs, 'killed-server.py')];
    const { primary, backup } = await startPair(bed, command);
    const client = await bed.run('client', ['python3', join(programs, 'killed-client.py'),
      plan.vip, 'lost']);
    assert.is(client, 'DONE\n', `${primary.words} | ${backup.words}`);
    const stop = ['STOP 81', 'STOP 84', 'STATE 81=T', 'STATE 84=T'];
    assert.equal(await ask(bed, ['STATE 83=Z', ...stop, 'STATE 82=S']),
      ['Z', 'ok', 'ok', 'T', 'T', 'S']);
    await untilFollowed(bed, [primary, backup]);
    await bed.powerCut('primary');
    await untilState(bed, 'backup', ({ role }) => role === 'live', [backup]);
    const go = ['CONT 81', 'CONT 84', 'STATE 81=S', 'STATE 84=S'];
    assert.equal(await ask(bed, ['STATE 83', 'STATE 81=T', 'STATE 84=T', 'STATE 82', ...go]),
      ['Z', 'T', 'T', 'S', 'ok', 'ok', 'S', 'S'], backup.words);
  } finally {
    await endSides();
  }
}, 110_000);

test.run();
