/* random.test.ts: some random programs, each recorded and replayed: no divergence, the same output,
 * the same memory. `npm run fuzz:programs` runs as many as one likes. bound: 400
 * The rule: the seeds are the same each time; what a new seed finds becomes a test of its own. */
import * as assert from 'uvu/assert';
import { Lanes } from '../support/lanes.js';
import { suite } from '../support/suite.js';
import { build, commandOf, planOf, repeatOf } from './programs.js';

const firstSeed = 1;
const seeds = 40;

const test = suite('random programs');
const lanes = new Lanes(2);
test.before(build);
test.after(() => lanes.close());

test(`seeds ${firstSeed} to ${firstSeed + seeds - 1} come out again`, async () => {
  const jobs = Array.from({ length: seeds }, (_, index) => {
    const plan = planOf(firstSeed + index);
    return { plan, command: commandOf(plan) };
  });
  await lanes.runAll(jobs, ({ plan }, { kind, what }) => {
    assert.is(kind, 'equal', `${what}; again: ${repeatOf(plan)}`);
  });
}, 360_000);

test.run();
