/* handing.test.ts: an answer leaves also when whoever wrote it has closed its number, has ended, or
 * has become another program, before the backup has confirmed anything: by the connection's other
 * descriptors it is open still, and a kernel would have sent it. bound: 120 */
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Bed } from '../../src/bed/bed.js';
import { suite } from '../support/suite.js';
import { converse, programs } from './support/keep-client.js';
import { endSides, giveKeys, startPair, untilState } from './support/pair.js';

const test = suite('answers of who has let go');
const rounds = 40;

test('every answer leaves, in order', async () => {
  await using bed = await Bed.create();
  try {
    await giveKeys(bed);
    const command = ['/usr/bin/python3', join(programs, 'handing-server.py')];
    const { primary, backup } = await startPair(bed, command);
    await untilState(bed, 'primary', (state) => state.protected, [primary, backup]);
    const ask = `for ((i = 0; i < ${rounds}; i++)); do
        echo "line $i" >&3; read -t 20 -r answer <&3 || answer="nothing at $i"; echo "$answer"
        [ "\${answer#nothing}" = "$answer" ] || break
      done`;
    const said = await converse(bed, ask);
    const expected = Array.from({ length: rounds }, (_, at) => `line ${at} ${at % 5}`);
    assert.equal(said.trim().split('\n'), expected, `${primary.words} ${backup.words}`);
  } finally {
    await endSides();
  }
}, 90_000);

test.run();
