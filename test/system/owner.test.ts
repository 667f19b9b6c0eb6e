/* owner.test.ts: a survivor serves, and the host of its old primary is back: who starts one there
 * is refused although answers come late, and one that slipped through is silent and ends as soon as
 * it hears. And two hosts with different processors.
 * bound: 280 */
import { readFileSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { Bed, plan } from '../../src/bed/bed.js';
import { suite } from '../support/suite.js';
import { refusal, replicate, until, type Running } from './support/command.js';
import {
  endSides, giveKeys, startBackup, startPair, startPrimary, untilSaid, untilState,
} from './support/pair.js';

const test = suite('who owns the address');
const program = ['/bin/sleep', '1000'];
const dev = plan.serviceDevice;
let bed: Bed;
let survivor: Running;

test.before(async () => {
  bed = await Bed.create();
  await giveKeys(bed);
  const { primary, backup } = await startPair(bed, program);
  survivor = backup;
  await until(async () => (await programs('primary')) !== '', () => primary.words);
  primary.kill('SIGKILL');
  await untilState(bed, 'backup', (state) => state.role === 'live', [primary, backup]);
  await until(async () => !(await hasAddress()), () => 'the killed primary loses the address');
});
test.before.each(async () => {
  for (const link of ['service', 'channel'] as const) await bed.cutLink('backup', link);
});
test.after.each(async () => {
  await endSides(survivor);
  await restoreLinks();
});
test.after(() => bed.close());

async function restoreLinks(): Promise<void> {
  for (const link of ['service', 'channel'] as const) await bed.restoreLink('backup', link);
}

const hasAddress = async (): Promise<boolean> =>
  (await bed.run('primary', ['ip', '-br', 'addr', 'show', 'dev', dev])).includes(plan.vip);

const programs = (host: 'primary' | 'backup'): Promise<string> =>
  bed.run(host, ['sh', '-c', 'pgrep -x sleep || true']);

/** A primary that hears nobody, and serves. */
async function mistaken(): Promise<Running> {
  const primary = startPrimary(bed, program, { isAlone: true, more: ['--detect', '50x3'] });
  await until(async () => (await programs('primary')) !== '', () => primary.words);
  assert.ok(await hasAddress());
  return primary;
}

async function assertGone(): Promise<void> {
  assert.is(await hasAddress(), false);
  assert.is(await programs('primary'), '');
  assert.ok(survivor.isRunning, survivor.words);
}

test('ARP is silent, and the survivor\'s engine says that it serves', async () => {
  const primary = startPrimary(bed, program, { isAlone: true });
  await untilSaid(primary, /waiting for a backup/);
  await bed.restoreLink('backup', 'channel');
  const sentence = refusal(await primary.ended, 4);
  assert.match(sentence, new RegExp(`${plan.channel.backup}:\\d+ serves ${plan.vip} since`));
  assert.match(sentence, /hs-replicate stop/);
  await assertGone();
});

test('its engine is silent, and ARP answers only when the preflight has given up', async () => {
  const primary = startPrimary(bed, program, { isAlone: true });
  await untilSaid(primary, /waiting for a backup/);
  await bed.restoreLink('backup', 'service');
  const sentence = refusal(await primary.ended, 4);
  assert.match(sentence, `${plan.vip} is in use on ${dev}, by ${plan.mac.backup}`);
  await assertGone();
});

test('a primary that serves by mistake ends when the survivor\'s engine reaches it', async () => {
  const primary = await mistaken();
  await bed.restoreLink('backup', 'channel');
  assert.match(refusal(await primary.ended, 5), `serves ${plan.vip} since it took over`);
  await assertGone();
});

test('one that serves by mistake ends when another host claims the address', async () => {
  const primary = await mistaken();
  await bed.restoreLink('backup', 'service');
  const claim = ['arping', '-A', '-c', '1', '-I', dev, '-s', plan.vip, plan.vip];
  // The first may meet a cable that is still coming up.
  await until(async () => {
    await bed.run('backup', claim).catch(() => undefined);
    return !primary.isRunning;
  }, () => primary.words);
  assert.match(refusal(await primary.ended, 5), `in use on ${dev}, by ${plan.mac.backup}`);
  await assertGone();
});

test('a role that was handed over is told as such, not as a rival\'s', async () => {
  survivor.kill('SIGTERM');
  await survivor.ended;
  await restoreLinks();
  const { primary, backup } = await startPair(bed, program);
  await until(async () => (await programs('primary')) !== '', () => primary.words);
  await bed.run('primary', replicate(['switchover', '--name', 'bed']));
  assert.match(refusal(await primary.ended, 5), /handed over to/);
  assert.is(await hasAddress(), false);
  await untilState(bed, 'backup', (state) => state.role === 'live', [backup]);
  // In order: the kernel of a survivor that was killed goes on answering for the address.
  backup.kill('SIGTERM');
  await backup.ended;
});

test('processors that differ are refused by both, with the flags, unless allowed', async () => {
  await restoreLinks();
  const real = readFileSync('/proc/cpuinfo', 'latin1');
  const forged = real.replaceAll(/ (sse4_2|popcnt)\b/g, '')
    .replaceAll(/^(flags\s*:.*)$/gm, '$1 sse4a');
  await bed.writeFile('backup', '/run/cpuinfo', forged);
  await bed.run('backup', ['mount', '--bind', '/run/cpuinfo', '/proc/cpuinfo']);
  const primary = startPrimary(bed, program);
  const sentence = refusal(await startBackup(bed).ended, 4);
  assert.match(sentence, /lacks popcnt, sse4_2, and has sse4a, which the primary's lacks/);
  await untilSaid(primary, /lacks popcnt, sse4_2, and has sse4a/);
  const allowed = startBackup(bed, { more: ['--processors', 'any'] });
  await untilSaid(primary, /\nprotected/);
  primary.kill('SIGINT');
  await Promise.all([primary.ended, allowed.ended]);
});

test.run();
