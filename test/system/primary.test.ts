/* primary.test.ts: a pair on one host without a network: what flows, what is held back, and how
 * each of the two ends when the other one stops, diverges, is refused, dies or goes silent.
 * bound: 400 */
import { setTimeout as delay } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { Divergence, LostRole, NotReplicable, OperatingError } from '../../src/errors.js';
import { suite } from '../support/suite.js';
import { FakePair, buildFake } from './support/engine.js';

const test = suite('pair');
let fake = '';
test.before(() => { fake = buildFake(); });

async function rejected(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(() => assert.unreachable('it should fail'), (error: unknown) => error);
}

test('both ends end with the status of the program, and every record arrived', async () => {
  await using pair = new FakePair(fake, ['count=20000', 'size=2000', 'hold=1', 'exit=7']);
  const [first, second] = await Promise.all([pair.primary(), pair.backup()]);
  assert.is(first.exitCode, 7);
  assert.is(second.exitCode, 7);
});

test('with commit mode verified output waits until the backup has executed it', async () => {
  await using pair = new FakePair(fake, ['count=100', 'size=50', 'echo=1', 'linger=1'], {
    primary: { commit: 'verified' },
  });
  void pair.primary();
  void pair.backup();
  const status = await pair.until('primary', 'through', (s) => s.watermarks.released === 100);
  assert.is(status.watermarks.recorded, 100);
  assert.is(status.watermarks.replayed, 100);
});

test('a backup that joins late gets the log from its first record', async () => {
  await using pair = new FakePair(fake, ['count=3000', 'size=2000', 'linger=1', 'exit=3'], {
    primary: { waitBackup: false },
  });
  const first = pair.primary();
  await pair.until('primary', 'running', (s) => s.watermarks.recorded === 3000);
  assert.is((await pair.status('primary')).protected, false);
  const second = pair.backup();
  await pair.until('primary', 'protected', (s) => s.protected);
  await pair.until('primary', 'followed', (s) => s.watermarks.replayed === 3000);
  await pair.ask('primary', 'stop');
  await first;
  assert.is((await second).exitCode, 3);
});

test('a stop on either side ends both, and neither takes over', async () => {
  for (const side of ['primary', 'backup'] as const) {
    await using pair = new FakePair(fake, ['count=10', 'linger=1']);
    const ends = [pair.primary(), pair.backup()];
    await pair.until('primary', 'protected', (s) => s.protected);
    await pair.ask(side, 'stop');
    for (const end of await Promise.all(ends)) assert.is(end.exitSignal, null);
  }
});

test('a divergence stops the backup by name, and the primary goes on unprotected', async () => {
  await using pair = new FakePair(fake, ['count=1000', 'size=90', 'linger=1', 'diverge=500']);
  void pair.primary();
  const error = await rejected(pair.backup());
  assert.instance(error, Divergence);
  assert.is((error as Divergence).exitCode, 3);
  assert.is((error as Divergence).divergence.seq, '500');
  const status = await pair.until('primary', 'unprotected', (s) => s.divergence !== null);
  assert.is(status.protected, false);
  assert.is(status.divergence?.seq, '500');
  assert.is(status.divergence?.call, 'write');
  assert.is(status.watermarks.recorded, 1000);
});

test('engines with different call tables refuse each other by name', async () => {
  await using pair = new FakePair(fake, ['count=10', 'linger=1']);
  void pair.primary();
  const error = await rejected(pair.backup({ tableHash: 0x1234 }));
  assert.instance(error, OperatingError);
  assert.is((error as OperatingError).reason, 'wrong-table');
  assert.match((error as Error).message, 'call table');
  const status = await pair.until('primary', 'telling', (s) => s['rejected'] === 1);
  assert.is(status.protected, false);
});

test('what the shim refuses on the backup is told on both sides', async () => {
  await using pair = new FakePair(fake, ['count=10', 'linger=1', 'refuse=1']);
  void pair.primary();
  const error = await rejected(pair.backup());
  assert.instance(error, NotReplicable);
  assert.match((error as Error).message, 'because the test says so');
});

test('a switchover makes the backup live with all that was recorded', async () => {
  await using pair = new FakePair(fake, ['count=500', 'size=90', 'linger=1']);
  const first = rejected(pair.primary());
  void pair.backup();
  await pair.until('primary', 'protected', (s) => s.protected && s.watermarks.recorded === 500);
  await pair.ask('primary', 'switchover');
  const status = await pair.until('backup', 'live', (s) => s.role === 'live' && !!s['takeover']);
  assert.is(status.watermarks.replayed, 500);
  assert.is((status['takeover'] as { cause: string }).cause, 'handover');
  const error = await first;
  assert.instance(error, LostRole);
  assert.is((error as LostRole).exitCode, 5);
});

test('the backup is live at once when the primary is killed, its steps in order', async () => {
  await using pair = new FakePair(fake, ['count=100000', 'size=90', 'pause=100']);
  const { child } = pair.apart('primary');
  void pair.backup();
  await pair.until('backup', 'following', (s) => s.protected && s.watermarks.received > 200);
  child.kill('SIGKILL');
  const status = await pair.until('backup', 'live', (s) => s.role === 'live' && !!s['takeover']);
  assert.is(status.watermarks.replayed, status.watermarks.received);
  assert.is(status.protected, false);
  const times = status['takeover'] as Record<string, number | string>;
  assert.is(times['cause'], 'lost');
  const steps = ['detectedNs', 'addressNs', 'storedNs', 'liveNs', 'openNs'].map((s) => times[s]);
  assert.equal(steps, [...steps].sort((a, b) => Number(a) - Number(b)));
});

test('a silent primary loses the role to its backup, and learns it when it wakes', async () => {
  const detect = { intervalMs: 100, count: 5 };
  await using pair = new FakePair(fake, ['count=100', 'linger=1'], {
    primary: { detect }, backup: { detect },
  });
  const { child, end } = pair.apart('primary');
  void pair.backup();
  await pair.until('backup', 'following', (s) => s.protected);
  child.kill('SIGSTOP');
  const status = await pair.until('backup', 'live', (s) => s.role === 'live' && !!s['takeover']);
  assert.is((status['takeover'] as { cause: string }).cause, 'silent');
  child.kill('SIGCONT');
  assert.is((await end)['code'], 'HS_LOST_ROLE');
});

test('with primary-continues the silent backup is dropped, and does not take over', async () => {
  const detect = { intervalMs: 100, count: 5 };
  await using pair = new FakePair(fake, ['count=100', 'linger=1'], {
    primary: { detect, onPartition: 'primary-continues' }, backup: { detect },
  });
  void pair.primary();
  const { child, end } = pair.apart('backup');
  await pair.until('primary', 'protected', (s) => s.protected);
  child.kill('SIGSTOP');
  const status = await pair.until('primary', 'alone', (s) => !s.protected && s.peer === null);
  assert.is(status['fenced'], false);
  child.kill('SIGCONT');
  assert.is((await end)['code'], 'HS_LOST_ROLE');
});

test('the primary goes on alone when its backup is killed, and takes a new one', async () => {
  await using pair = new FakePair(fake, ['count=200000', 'size=90', 'pause=100'], {
    primary: { waitBackup: false },
  });
  void pair.primary();
  const { child } = pair.apart('backup');
  await pair.until('primary', 'protected', (s) => s.protected);
  child.kill('SIGKILL');
  const alone = await pair.until('primary', 'alone', (s) => !s.protected);
  await pair.until('primary', 'going on', (s) => s.watermarks.recorded > alone.watermarks.recorded);
  pair.over.backup = { runtimeDir: `${pair.dir}/b2` };
  void pair.backup();
  await pair.until('primary', 'protected again', (s) => s.protected);
});

test('a slow backup slows the primary down to the bound on its lag', async () => {
  await using pair = new FakePair(fake, ['count=60000', 'size=90', 'slow=20', 'linger=1'], {
    primary: { maxLagRecords: 100 }, parts: { ringBytes: 1 << 22 },
  });
  void pair.primary();
  void pair.backup();
  await pair.until('primary', 'running', (s) => s.watermarks.recorded > 100);
  for (let look = 0; look < 20; look++) {
    const { behind } = await pair.status('primary');
    // The bound is on bytes, a quarter of a megabyte at least, and known ten milliseconds late.
    assert.ok(behind.bytes < 0x40000 * 3, `${behind.bytes} bytes behind`);
    await delay(20);
  }
});

test.run();
