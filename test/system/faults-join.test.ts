/* faults-join.test.ts: two hosts that do not fit together, and hosts that are not as the command
 * line says: each is refused by both sides in one sentence, before a program runs.
 * bound: 280 */
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Bed, plan } from '../../src/bed/bed.js';
import { CALL_TABLE_HASH } from '../../src/calls/calls.gen.js';
import { suite } from '../support/suite.js';
import { makePlace, refusal, root, startOn, told, until, type Running } from './support/command.js';
import {
  channelPort, endSides, giveKeys, newKey, said, startBackup, startPrimary, untilSaid,
} from './support/pair.js';

const test = suite('faults of joining');
const place = makePlace('faults-join');
const program = ['/bin/sleep', '1000'];
let bed: Bed;
/** Takes half a minute, most of which is waiting: begun first, looked at last. */
let lonely: Running;
let lonelySinceMs = 0;

test.before(async () => {
  bed = await Bed.create({ visible: [place] });
  await giveKeys(bed);
  lonelySinceMs = performance.now();
  lonely = startBackup(bed, {
    connect: `${plan.channel.primary}:7999`, more: ['--runtime-dir', '/run/lonely'],
  });
});
test.after.each(() => endSides(lonely));
test.after(() => bed.close());

/** Ends a primary that waits, and asserts that this is all there was to end. */
async function endWaiting(primary: Running): Promise<void> {
  assert.ok(primary.isRunning, primary.words);
  primary.kill('SIGINT');
  const ended = await primary.ended;
  assert.is(ended.code, 130, told(ended));
}

test('another key: the backup is refused, the primary says so and waits on', async () => {
  await bed.writeFile('backup', '/run/other.key', newKey());
  const primary = startPrimary(bed, program);
  await untilSaid(primary, /waiting for a backup/);
  const wrong = await startBackup(bed, { keyFile: '/run/other.key' }).ended;
  assert.match(refusal(wrong, 1), /TLS with 10\.78\.0\.2:7400 was refused.*the keys differ/);
  await untilSaid(primary, /TLS with 10\.78\.0\.3:\d+ was refused.*the keys differ/);
  const right = startBackup(bed);
  await untilSaid(primary, /protected/);
  primary.kill('SIGINT');
  await Promise.all([primary.ended, right.ended]);
});

test('a key file that others can read, a missing one and a wrong one are refused', async () => {
  await bed.writeFile('primary', '/run/open.key', newKey(), 0o644);
  await bed.writeFile('backup', '/run/open.key', newKey(), 0o644);
  const open = { keyFile: '/run/open.key' };
  const [primary, backup] = [startPrimary(bed, program, open), startBackup(bed, open)];
  for (const side of [primary, backup]) {
    assert.match(refusal(await side.ended, 2), /open\.key .*chmod 600 \/run\/open\.key/);
  }
  const none = startBackup(bed, { keyFile: '/run/none.key' });
  assert.match(refusal(await none.ended, 2), /none\.key does not exist/);
  await bed.writeFile('backup', '/run/short.key', 'abcdef\n');
  const short = startBackup(bed, { keyFile: '/run/short.key' });
  assert.match(refusal(await short.ended, 2), /short\.key is not a pairing key/);
});

/** A copy of the programs that says another number of itself. */
function otherInstallation(name: string, file: string, from: RegExp, to: string): string {
  const copy = join(place, name);
  mkdirSync(copy);
  for (const part of ['bin', 'dist', 'package.json']) {
    cpSync(join(root, part), join(copy, part), { recursive: true });
  }
  for (const part of ['node_modules', 'shim', 'bpf', 'tools', 'addon']) {
    symlinkSync(join(root, part), join(copy, part));
  }
  const target = join(copy, 'dist/src', file);
  const text = readFileSync(target, 'utf8');
  assert.match(text, from);
  writeFileSync(target, text.replace(from, to));
  return copy;
}

test('another version and another call table are refused by both, with both numbers', async () => {
  const table = CALL_TABLE_HASH.toString(16).padStart(8, '0');
  const others = [
    {
      installation: otherInstallation('version', 'channel/layout.js',
        /HS_VERSION = \d+;/, 'HS_VERSION = 77;'),
      here: /version.*77/, there: /version.*77/,
    },
    {
      installation: otherInstallation('table', 'calls/calls.gen.js',
        /CALL_TABLE_HASH = \w+;/, 'CALL_TABLE_HASH = 0x0badcafe;'),
      here: new RegExp(`call table.*(${table}.*0badcafe|0badcafe.*${table})`),
      there: new RegExp(`call table.*(${table}.*0badcafe|0badcafe.*${table})`),
    },
  ];
  const primary = startPrimary(bed, program);
  await untilSaid(primary, /waiting for a backup/);
  for (const { installation, here, there } of others) {
    const backup = await startBackup(bed, { installation }).ended;
    assert.match(refusal(backup, 1), here);
    await untilSaid(primary, there);
  }
  await endWaiting(primary);
});

test('a file of the program that differs is named by both', async () => {
  const path = '/opt/program';
  await bed.run('primary', ['cp', '/bin/sleep', path]);
  await bed.run('backup', ['cp', '/bin/true', path]);
  const primary = startPrimary(bed, [path, '1000']);
  const backup = await startBackup(bed).ended;
  assert.match(refusal(backup, 4), /\/opt\/program differs from the one on the primary/);
  await untilSaid(primary, /\/opt\/program differs/);
  await endWaiting(primary);
});

test('a port in use is refused with its number, and nothing is left', async () => {
  const script = `require('net').createServer().listen(${channelPort}, '${plan.channel.primary}',
    () => console.log('listening'))`;
  const holder = startOn(bed, 'primary', [process.execPath, '-e', script]);
  await until(() => holder.stdout.includes('listening'), () => holder.words);
  const ended = await startPrimary(bed, program).ended;
  assert.match(refusal(ended, 1), /cannot listen on 10\.78\.0\.2:7400 \(EADDRINUSE\)/);
  holder.kill('SIGKILL');
  await holder.ended;
  assert.is(await bed.run('primary', ['sh', '-c', 'ls /run/hotswap']), '');
});

test('an interface that is not there is refused by its name', async () => {
  const primary = startPrimary(bed, program, { dev: 'eth9' });
  const backup = startBackup(bed, { dev: 'eth9' });
  for (const side of [primary, backup]) {
    assert.match(refusal(await side.ended, 2), /no network interface eth9/);
  }
});

test('an address that another host has is refused, with who has it', async () => {
  await bed.run('client', ['ip', 'addr', 'add', '10.77.0.50/24', 'dev', plan.serviceDevice]);
  const primary = startPrimary(bed, program, { vip: '10.77.0.50/24' });
  const sentence = refusal(await primary.ended, 4);
  assert.match(sentence, `10.77.0.50/24 is in use on svc0, by ${plan.mac.client}`);
  assert.not.match(await bed.run('primary', ['ip', 'addr']), '10.77.0.50');
});

test('an address that is on the backup itself is refused by both', async () => {
  const vip = '10.77.0.51/24';
  const primary = startPrimary(bed, program, { vip });
  // Before it has the address it would take the backup's kernel for its owner.
  await until(() => bed.run('primary', ['ip', 'addr']).then((text) => text.includes('10.77.0.51')),
    () => primary.words);
  await bed.run('backup', ['ip', 'addr', 'add', vip, 'dev', plan.serviceDevice]);
  const backup = await startBackup(bed).ended;
  assert.match(refusal(backup, 1), /10\.77\.0\.51 is on svc0 of this host already: "ip addr del/);
  await untilSaid(primary, /10\.77\.0\.51 is on svc0/);
  assert.match(await bed.run('backup', ['ip', 'addr']), '10.77.0.51', 'not ours to remove');
  await endWaiting(primary);
  assert.not.match(await bed.run('primary', ['ip', 'addr']), '10.77.0.51');
});

test('with nobody to connect to, the backup gives up after a bounded time', async () => {
  const ended = await lonely.ended;
  const tookMs = performance.now() - lonelySinceMs;
  const sentence = refusal(ended, 1);
  assert.match(sentence, /no channel to 10\.78\.0\.2:7999 after \d+ attempts: .*ECONNREFUSED/);
  assert.ok(tookMs > 10_000, `it gave up after ${Math.round(tookMs)} ms`);
  assert.is(said(ended), '');
  assert.is(await bed.run('backup', ['sh', '-c', 'ls /run/lonely']), '');
});

test.run();
