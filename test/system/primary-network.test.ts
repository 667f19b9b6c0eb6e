/* primary-network.test.ts: a pair of hosts around a real redis: what a client of the service sees
 * when the primary's engine is killed, when only the two hosts lose each other, and at a stop; and
 * what is left on the hosts afterwards. bound: 300 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { Bed, plan, repositoryRoot, type HostName } from '../../src/bed/bed.js';
import { startSubject } from '../../src/bed/subject.js';
import { statusSchema, type PairStatus } from '../../src/engine/control-protocol.js';
import { suite } from '../support/suite.js';

const test = suite('pair on a network');
const logDir = mkdtempSync(join(tmpdir(), 'hs-network-'));
test.after(() => rmSync(logDir, { recursive: true, force: true }));

const command = join(repositoryRoot(), 'bin/hs-replicate.js');
// Other work shares this machine: a busy host must not look dead.
const detect = ['--detect', '200x4'];

async function start(): Promise<Bed> {
  const bed = await Bed.create();
  try {
    await startSubject(bed, 'logged', { logDir, primaryOptions: detect, backupOptions: detect });
    return bed;
  } catch (error) {
    await bed.close();
    throw error;
  }
}

const replicate = (bed: Bed, host: HostName, ...words: string[]): Promise<string> =>
  bed.run(host, [process.execPath, command, ...words, '--name', 'bed', '--json']);

async function until(
  bed: Bed, host: HostName, what: string, isReached: (status: PairStatus) => boolean,
): Promise<PairStatus> {
  const deadline = performance.now() + 20_000;
  for (;;) {
    const text = await replicate(bed, host, 'status').catch(() => '{}');
    const status = statusSchema.safeParse(JSON.parse(text));
    if (status.success && isReached(status.data)) return status.data;
    if (performance.now() > deadline) throw new Error(`${host} is not ${what}: ${text}`);
    await delay(20);
  }
}

const isLive = (status: PairStatus): boolean => status.role === 'live' && !!status['takeover'];

const redis = async (bed: Bed, ...words: string[]): Promise<string> =>
  (await bed.run('client', ['timeout', '20', 'redis-cli', '-h', plan.vip, ...words])).trim();

const addresses = (bed: Bed, host: HostName): Promise<string> =>
  bed.run(host, ['ip', '-br', 'addr', 'show', 'dev', plan.serviceDevice]);

/** A connection that counts, and says at its end what it saw. */
function counting(bed: Bed, rounds: number): Promise<string[]> {
  const argv = ['redis-cli', '-h', plan.vip, '-r', String(rounds), '-i', '0.01', 'incr', 'n'];
  return bed.run('client', ['timeout', '40', ...argv]).then((text) => text.trim().split('\n'));
}

test('a connection lives through the death of the primary engine, and loses nothing', async () => {
  await using bed = await start();
  await redis(bed, 'set', 'before', 'here');
  const counted = counting(bed, 200);
  const { pid } = await until(bed, 'primary', 'serving', (s) => s.connections >= 1);
  await bed.run('primary', ['kill', '-KILL', String(pid)]);
  const status = await until(bed, 'backup', 'live', isLive);
  assert.is(status.protected, false);
  assert.equal(await counted, Array.from({ length: 200 }, (_, i) => String(i + 1)));
  assert.is(await redis(bed, 'get', 'before'), 'here');
  // The address went with the engine: nobody on that host answers for it any more.
  assert.not.match(await addresses(bed, 'primary'), plan.vip);
}, 90_000);

test('hosts that lose only each other never both serve, and the old one ends', async () => {
  await using bed = await start();
  await redis(bed, 'set', 'before', 'here');
  const counted = counting(bed, 200);
  await until(bed, 'primary', 'serving', (s) => s.connections >= 1);
  await bed.cutLink('primary', 'channel');
  await until(bed, 'backup', 'live', isLive);
  assert.equal(await counted, Array.from({ length: 200 }, (_, i) => String(i + 1)));
  // The service's network tells it: the survivor has announced itself there.
  const deadline = performance.now() + 30_000;
  while ((await addresses(bed, 'primary')).includes(plan.vip)) {
    assert.ok(performance.now() < deadline, 'the old primary keeps the address');
    await delay(50);
  }
  assert.is(await redis(bed, 'get', 'before'), 'here');
}, 120_000);

test('a stop leaves nothing on either host', async () => {
  await using bed = await start();
  await replicate(bed, 'primary', 'stop');
  for (const host of ['primary', 'backup'] as const) {
    const deadline = performance.now() + 20_000;
    for (;;) {
      const left = await bed.run(host, ['sh', '-c',
        `pgrep -fa 'hs-replicate|hs-start|redis-server|hotswap-guard' | grep -v pgrep; ` +
        `tc filter show dev ${plan.serviceDevice} egress; ls /run/hotswap`]).catch(() => '');
      if (left.trim() === '') break;
      assert.ok(performance.now() < deadline, `left on ${host}: ${left}`);
      await delay(50);
    }
  }
  // As the bed had made them.
  assert.match(await addresses(bed, 'primary'), plan.vip);
  const ignore = await bed.run('backup', ['cat', '/proc/sys/net/ipv4/conf/all/arp_ignore']);
  assert.is(ignore.trim(), '1');
}, 90_000);

test.run();
