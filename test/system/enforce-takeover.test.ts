/* Takeover trials: byte-exact streams through the death of the primary, and a control without the
 * ACK clamp that must fail. TRIALS and SEED in the environment run more, or one again.
 * bound: 900 */
import * as assert from 'uvu/assert';
import { suite } from '../support/suite.js';
import { Trials, summary, type TrialOptions, type TrialResult } from './support/trial.js';

const count = Number(process.env['TRIALS'] ?? 30);
const firstSeed = Number(process.env['SEED'] ?? 1);
const options: TrialOptions = {
  connections: 20, bytes: 1_500_000, killWithinMs: 80, clamp: true, delayUs: 3000, seconds: 20,
};

let trials: Trials;
const test = suite('takeover trials');

test.before(async () => {
  trials = await Trials.open();
});

test.after(async () => {
  await trials?.close();
});

async function runTrials(many: number, using: TrialOptions): Promise<TrialResult[]> {
  const results: TrialResult[] = [];
  for (let i = 0; i < many; i++) results.push(await trials.run(firstSeed + i, using));
  console.log(`\n${using.clamp ? 'clamped' : 'control'}: ${summary(results)}`);
  return results;
}

test('no stream of 20 loses, repeats or damages a byte when the primary dies', async () => {
  const results = await runTrials(count, options);
  const bad = results.filter((result) => result.verdict !== 'OK');
  assert.equal(bad, [], `${bad.length} of ${count} trials failed; SEED= runs one again`);
  const early = results.filter((result) => result.early).length;
  assert.ok(early < count / 2, `${early} of ${count} clients were done before the kill`);
}, 20_000 + count * 5_000);

test('without the clamp clients hang: the trials can fail', async () => {
  const results = await runTrials(4, { ...options, clamp: false, seconds: 3 });
  const hung = results.filter((result) => result.verdict === 'HUNG').length;
  assert.ok(hung > 0, 'every trial went well without the clamp: they do not test it');
});

test.run();
