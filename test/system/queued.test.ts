/* queued.test.ts: clients whom the program had not accepted yet when its machine died: their
 * handshake is done, or under way. They are connected, so they are served by the survivor: nobody
 * is reset, and no byte is lost. (With `async` the backup may not have heard of them.) The process
 * that accepts them may have given up the right to make connections again. bound: 300 */
import * as assert from 'uvu/assert';
import { Bed, plan } from '../../src/bed/bed.js';
import { suite } from '../support/suite.js';
import { compile, root } from './support/command.js';
import { Hand } from './support/enforce.js';
import { endSides, giveKeys, startBackup, startPrimary, untilState } from './support/pair.js';

const test = suite('not accepted yet');
const program = compile('takeover-server');
const late = 7005;
const control = 7009;

interface Read { bytes: number; exact: boolean; eof: boolean; error: string | null }
interface Client {
  order: <T = object>(op: string, fields?: object) => Promise<T>;
}

function clientOn(bed: Bed): Client {
  const script = `${root}/test/system/programs/takeover-client.py`;
  const hand = Hand.on(bed, 'client', ['python3', script]);
  return { order: (op, fields = {}) => hand.ask(JSON.stringify({ op, ...fields }), 25_000) };
}

for (const { who, drop } of [{ who: 'root', drop: false }, { who: 'a user', drop: true }]) {
  test(`they are served by the survivor, to the byte: by ${who}`, () => served(drop), 90_000);
}

async function served(drop: boolean): Promise<void> {
  await using bed = await Bed.create();
  try {
    await giveKeys(bed);
    const primary = startPrimary(bed, [program, plan.vip], { more: ['--commit', 'logged'] });
    const backup = startBackup(bed);
    await untilState(bed, 'primary', (state) => state.protected, [primary, backup]);
    const { order } = clientOn(bed);
    const connect = (name: string, port: number): Promise<object> =>
      order('connect', { name, host: plan.vip, port });
    await connect('control', control);
    if (drop) await order('ask', { name: 'control', text: 'drop' });
    const names = Array.from({ length: 12 }, (_, at) => `late${at}`);
    for (const name of names) await connect(name, late);
    // Some have sent already: nothing of that may have been acknowledged.
    for (const name of names.slice(0, 6)) await order('send', { name, n: 5000 });
    await order('shut', { name: 'late5' });
    await order('reset', { name: 'late11' });
    await bed.powerCut('primary');
    await untilState(bed, 'backup', ({ role, takeover }) =>
      role === 'live' && Boolean(takeover), [backup]);
    for (const name of names.slice(6, 11)) await order('send', { name, n: 3000 });
    const counts = await order<{ accepted: number }>('ask', { name: 'control', text: 'accept' });
    assert.is(counts.accepted, 1 + 11, backup.words);
    for (const name of names.slice(0, 11)) {
      const n = Number(name.slice(4)) < 6 ? 5000 : 3000;
      const read = await order<Read>('read', { name, n });
      assert.equal(read, { bytes: n, exact: true, eof: false, error: null }, name);
    }
    assert.is((await order<Read>('read', { name: 'late5', n: 1 })).eof, true);
    for (const name of names.slice(0, 5)) {
      await order('send', { name, n: 200_000 });
      const read = await order<Read>('read', { name, n: 200_000 });
      assert.equal(read, { bytes: 200_000, exact: true, eof: false, error: null }, name);
    }
    await connect('fresh', late);
    await order('ask', { name: 'control', text: 'accept' });
    await order('send', { name: 'fresh', n: 1000 });
    assert.is((await order<Read>('read', { name: 'fresh', n: 1000 })).bytes, 1000);
  } finally {
    await endSides();
  }
}

test.run();
