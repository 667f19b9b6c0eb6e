/* standstill.test.ts: under --schedule parallel a copy whose thread waits by a word in memory for
 * what will not come is found out, and its replay ends with a divergence. bound: 200 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { record, replay } from '../../src/engine/index.js';
import { suite } from '../support/suite.js';
import { buildPrograms, programsOf } from './support.js';

const test = suite('calls: a copy that stands still');
test.before(buildPrograms);

test('a thread that waits without a call for what does not come is a divergence', async () => {
  const program = programsOf('parallel').find(({ name }) => name === 'stands')!;
  const place = mkdtempSync(join(tmpdir(), 'hs-stands-'));
  const { signal } = new AbortController();
  try {
    const cwd = join(place, 'cwd');
    mkdirSync(cwd);
    const dir = join(place, 'log');
    const command = [program.path];
    const recorded = await record({ command, cwd, env: { PATH: '/usr/bin' }, outDir: dir,
      schedule: 'parallel', json: true, signal });
    assert.is(recorded.exitCode, 0);
    const { divergence } = await replay({ dir, signal },
      { standstill: { turns: 20, turnMs: 100 } });
    assert.match(divergence?.got ?? '', /none for 2 s: it waits for a word in memory/);
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}, 150_000);

test.run();
