/* terminal.test.ts: a shell on a pseudo terminal of the program's own, and the machine dies. The
 * copy's terminal is set as the other was, holds what was typed and not read yet, and controls the
 * shell's session: an interrupt reaches what runs in the foreground. bound: 160 */
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Bed } from '../../src/bed/bed.js';
import { suite } from '../support/suite.js';
import { converse, programs } from './support/keep-client.js';
import { endSides, giveKeys, startPair, untilFollowed, untilState } from './support/pair.js';

const test = suite('pseudo terminals');

/** What the terminal shows after each of these was typed, up to the mark behind the bar. */
async function type(bed: Bed, typed: readonly string[]): Promise<string[]> {
  const said = await converse(bed, `for line; do
      printf '%s\\n' "$line" >&3; read -t 20 -r answer <&3 || answer=; echo "$answer"
    done`, ...typed);
  return said.trimEnd().split('\n').map((hex) => Buffer.from(hex, 'hex').toString('latin1'));
}

test('a shell goes on where it was', async () => {
  await using bed = await Bed.create();
  try {
    await giveKeys(bed);
    const command = ['/usr/bin/python3', join(programs, 'terminal-server.py')];
    const { primary, backup } = await startPair(bed, command);
    const words = (): string => `${primary.words} ${backup.words}`;
    await type(bed, [
      String.raw`stty rows 33 cols 77; bind "set enable-bracketed-paste off"; echo A$((1))\n|A1`,
      String.raw`kept=here; sh -c 'stty -echo; echo B$((2)); read it; echo $it; sleep 1000'\n|B2`,
      String.raw`half|`,
    ]);
    await untilFollowed(bed, [primary, backup]);
    await bed.powerCut('primary');
    await untilState(bed, 'backup', ({ role }) => role === 'live', [backup]);
    const shown = await type(bed, [
      String.raw`way\n|halfway`,
      String.raw`\x03stty -echo; echo D$((4))\n|D4`,
      String.raw`echo $kept $(stty size)E$((5))\n|E5`,
      String.raw`tty; echo F$((6))\n|F6`,
    ]);
    assert.is(shown[0]?.trim(), 'halfway', `${JSON.stringify(shown)} ${words()}`); // no echo
    assert.match(shown[1]!, /\nD4/, `${JSON.stringify(shown)} ${words()}`);
    assert.match(shown[2]!, /here 33 77E5/, JSON.stringify(shown));
    assert.match(shown[3]!, /\/dev\/pts\/0\r\nF6/, JSON.stringify(shown));
  } finally {
    await endSides();
  }
}, 140_000);

test.run();
