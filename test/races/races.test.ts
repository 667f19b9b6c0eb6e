/* races.test.ts: data races come out of a replay as they came out of the recording.
 * `npm run fuzz:races` runs them more often. bound: 600 */
import * as assert from 'uvu/assert';
import { Lanes } from '../support/lanes.js';
import { suite } from '../support/suite.js';
import { build, programs } from './programs.js';

const test = suite('races');
const lanes = new Lanes(1);
test.before(build);
test.after(() => lanes.close());

for (const { name, path } of programs()) {
  test(`${name}: what comes out of its races comes out again`, async () => {
    await lanes.runAll([{ command: [path] }], (_job, { kind, what }) => {
      assert.is(kind, 'equal', what);
    });
  }, 90_000);
}

test.run();
