/* bed.test.ts: the test bed is what it says: hosts that see only their own, two networks that fail
 * apart, a power cut that is silent, and nothing left behind. bound: 240 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, existsSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { Bed, plan } from '../../src/bed/bed.js';
import { programPid } from '../../src/bed/host.js';
import { startSubject } from '../../src/bed/subject.js';
import { sweepStale } from '../../src/bed/sweep.js';
import { runTrial, type Fault } from '../../src/bed/trial.js';
import { suite } from '../support/suite.js';

const test = suite('bed');
const root = fileURLToPath(new URL('../..', import.meta.url));

/** Holders of hosts whose tag names this maker. */
function hostsOf(pid: number): number[] {
  return readdirSync('/proc').filter((entry) => /^\d+$/.test(entry)).map(Number).filter((each) => {
    try {
      return readFileSync(`/proc/${each}/cmdline`, 'latin1').includes(`hs-bed:${pid}:`);
    } catch {
      return false;
    }
  });
}

async function until(isReached: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!(await isReached())) {
    if (performance.now() > deadline) throw new Error(`not within 10 s: ${what}`);
    await delay(10);
  }
}

/** Does the VIP (or another address) answer ARP, and with which address? */
async function arp(bed: Bed, host: 'client' | 'primary', device: string, address: string) {
  const argv = ['arping', '-c', '1', '-w', '1', '-I', device, address];
  const answer = await bed.run(host, argv).catch(() => '');
  return /\[([0-9a-fA-F:]+)\]/.exec(answer)?.[1]?.toLowerCase();
}

test('hosts have their own names, processes, files and addresses', async () => {
  await using bed = await Bed.create();
  assert.is((await bed.run('backup', ['hostname'])).trim(), 'backup');
  assert.is((await bed.run('primary', ['hostname'])).trim(), 'primary');
  const processes = await bed.run('primary', ['ps', '-e', '-o', 'pid=']);
  assert.ok(processes.trim().split('\n').length <= 3, processes);
  const file = `/var/lib/hotswap-written-by-${process.pid}`;
  await bed.run('primary', ['sh', '-c', `echo hello > ${file} && echo own > /etc/hostname`]);
  assert.is(existsSync(file), false);
  const seen = await bed.run('backup', ['sh', '-c', `cat ${file} 2>/dev/null || echo none`]);
  assert.is(seen, 'none\n');
  await bed.run('primary', ['test', '-f', join(root, 'package.json')]);
  assert.match(await bed.run('primary', ['ip', 'addr']), plan.vip);
});

test('only the primary answers for the service address', async () => {
  await using bed = await Bed.create();
  assert.is(await arp(bed, 'client', plan.serviceDevice, plan.vip), plan.mac.primary);
  await bed.cutLink('primary', 'service');
  assert.is(await arp(bed, 'client', plan.serviceDevice, plan.vip), undefined);
});

test('the two networks fail apart, and come back', async () => {
  await using bed = await Bed.create();
  await bed.cutLink('primary', 'service');
  assert.is(await arp(bed, 'client', plan.serviceDevice, plan.service.primary), undefined);
  assert.ok(await arp(bed, 'primary', plan.channelDevice, plan.channel.backup));
  await bed.restoreLink('primary', 'service');
  assert.ok(await arp(bed, 'client', plan.serviceDevice, plan.service.primary));
  await bed.cutLink('primary', 'channel');
  assert.is(await arp(bed, 'primary', plan.channelDevice, plan.channel.backup), undefined);
  assert.ok(await arp(bed, 'client', plan.serviceDevice, plan.service.primary));
});

test('kill() reaches the program on the host, and its end is reported', async () => {
  await using bed = await Bed.create();
  const child = bed.spawn('primary', ['sh', '-c', 'trap "exit 7" TERM; echo up; read x']);
  await once(child.stdout ?? child, 'data');
  child.kill('SIGTERM');
  child.stdin?.end();
  const [code] = (await once(child, 'close')) as [number | null];
  assert.is(code, 7);
});

test('a power cut kills everything at once, and not a packet leaves after it', async () => {
  await using bed = await Bed.create();
  await startSubject(bed, 'native', { logDir: await bedLogs() });
  const script = 'exec 3<>/dev/tcp/$0/6379; echo connected; cat <&3; echo ended';
  const client = bed.spawn('client', ['bash', '-c', script, plan.vip]);
  let heard = '';
  client.stdout?.on('data', (chunk: Buffer) => (heard += chunk.toString()));
  await until(() => heard.includes('connected'), 'the connection');
  await bed.powerCut('primary');
  const left = await bed.run('primary', ['ps', '-e', '-o', 'comm=']);
  assert.not.match(left, 'redis');
  // The connection must neither end nor be reset: a machine without power says nothing.
  const state = await bed.run('client', ['ss', '-tnH', 'dst', plan.vip]);
  assert.match(state, 'ESTAB');
  assert.is(heard.trim(), 'connected');
});

test('reset gives fresh hosts in the same bed', async () => {
  await using bed = await Bed.create();
  await bed.writeFile('primary', '/etc/mark', 'x');
  await bed.powerCut('primary');
  await bed.reset();
  assert.is(existsSync(bed.path('primary', '/etc/mark')), false);
  assert.is(await arp(bed, 'client', plan.serviceDevice, plan.vip), plan.mac.primary);
  await bed.powerCut('primary');
  assert.is(await arp(bed, 'client', plan.serviceDevice, plan.vip), undefined);
});

test('two beds do not see each other', async () => {
  await using one = await Bed.create();
  await using other = await Bed.create();
  await one.cutLink('primary', 'all');
  assert.is(await arp(one, 'client', plan.serviceDevice, plan.vip), undefined);
  assert.ok(await arp(other, 'client', plan.serviceDevice, plan.vip));
});

test('close removes every process, and may be called twice', async () => {
  const bed = await Bed.create();
  const child = bed.spawn('client', ['sleep', '1000']);
  const ended = once(child, 'exit');
  await until(() => programPid(child) !== undefined, 'the program');
  const pid = programPid(child);
  await bed.close();
  await bed.close();
  await ended;
  assert.is(existsSync(`/proc/${pid}`), false);
  assert.equal(hostsOf(process.pid), []);
});

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  test(`a maker that ends by ${signal} leaves nothing`, async () => {
    const script = `import { Bed } from ${JSON.stringify(join(root, 'src/bed/bed.ts'))};
      const bed = await Bed.create();
      bed.spawn('primary', ['sleep', '1000'], { stdio: 'ignore' });
      console.log('made'); setInterval(() => undefined, 1000);`;
    const argv = ['--import', 'tsx', '--input-type=module', '-e', script];
    const stdio = ['ignore', 'pipe', 'inherit'] as const;
    const maker = spawn(process.execPath, argv, { cwd: root, stdio: [...stdio] });
    const lines = createInterface({ input: maker.stdout });
    await once(lines, 'line');
    assert.ok(hostsOf(maker.pid ?? 0).length > 0);
    maker.kill(signal);
    await once(maker, 'exit');
    await until(() => hostsOf(maker.pid ?? 0).length === 0, 'the hosts are gone');
  });
}

test('the sweep ends a host whose maker is gone, and no other', async () => {
  await using bed = await Bed.create();
  // No process has this id: it is above the kernel's greatest (PID_MAX_LIMIT).
  const tag = 'hs-bed:4194305:1:hs-4194305-1:primary';
  const argv = ['-c', 'read x; read y', tag];
  const stale = spawn('bash', argv, { stdio: ['pipe', 'ignore', 'ignore'] });
  await once(stale, 'spawn');
  const ended = once(stale, 'exit');
  await until(() => hostsOf(4194305).length === 1, 'the stale host');
  assert.ok(sweepStale() >= 1);
  assert.is(((await ended) as [unknown, string])[1], 'SIGKILL');
  assert.is((await bed.run('primary', ['hostname'])).trim(), 'primary');
});

/** A trial with a plain redis: what the client must say when there is nobody to take over. */
async function control(fault: Fault) {
  await using bed = await Bed.create();
  const logDir = await bedLogs();
  return await runTrial(bed, {
    subject: 'native', fault, logDir, beforeMs: 500, afterMs: 300,
    load: { connections: 24, seed: 3, drainMs: 2000 },
  });
}

async function bedLogs(): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), 'hotswap-bed-test-'));
  process.once('exit', () => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

test('without a fault the client finds nothing wrong with a redis', async () => {
  const { report, twoHosts } = await control('none');
  assert.equal(report.mismatches, []);
  assert.equal(report.data.samples, []);
  assert.is(report.ok, true);
  assert.is(report.connections.kept, 24);
  assert.ok(report.ops > 100);
  assert.is(twoHosts, false);
});

test('without a backup the death of the machine loses every connection and the data', async () => {
  const { report, hasTakenOver } = await control('power');
  assert.is(report.ok, false);
  assert.is(report.connections.lost, 24);
  assert.is(report.errors.resets + report.errors.closes, 0, 'a dead machine says no goodbye');
  assert.ok(report.writes.lost > 0);
  assert.is(hasTakenOver, false);
});

test('a cable that was out for a moment costs a pause and nothing else', async () => {
  const { report } = await control('partition');
  assert.is(report.ok, true, JSON.stringify(report.mismatches));
  assert.ok((report.blackoutMs.all?.max ?? 0) >= 300);
});

test.run();
