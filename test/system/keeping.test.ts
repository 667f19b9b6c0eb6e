/* keeping.test.ts: a server that keeps its state in files, killed as a pair. At the same record the
 * files of both hosts are equal to the byte; the copy that goes live knows them by their inodes,
 * takes no new file for an old one, and holds the locks that were held. bound: 200 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Bed, type HostName } from '../../src/bed/bed.js';
import { suite } from '../support/suite.js';
import { converse, programs } from './support/keep-client.js';
import { endSides, giveKeys, startPair, untilFollowed, untilState } from './support/pair.js';

const test = suite('state in files');
const files = ['log', 'table', 'index', 'lock'] as const;

async function ask(bed: Bed, lines: readonly string[]): Promise<string[]> {
  const script = `for line; do
      echo "$line" >&3; read -t 20 -r answer <&3 || answer='no answer'; echo "$answer"
    done`;
  const said = await converse(bed, script, ...lines);
  return said.trim().split('\n');
}

const puts = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, at) => `put ${from + at}`);

const numbers = (lines: readonly string[]): string[] => lines.map((line) => line.slice(4));

test('the files are equal, and stay whole over a takeover', async () => {
  await using bed = await Bed.create();
  try {
    await giveKeys(bed);
    // A few files more there: the same file has another inode on each host.
    for (const name of ['a', 'b', 'c']) await bed.writeFile('backup', `/srv/${name}`, name);
    const command = ['/usr/bin/python3', join(programs, 'keeping-server.py')];
    const { primary, backup } = await startPair(bed, command);
    const first = puts(1, 60);
    assert.equal(await ask(bed, [...first, 'check']), [...numbers(first), 'ok'], primary.words);

    await untilFollowed(bed, [primary, backup]);
    const read = (host: HostName, name: string): Buffer =>
      readFileSync(bed.path(host, `/srv/kept/${name}`));
    for (const name of files) {
      assert.ok(read('primary', name).equals(read('backup', name)), `${name} differs`);
    }

    await bed.powerCut('primary');
    await untilState(bed, 'backup', ({ role }) => role === 'live', [backup]);
    const then = puts(60, 100);
    assert.equal(await ask(bed, ['check', 'fresh', ...then, 'check', 'fresh']),
      ['ok', 'ok', ...numbers(then), 'ok', 'ok'], backup.words);
  } finally {
    await endSides();
  }
}, 120_000);

test.run();
