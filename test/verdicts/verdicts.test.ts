/* verdicts.test.ts: the verdict of hs-trace is true: for a few subjects of the truth table, which
 * `npm run verdicts` runs as a whole, and of which docs/verdicts.md is the last. bound: 400 */
import { readFileSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { suite } from '../support/suite.js';
import { judgeSubject } from './run.js';
import { buildPrograms, subjects } from './subjects.js';

const test = suite('truth of verdicts');
test.before(buildPrograms);

/** One for each verdict, and one for each way of being refused. */
const fast: readonly (readonly [string, string])[] = [
  ['clock', 'replicable'],
  ['threads', 'replicable with --schedule serial'],
  ['shared', 'replicable with --schedule serial'],
  ['hardware', 'replicable'],
  ['uring', 'not replicable'],
  ['filter', 'not replicable'],
  ['requests', 'not replicable'],
];

for (const [name, verdict] of fast) {
  test(`${name}: the verdict is true`, async () => {
    const subject = subjects.find((each) => each.name === name)!;
    const row = await judgeSubject(subject);
    assert.is(row.verdict, verdict, JSON.stringify(row));
    assert.is(row.judgement, 'right', JSON.stringify(row));
  }, 120_000);
}

test('the page has every subject, and no false verdict', () => {
  const page = readFileSync(new URL('../../docs/verdicts.md', import.meta.url), 'utf8');
  const rows = page.split('\n').filter((line) => line.startsWith('| ')).slice(1);
  const names = rows.map((row) => row.split(' | ')[0]!.replace('| ', ''));
  assert.equal(names.sort(), subjects.map(({ name }) => name).sort());
  assert.equal(rows.filter((row) => row.endsWith('| FALSE |')), []);
});

test.run();
