/* redis-pair.test.ts: a real redis as a pair of real hosts loses its primary, in each commit mode
 * that promises that nothing is lost; the control loses its connections. `npm run torture` does
 * this at random moments, many times. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Bed } from '../../src/bed/bed.js';
import type { SubjectKind } from '../../src/bed/subject.js';
import { runTrial, type Fault, type TrialResult } from '../../src/bed/trial.js';

const test = suite('redis pair');
const seed = Number(process.env['HOTSWAP_SEED'] ?? Date.now() % 1e9);
console.log(`redis pair: seed ${seed} (repeat with HOTSWAP_SEED=${seed})`);
const logDir = mkdtempSync(join(tmpdir(), 'hs-redis-pair-'));

async function trial(
  subject: SubjectKind, fault: Fault, mode: 'mixed' | 'bulk',
): Promise<TrialResult> {
  await using bed = await Bed.create();
  const connections = mode === 'bulk' ? 8 : 24;
  const load = { connections, seed, mode, thinkMs: mode === 'bulk' ? 1 : 4 };
  return await runTrial(bed, { subject, fault, logDir, load, beforeMs: 700, afterMs: 2000 });
}

function nothingLost({ report, twoHosts, hasTakenOver }: TrialResult): void {
  const { connections, bytes, writes, data } = report;
  assert.is(hasTakenOver, true, 'the backup took over');
  assert.is(twoHosts, false, 'never did two hosts speak');
  assert.is(connections.kept, connections.opened, 'connections kept');
  assert.equal([bytes.wrong, writes.lost, data.isEqual], [0, 0, true]);
  assert.is(report.ok, true);
}

test('a pair with commit mode logged loses nothing when the power is cut', async () => {
  nothingLost(await trial('logged', 'power', 'mixed'));
});

test('nor in the middle of bulk transfers', async () => {
  nothingLost(await trial('logged', 'power', 'bulk'));
});

test('nor when only the processes are killed', async () => {
  nothingLost(await trial('logged', 'process', 'mixed'));
});

test('a pair with commit mode verified loses nothing either', async () => {
  nothingLost(await trial('verified', 'power', 'mixed'));
});

test('control: a single redis loses every connection', async () => {
  const { report } = await trial('native', 'power', 'mixed');
  assert.is(report.ok, false);
  assert.is(report.connections.kept, 0);
});

test.after(() => rmSync(logDir, { recursive: true }));
test.run();
