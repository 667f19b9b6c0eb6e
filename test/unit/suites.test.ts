/* suites.test.ts: docs/suites.md is what the committed results of the public suites say, and a
 * cause names only programs that fail. */
import { readFileSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { causes } from '../suites/causes.js';
import { pageFile, pageText } from '../suites/page.js';
import { readResults } from '../suites/results.js';
import { suites } from '../suites/suites.js';
import { suite } from '../support/suite.js';

const test = suite('public suites');

test('the page is made from the committed results', () => {
  assert.is(readFileSync(pageFile, 'utf8'), pageText());
});

test('a cause names programs of a suite that fail', () => {
  for (const { why, programs } of causes) {
    for (const [name, wanted] of Object.entries(programs)) {
      assert.ok(suites.some((each) => each.name === name), `${name} is a suite`);
      const trials = readResults(name)?.trials ?? [];
      for (const program of wanted) {
        const trial = trials.find((each) => each.name === program);
        assert.is(trial?.outcome, 'fail', `${program}: ${why}`);
      }
    }
  }
});

test.run();
