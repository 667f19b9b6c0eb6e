/* compat.test.ts: the list of programs is well formed and its page is fresh; three of the programs
 * are recorded, replayed and killed once each, with a short load. `npm run compat` does it with
 * all of them, longer. bound: 400 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Bed } from '../../src/bed/bed.js';
import { suite } from '../support/suite.js';
import { pairAndKill, recordAndReplay, type Plan } from './engine.js';
import { document, pagePath } from './page.js';
import { allPrograms, programNamed } from './programs/index.js';
import { readResults } from './results.js';

const test = suite('compatibility');
const seed = Number(process.env['HOTSWAP_SEED'] ?? Date.now() % 1e9);
console.log(`compatibility: seed ${seed} (repeat with HOTSWAP_SEED=${seed})`);

/** Each in another language; all of packages that the tests need anyway. */
const short = ['memcached', 'nginx', 'python-threads'];

test('the page is what the list and the results say', async () => {
  const page = existsSync(pagePath) ? readFileSync(pagePath, 'utf8') : '';
  assert.is(page, document(await allPrograms(), readResults()),
    'write it again: npm run compat -- --page');
});

test('every result belongs to a program of the list', async () => {
  const names = (await allPrograms()).map(({ name }) => name);
  assert.equal(readResults().map(({ name }) => name).filter((name) => !names.includes(name)), []);
});

for (const name of short) {
  test(`${name} is the same in a replay, and survives its host`, async () => {
    const program = await programNamed(name);
    const logDir = mkdtempSync(join(tmpdir(), 'hs-compat-'));
    await using bed = await Bed.create();
    const said: string[] = [];
    const plan: Plan = {
      bed, program, seed, seconds: 2, afterMs: 1500, logDir, command: '',
      say: (words) => said.push(words), signal: new AbortController().signal,
    };
    const record = await recordAndReplay(plan, 1);
    assert.equal(record.faults, []);
    const pair = await pairAndKill(plan, 1);
    assert.equal(pair.faults, []);
    rmSync(logDir, { recursive: true });
  }, 120_000);
}

test.run();
