/* places.test.ts: what the shim maps at addresses of its own: no two things share one. What is
 * mapped there with MAP_FIXED would take the place of the other without a word. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { repositoryRoot } from '../../../src/bed/bed.js';
import { suite } from '../../support/suite.js';

const test = suite('places of the shim');

const sources = readdirSync(join(repositoryRoot(), 'shim'), { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.[ch]$/.test(name));

test('no two things are mapped at one address', () => {
  const places = new Map<string, string>();
  for (const name of sources) {
    const text = readFileSync(join(repositoryRoot(), 'shim', name), 'utf8');
    for (const [, address] of text.matchAll(/\b0x([23][0-9a-f]0{10})ul\b/g)) {
      assert.not.ok(places.has(address!), `${address}: ${places.get(address!)} and ${name}`);
      places.set(address!, name);
    }
  }
  assert.ok(places.size > 8, 'places are written as 0x2.0000000000ul');
});

test.run();
