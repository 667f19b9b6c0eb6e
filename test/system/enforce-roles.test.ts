/* A host that does not serve: silence of a backup, and the asking of a takeover, under
 * bpf/enforce.bpf.c. The client's connection is real; the primary is cut off in the middle. */
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Bed, plan } from '../../src/bed/bed.js';
import { suite } from '../support/suite.js';
import {
  Hand, attachEnforce, buildPrograms, enforceHand, flag, optionFlags, role, until, vip,
} from './support/enforce.js';
import { Wire, type Connection, type Slot } from './support/wire.js';

let bed: Bed;
let primary: Hand;
let backup: Hand;
let wire: Wire;
const test = suite('enforce: a backup');

test.before(async () => {
  const build = buildPrograms(['enforce-hand', 'enforce-peer']);
  bed = await Bed.create();
  const peer = (host: 'client' | 'primary'): Hand =>
    Hand.on(bed, host, [join(build, 'enforce-peer'), plan.serviceDevice]);
  for (const host of ['primary', 'backup'] as const) await attachEnforce(bed, host);
  primary = enforceHand(bed, 'primary', build);
  backup = enforceHand(bed, 'backup', build);
  wire = new Wire(primary, peer('client'), peer('primary'));
  for (const hand of [primary, backup]) await hand.ask(`set vip ${vip}`);
});

test.before.each(async () => {
  await primary.ask('reset 64');
  await primary.ask(`set role ${role.primary}`);
  await backup.ask('reset 64');
  await backup.ask(`set role ${role.backup}`);
});

test.after.each(async () => {
  await bed.run('backup', ['sysctl', '-qw', 'net.ipv4.conf.all.arp_ignore=1']);
  await bed.restoreLink('primary');
  await settle(primary, 'primary');
});

test.after(async () => {
  await bed?.close();
});

/** The address moves to the backup's machine, which has no sockets. */
async function moveAddress(to: number): Promise<void> {
  await bed.cutLink('primary');
  await backup.ask(`set role ${to}`);
  await bed.run('backup', ['sysctl', '-qw', 'net.ipv4.conf.all.arp_ignore=0']);
  await settle(backup, 'backup');
}

/** Announces until the client, if it knows the address at all, has it at that host. */
async function settle(hand: Hand, host: 'primary' | 'backup'): Promise<void> {
  await until(`the client finds the address at the ${host}`, async () => {
    await hand.ask('announce');
    return bed.run('client', ['ip', 'neigh', 'show', plan.vip]);
  }, (entry) => !entry.includes('lladdr') || entry.includes(plan.mac[host]));
}

/** The backup learns of a connection, as it would from the log. */
async function adopt(c: Connection, slot: Slot): Promise<number> {
  const numbers = `${c.raddr} ${c.rport} ${c.lport} ${slot.iss1} ${slot.irs1}`;
  const made = await backup.ask(`adopt ${numbers} ` +
    `${slot.flags & optionFlags} ${slot.wscale} ${slot.peerWscale} ${slot.peerMss} ${slot.tsval}`);
  assert.ok((made['flags'] ?? 0) & flag.unrestored);
  return made['slot'] ?? -1;
}

const counter = async (name: string): Promise<number> =>
  (await backup.ask('settings'))[name] ?? 0;

test('a client that is asked says exactly what it has, and hears nothing else', async () => {
  const c = await wire.connect();
  await wire.server.ask(`send ${c.server} 3000`);
  await wire.client.ask(`send ${c.client} 700`);
  await wire.receive(c, 700);
  const last = await until('acknowledged', () => wire.slot(c), (s) =>
    s.peerAck === (s.iss1 + 3000) >>> 0);
  const before = await wire.seen(c);
  const at = await adopt(c, last);
  await moveAddress(role.takeover);

  await backup.ask(`ask ${at} 0 700`); // as if the log knew of no acknowledgement at all
  const answered = await until('the answer', () => backup.ask(`slot ${at}`), (s) =>
    (s['answers'] ?? 0) > 0);
  assert.is(answered['peerAck'], last.peerAck);
  assert.ok((answered['peerWindow'] ?? 0) > 10_000);
  assert.ok(((answered['tsval'] ?? 0) - last.tsval | 0) >= 0, 'a timestamp the client has seen');

  await wire.client.ask(`send ${c.client} 100`); // into the void: no socket, and no reset for it
  const ignored = await counter('ignored');
  await until('dropped', () => counter('ignored'), (n) => n > ignored);
  const after = await wire.seen(c);
  assert.is(after.segments - before.segments, 1, 'the question, and nothing else');
  assert.is(after.rsts, 0);
  assert.is(after.bad, 0);
  assert.is((await wire.client.ask(`state ${c.client}`))['state'], 1);
});

test('a client that knows no such connection says so at once', async () => {
  const c = await wire.connect();
  const discard = 9 << 8; // a port it never had, in network order: what a dead client is like
  const at = await adopt({ ...c, rport: discard }, await wire.slot(c));
  await moveAddress(role.takeover);
  await backup.ask(`ask ${at} 0 0`);
  await until('its reset', () => backup.ask(`slot ${at}`), (s) =>
    ((s['flags'] ?? 0) & flag.reset) !== 0);
  assert.is((await backup.ask(`slot ${at}`))['answers'], 0);
});

for (const [name, as] of [['a backup', role.backup], ['a takeover', role.takeover]] as const) {
  test(`${name} resets nobody: neither strangers nor new connections`, async () => {
    const c = await wire.connect();
    await moveAddress(role.takeover); // so that the client's frames come here
    await backup.ask(`set role ${as}`);
    const before = await counter('ignored');
    await wire.client.ask(`send ${c.client} 10`);
    const fresh = await wire.dial(7300);
    await until('both dropped', () => counter('ignored'), (n) => n >= before + 2);
    assert.is((await wire.seen(c)).rsts, 0);
    assert.is((await wire.seen(fresh)).segments, 0);
  });
}

test('a host that serves alone refuses what it does not know, but no unrestored one', async () => {
  const [known, unknown] = [await wire.connect(), await wire.connect()];
  const at = await adopt(known, await wire.slot(known));
  await moveAddress(role.live);
  await wire.client.ask(`send ${unknown.client} 10`);
  await until('reset', () => wire.seen(unknown), (s) => s.rsts > 0);
  await wire.client.ask(`send ${known.client} 10`);
  await until('dropped', () => counter('ignored'), (n) => n > 0);
  assert.is((await wire.seen(known)).rsts, 0);
  assert.is((await wire.client.ask(`state ${known.client}`))['state'], 1);
  assert.is((await backup.ask(`slot ${at}`))['peerAck'], (await wire.slot(known)).iss1);
});

test('a backup does not answer for the address', async () => {
  const silenced = await counter('silenced');
  await backup.ask('announce');
  assert.ok(await counter('silenced') >= silenced + 2);
});

test.run();
