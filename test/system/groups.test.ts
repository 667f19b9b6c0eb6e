/* groups.test.ts: a pair of a server whose processes share no memory, and so run at once on both
 * hosts: workers of two threads, and children that only compute, one of which is killed now and
 * then. The machine dies while all of them compute; every connection goes on. bound: 200 */
import * as assert from 'uvu/assert';
import { Bed, plan } from '../../src/bed/bed.js';
import { suite } from '../support/suite.js';
import { compile } from './support/command.js';
import { endClient, keepOver, startKeepClient, untilInUse } from './support/keep-client.js';
import { endSides, giveKeys, startPair, untilState } from './support/pair.js';

const test = suite('sharing groups of a pair');
const program = compile('groups-server', '-O1', '-pthread');

const total = async (bed: Bed): Promise<number> => Number(await bed.run('client', ['bash', '-c',
  `exec 3<>/dev/tcp/${plan.vip}/80; echo total >&3; head -1 <&3`]));

test('processes that compute at once outlive the primary, with their connections', async () => {
  await using bed = await Bed.create();
  try {
    await giveKeys(bed);
    const sides = await startPair(bed, [program]);
    const client = startKeepClient(bed, { port: 80, kind: 'lines', connections: 4 });
    await untilInUse(client, sides);
    await untilState(bed, 'primary', ({ counters }) =>
      (counters as Record<string, number>)['forks']! > 4, [sides.primary, sides.backup]);
    await keepOver(bed, client, sides);
    const before = await total(bed);
    let after = before;
    for (let i = 0; i < 500 && after <= before; i++) after = await total(bed);
    assert.ok(after > before, 'the children that compute go on');
    await endClient(client, sides);
  } finally {
    await endSides();
  }
}, 150_000);

test.run();
