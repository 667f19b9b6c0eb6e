/* imports.test.ts: imports go one way: cli → cluster → engine → {channel, calls, addon}, and
 * cli → trace → {calls, addon, code}. That the tree keeps to it is part of tidy.test.ts. */
import * as assert from 'uvu/assert';
import { checkImports, checkParts } from '../../tools/tidy.js';
import { suite } from '../support/suite.js';

const test = suite('imports');

const faultOf = (file: string, line: string) => checkImports(file, `${line}\n`)[0]?.what;
const from = (path: string) => `import { x } from '${path}';`;

test('the way down is open', () => {
  assert.is(faultOf('src/cli/a.ts', from('../cluster/b.js')), undefined);
  assert.is(faultOf('src/cli/commands/a.ts', from('../../engine/b.js')), undefined);
  assert.is(faultOf('src/cluster/a.ts', from('../engine/b.js')), undefined);
  assert.is(faultOf('src/engine/a.ts', from('../channel/b.js')), undefined);
  assert.is(faultOf('src/engine/a.ts', from('bpf-loader')), undefined);
  assert.is(faultOf('src/trace/a.ts', from('../calls/b.js')), undefined);
  assert.is(faultOf('src/cli/a.ts', from('../bed/b.js')), undefined);
});

test('the way up is closed', () => {
  assert.is(faultOf('src/engine/a.ts', from('../cli/b.js')), 'engine may not import cli');
  assert.is(faultOf('src/engine/a.ts', from('../cluster/b.js')), 'engine may not import cluster');
  assert.is(faultOf('src/channel/a.ts', from('../engine/b.js')), 'channel may not import engine');
  assert.is(faultOf('src/calls/a.ts', from('bpf-loader')), 'calls may not import addon');
  assert.is(faultOf('src/bed/a.ts', from('../engine/b.js')), 'bed may not import engine');
});

test('parts beside each other do not know each other', () => {
  assert.is(faultOf('src/trace/a.ts', from('../engine/b.js')), 'trace may not import engine');
  assert.is(faultOf('src/engine/a.ts', from('../trace/b.js')), 'engine may not import trace');
});

test('every form of import counts', () => {
  const expected = 'engine may not import cli';
  assert.is(faultOf('src/engine/a.ts', "import '../cli/b.js';"), expected);
  assert.is(faultOf('src/engine/a.ts', "await import('../cli/b.js');"), expected);
  assert.is(faultOf('src/engine/a.ts', "} from '../cli/b.js';"), expected);
  assert.is(faultOf('src/engine/a.ts', "export * from '../cli/b.js';"), expected);
  assert.is(faultOf('src/engine/a.ts', "import type { x } from '../cli/b.js';"), expected);
});

test('settings, errors and log are open to all, and know nobody', () => {
  assert.is(faultOf('src/channel/a.ts', from('../errors.js')), undefined);
  assert.is(faultOf('src/config.ts', from('./log.js')), undefined);
  assert.is(faultOf('src/log.ts', from('./engine/a.js')), 'leaf may not import engine');
});

test('tests may import everything, and nothing imports tests', () => {
  assert.is(faultOf('test/unit/a.test.ts', from('../../src/engine/b.js')), undefined);
  assert.is(
    faultOf('src/cli/a.ts', from('../../test/support/suite.js')),
    'cli may not import tests and tools');
});

test('a new part of the tree must be given its place', () => {
  assert.equal(checkParts(['src/engine/a.ts', 'src/log.ts']), []);
  assert.is(checkParts(['src/novel/a.ts']).length, 1);
});

test.run();
