/* ending.test.ts: a machine dies when the last that its program did was the end of a thread or of
 * a child, and all others wait: who ends finds that the log has ended, and those that wait serve.
 * bound: 240 */
import * as assert from 'uvu/assert';
import { Bed, plan } from '../../src/bed/bed.js';
import { suite } from '../support/suite.js';
import { compile } from './support/command.js';
import { endSides, giveKeys, startPair, untilState } from './support/pair.js';

const test = suite('ends at the end of the log');
const program = compile('ending-server');

/** A line for each connection of its own, and what came back of each. */
async function ask(bed: Bed, lines: readonly string[]): Promise<string[]> {
  const script = `for line; do
      until exec 3<>/dev/tcp/${plan.vip}/80; do sleep 0.1; done 2>/dev/null
      echo "$line" >&3; read -t 10 -r answer <&3 || answer='no answer'
      exec 3>&-
      echo "$answer"
    done`;
  const said = await bed.run('client', ['timeout', '40', 'bash', '-c', script, 'ask', ...lines]);
  return said.trim().split('\n');
}

const ends = {
  thread: 'a thread that ends', child: 'a child that ends', killed: 'a child that kills itself',
};

for (const [how, who] of Object.entries(ends)) {
  test(`after ${who} the others serve`, async () => {
    await using bed = await Bed.create();
    try {
      await giveKeys(bed);
      const { primary, backup } = await startPair(bed, [program]);
      assert.equal(await ask(bed, [how, how]), [how, how], primary.words);
      let seen: unknown;
      await untilState(bed, 'primary', ({ watermarks }) => {
        const { recorded, replayed } = watermarks as { recorded: number; replayed: number };
        const isStill = recorded === seen;
        seen = recorded;
        return isStill && recorded === replayed;
      }, [primary, backup]);
      await bed.powerCut('primary');
      await untilState(bed, 'backup', ({ role }) => role === 'live', [backup]);
      assert.equal(await ask(bed, ['thread', 'child']), ['thread', 'child'], backup.words);
    } finally {
      await endSides();
    }
  }, 80_000);
}

test.run();
