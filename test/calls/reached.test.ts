/* reached.test.ts: nothing in the call table is untested: each row is reached by a program of
 * this folder, each folder of programs has its test file. Recordings that other test files of
 * this folder made are used; what is missing or old is recorded here. bound: 600 */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { suite } from '../support/suite.js';
import { gaps } from './gaps.js';
import { buildPrograms, families, programsOf, reachedBy } from './support.js';

interface ConformanceRow {
  nr: number;
  name: string;
}

const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));
const rows = JSON.parse(readFileSync(here('CONFORMANCE.gen.json'), 'utf8')) as ConformanceRow[];

const test = suite('calls: reached');
test.before(buildPrograms);

test('every row of the call table is reached by a program', async () => {
  assert.ok(rows.length > 300, `${rows.length} rows are not the whole table`);
  const reached = new Set<string>();
  for (const program of families().flatMap(programsOf)) {
    if (gaps[`${program.family}/${program.name}`] !== undefined) continue;
    for (const name of Object.keys(await reachedBy(program))) reached.add(name);
  }
  const missing = rows.filter(({ name }) => !reached.has(name));
  assert.equal(missing.map(({ nr, name }) => `${name} (${nr})`), []);
}, 580_000);

test('every family of programs has its test file', () => {
  for (const family of families()) {
    assert.ok(existsSync(here(`${family}.test.ts`)), `${family}.test.ts is not there`);
  }
});

test.run();
