/* fuzz.test.ts: random small calls; what each returns and leaves in memory repeats in replay.
 * HS_FUZZ_SEED names the first seed; a failure names the one that reproduces it. bound: 600 */
import { buildPrograms, expectSame, programsOf, threeWays } from './support.js';
import { suite } from '../support/suite.js';

const first = Number(process.env['HS_FUZZ_SEED'] ?? 1);
const seeds = 6;
const rounds = 2000;

const test = suite('calls: fuzz');
test.before(buildPrograms);

for (const program of programsOf('fuzz')) {
  for (let seed = first; seed < first + seeds; seed++) {
    test(`${program.name} with seed ${seed} repeats in replay`, async () => {
      const runs = await threeWays(program, [String(seed), String(rounds)]);
      expectSame(runs);
    }, 120_000);
  }
}

test.run();
