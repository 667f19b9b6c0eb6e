/* audit-pair.test.ts: the audit of whole pairs: a busy redis has nothing to hide, to the byte, on
 * neither host; and what each policy does with a finding. bound: 300 */
import * as assert from 'uvu/assert';
import { Bed, plan } from '../../src/bed/bed.js';
import { redisCommand } from '../../src/bed/subject.js';
import { suite } from '../support/suite.js';
import { audit, auditUntil, findings, plant, planted } from './support/audit.js';
import { until } from './support/command.js';
import {
  endSides, giveKeys, said, startBackup, startPair, startPrimary, untilState,
} from './support/pair.js';

const test = suite('audit of pairs');
let bed: Bed;

test.before(async () => {
  bed = await Bed.create();
  await giveKeys(bed);
});
test.after(() => bed?.close());
test.after.each(() => endSides());

test('a redis pair under 100,000 requests shows no bypass and no byte too many', async () => {
  const { primary } = await startPair(bed, redisCommand);
  await until(() => primary.stdout.includes('Ready to accept'), () => primary.words);
  const load = ['redis-benchmark', '-h', plan.vip, '-c', '20', '-n', '50000', '-q'];
  await bed.run('client', [...load, '-t', 'set,get', '-d', '100']);
  // Each request of 50,000 sets carries its 100 bytes and more.
  const { code, report } = await auditUntil(bed, ({ bytes }) =>
    bytes!.compared >= 40 && bytes!.deliveredBytes > 7_000_000);
  assert.is(code, 0);
  assert.equal([report.bypasses, report.refused, report.bytes!.different], [0, 0, 0]);
  const { deliveredBytes, recordedBytes, leftBytes, releasedBytes, unchecked } = report.bytes!;
  assert.equal([recordedBytes, releasedBytes, unchecked], [deliveredBytes, leftBytes, 0]);
  assert.equal(report.lost, { sites: 0, processes: 0, connections: 0 });
  const { report: copy } = await auditUntil(
    bed, ({ replay }) => replay.compared >= report.replay.compared, 'backup');
  assert.equal([copy.role, copy.bypasses, copy.bytes], ['backup', 0, null]);
  assert.ok(copy.calls > 100, `looked at ${copy.calls} calls of the copy`);
});

test('off looks at nothing, and says so', async () => {
  await planted(bed, ['borrow'], ['--audit', 'off']);
  const { code, report } = await audit(bed);
  assert.is(code, 4);
  assert.equal([report.isRunning, report.calls, report.why], [false, 0, 'the policy is off']);
});

test('refuse makes calls from outside the core fail, and counts them', async () => {
  await planted(bed, ['refused'], ['--audit', 'refuse']);
  const { code, report } = await audit(bed);
  // Turning dispatch off is what cannot be refused: the core's own instruction does it.
  assert.equal(report.byKind, {
    outside: 0, borrowed: 0, dispatch: 1, traced: 0, ring: 0, intruder: 0,
    refused: report.refused,
  });
  assert.equal([code, report.bypasses], [3, 1]);
  const found = findings(report);
  assert.ok(found.includes('refused getppid 5'), found.join('; '));
});

test('a program that hides nothing works under refuse as under report', async () => {
  const { primary, backup } = await startPair(bed, redisCommand, ['--audit', 'refuse']);
  await until(() => primary.stdout.includes('Ready to accept'), () => primary.words);
  await bed.run('client', ['redis-benchmark', '-h', plan.vip, '-n', '2000', '-q', '-t', 'set']);
  for (const host of ['primary', 'backup'] as const) {
    const { report } = await audit(bed, host);
    assert.equal([report.policy, report.bypasses, report.refused], ['refuse', 0, 0]);
  }
  assert.ok(primary.isRunning && backup.isRunning);
});

test('fatal ends the replica, and the primary goes on alone', async () => {
  const primary = startPrimary(bed, [plant, 'borrow'], { more: ['--audit', 'fatal'] });
  const backup = startBackup(bed);
  const ended = await backup.ended;
  assert.is.not(ended.code, 0, said(backup));
  const state = await untilState(bed, 'primary', (s) => !s.protected, [primary, backup]);
  assert.match(String(state['unprotectedWhy']), /the audit found getppid made through the shim's/);
  assert.ok(primary.isRunning);
  // And no other copy may join.
  const second = await startBackup(bed).ended;
  assert.match(said(second) + second.stderr, /the audit found getppid/);
});

test('fatal on the backup ends a copy whose host interferes, with status 4', async () => {
  const primary = startPrimary(bed, [plant, 'borrow']);
  const backup = startBackup(bed, { more: ['--audit', 'fatal'] });
  const ended = await backup.ended;
  assert.is(ended.code, 4, backup.words);
  assert.match(ended.stderr, /getppid made through the shim's own instruction.*not to be trusted/);
  const { report } = await audit(bed);
  assert.equal(findings(report), ['borrowed getppid 3']);
  assert.ok(primary.isRunning);
});

test('a copy that takes over does so without a finding', async () => {
  // Hosts of its own: the address has moved afterwards.
  await using own = await Bed.create();
  await giveKeys(own);
  const { primary, backup } = await startPair(own, redisCommand);
  await until(() => primary.stdout.includes('Ready to accept'), () => primary.words);
  const client = own.run('client', ['timeout', '30', 'redis-cli', '-h', plan.vip, '-r', '200',
    '-i', '0.01', 'incr', 'n']);
  await untilState(own, 'primary', (s) => Number(s['connections']) > 0, [primary, backup]);
  primary.kill('SIGKILL');
  assert.match(await client, /\b200\n$/);
  await untilState(own, 'backup', (s) => s.role === 'live', [backup]);
  const { code, report } = await audit(own, 'backup');
  assert.equal([code, report.role, findings(report)], [0, 'live', []]);
  assert.ok(backup.isRunning);
});

test.run();
