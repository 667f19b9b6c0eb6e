/* What a primary may send, seen from the client's side of the wire: ACKs, windows, SACK, FIN, RST,
 * and SYN-ACKs, under bpf/enforce.bpf.c. Real kernel TCP between the hosts of a bed. */
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Bed, plan } from '../../src/bed/bed.js';
import { suite } from '../support/suite.js';
import {
  Hand, attachEnforce, buildPrograms, enforceHand, flag, role, until, vip,
} from './support/enforce.js';
import { Wire } from './support/wire.js';

let bed: Bed;
let hand: Hand;
/** The maps of the primary, and the network of the client: to speak as a client. */
let forger: Hand;
let wire: Wire;
let build: string;
const test = suite('enforce: a primary');

function peer(host: 'client' | 'primary'): Hand {
  return Hand.on(bed, host, [join(build, 'enforce-peer'), plan.serviceDevice]);
}

test.before(async () => {
  build = buildPrograms(['enforce-hand', 'enforce-peer']);
  bed = await Bed.create();
  await attachEnforce(bed, 'primary');
  hand = enforceHand(bed, 'primary', build);
  forger = enforceHand(bed, 'primary', build, 'client');
  wire = new Wire(hand, peer('client'), peer('primary'));
  await wire.server.ask('offload 0');
  await hand.ask(`set vip ${vip}`);
});

test.before.each(async () => {
  await hand.ask('reset 64');
  await hand.ask('set clamp 1');
  await hand.ask(`set role ${role.primary}`);
});

test.after(async () => {
  forger?.child.kill('SIGKILL');
  await bed?.close();
});

test('no ACK passes the limit, and the right edge of the window never moves back', async () => {
  const c = await wire.connect();
  await wire.client.ask(`send ${c.client} 300000`);
  await wire.receive(c, 10_000); // no more than a first flight comes without an ACK
  const { irs1 } = await until('an ACK is lowered', () => wire.slot(c), (s) =>
    (s.flags & flag.clamped) !== 0);
  assert.is((await wire.seen(c)).maxAck, irs1);

  for (const read of [1, 5000, 5001, 9999, 10_000]) {
    if ((await wire.limit(c, irs1 + read)).push) await wire.push(c);
    await until(`ACK of ${read}`, () => wire.seen(c), (s) =>
      s.maxAck === (irs1 + read) >>> 0);
    // the client sends more, and the kernel acknowledges more, and it must not show
    await wire.receive(c, 1000);
    assert.is((await wire.seen(c)).maxAck, (irs1 + read) >>> 0);
  }
  const seen = await wire.seen(c);
  assert.is(seen.shrinks, 0);
  assert.is(seen.bad, 0, 'every checksum is right');
  assert.is(seen.unchecked, 0, 'every checksum was looked at');
});

test('an upload larger than every buffer goes on as the limit moves, by pushed ACKs', async () => {
  const c = await wire.connect();
  const total = 8_000_000;
  const { irs1 } = await wire.slot(c);
  let [sent, read] = [0, 0];
  const end = Date.now() + 20_000;
  while (read < total && Date.now() < end) {
    if (sent < total) {
      sent += (await wire.client.ask(`send ${c.client} ${total - sent}`))['bytes'] ?? 0;
    }
    const { bytes = 0 } = await wire.server.ask(`recv ${c.server} 1000000`);
    read += bytes;
    if (bytes > 0 && (await wire.limit(c, (irs1 + read) >>> 0)).push) await wire.push(c);
  }
  assert.is(read, total);
  await until('all is acknowledged', () => wire.client.ask(`state ${c.client}`), (s) =>
    s['unacked'] === 0);
  const seen = await wire.seen(c);
  assert.is(seen.maxAck, (irs1 + total) >>> 0);
  assert.is(seen.bad + seen.shrinks, 0);
});

test('without pushed ACKs a lone sender waits: the flag says when one is needed', async () => {
  const c = await wire.connect();
  const { irs1 } = await wire.slot(c);
  await wire.client.ask(`send ${c.client} 1000`);
  await wire.receive(c, 1000);
  await until('the ACK is lowered', () => wire.slot(c), (s) => (s.flags & flag.clamped) !== 0);
  assert.is((await wire.limit(c, (irs1 + 1000) >>> 0)).push, 1);
  assert.is((await wire.client.ask(`state ${c.client}`))['unacked'], 1000);
  await wire.push(c);
  await until('acknowledged', () => wire.client.ask(`state ${c.client}`), (s) =>
    s['unacked'] === 0);
  assert.is((await wire.limit(c, (irs1 + 1000) >>> 0)).push, 0, 'nothing is held any more');
});

test('SACK blocks beyond a lowered ACK are blanked, and the checksum is right', async () => {
  const c = await wire.connect();
  await wire.client.ask(`send ${c.client} 100`);
  await wire.receive(c, 100);
  const slot = await until('the ACK is lowered', () => wire.slot(c), (s) =>
    (s.flags & flag.clamped) !== 0);
  // bytes 1100..1200 out of order, as if those before were lost
  const seq = (slot.irs1 + 1100) >>> 0;
  const stray = (later: number): Promise<unknown> => forger.ask(`segment ${slot.slot} ${seq} ` +
    `${slot.sndMax} 16 500 100 1 ${slot.tsecr + later} ${slot.tsval}`);
  await stray(1);
  await until('a SACK is blanked', () => hand.ask('settings'), (s) => (s['sackBlanked'] ?? 0) > 0);
  const lowered = await wire.seen(c);
  assert.is(lowered.sacks, 0);
  assert.is(lowered.bad, 0);
  assert.is(lowered.maxAck, slot.irs1);

  // with nothing to lower, SACK is the client's to have
  await wire.limit(c, (slot.irs1 + 100) >>> 0);
  await stray(2);
  await until('a SACK passes', () => wire.seen(c), (s) => s.sacks > 0);
});

test('FIN and RST of a killed server never reach the client', async () => {
  const doomed = peer('primary');
  const other = new Wire(hand, wire.client, doomed);
  const [quiet, unread] = [await other.connect(7101), await other.connect(7102)];
  await wire.client.ask(`send ${unread.client} 500`);
  await until('unread input', () => doomed.ask(`state ${unread.server}`), (s) =>
    s['unread'] === 500);
  const before = (await hand.ask('settings'))['finRstDropped'] ?? 0;
  doomed.child.kill('SIGKILL');
  await until('FIN and RST dropped', () => hand.ask('settings'), (s) =>
    (s['finRstDropped'] ?? 0) >= before + 2);
  for (const c of [quiet, unread]) {
    const seen = await wire.seen(c);
    assert.is(seen.fins + seen.rsts, 0);
    assert.is((await wire.client.ask(`state ${c.client}`))['state'], 1, 'still established');
  }
});

test('an orderly close reaches the client, and so does a half close', async () => {
  const c = await wire.connect();
  await wire.flag(c, flag.shutOk);
  await wire.server.ask(`shut ${c.server}`);
  await until('end of file', () => wire.client.ask(`recv ${c.client} 1`), (r) =>
    Boolean(r['eof']));
  const d = await wire.connect();
  await wire.client.ask(`send ${d.client} 10`);
  await until('unread input', () => wire.server.ask(`state ${d.server}`), (s) =>
    s['unread'] === 10);
  await wire.flag(d, flag.finOk);
  await wire.server.ask(`close ${d.server}`); // with unread input: a reset, and a wanted one
  await until('the reset', () => wire.seen(d), (s) => s.rsts > 0);
});

test('a refused connection is refused: a reset without a slot leaves', async () => {
  const c = await wire.dial(7999);
  await until('refused', () => wire.client.ask(`recv ${c.client} 1`), (r) => r['error'] === 111);
});

test('the client\'s acknowledgements and window are noted', async () => {
  const c = await wire.connect();
  const { iss1, peerMss } = await wire.slot(c);
  assert.is(peerMss, 1460);
  await wire.server.ask(`send ${c.server} 5000`);
  const slot = await until('acknowledged', () => wire.slot(c), (s) =>
    s.peerAck === (iss1 + 5000) >>> 0);
  assert.ok(slot.peerWindow > 10_000 && slot.peerWindow % 2 ** slot.peerWscale === 0);
  assert.is(slot.sndMax, (iss1 + 5000) >>> 0);
  assert.ok(slot.flags & flag.confirmed);
});

test('slot and socket agree, and noting a socket leaves it as it was', async () => {
  const c = await wire.connect();
  await wire.client.ask(`send ${c.client} 777`);
  await until('unread input', () => wire.server.ask(`state ${c.server}`), (s) =>
    s['unread'] === 777);
  const slot = await wire.slot(c);
  const note = await wire.server.ask(`note ${c.server}`);
  assert.is(note['result'], 0);
  assert.is(note['iss1'], slot.iss1);
  assert.is(note['irs1'], slot.irs1);
  assert.is(note['mss'], slot.peerMss);
  assert.is(note['wscale'], slot.wscale);
  assert.is(note['peerWscale'], slot.peerWscale);
  assert.is(note['options'], (slot.flags >> 16) & 7);
  assert.is(note['reuseBefore'], 1);
  assert.is(note['reuseAfter'], 1);
  assert.is((await wire.server.ask(`recv ${c.server} 1000`)).bytes, 777);
});

test('a held SYN-ACK leaves when user space lets it go, and only then', async () => {
  await hand.ask('set synHold 1');
  const port = 7201;
  await wire.server.ask(`listen ${plan.vip} ${port}`);
  const c = await wire.dial(port);
  await until('it is in the ring', () => hand.ask('held'), (h) => (h['held'] ?? 0) > 0);
  assert.is((await wire.seen(c)).segments, 0);
  assert.is((await wire.client.ask(`state ${c.client}`))['state'], 2, 'SYN sent');
  const slot = await wire.slot(c);
  assert.ok(slot.slot >= 0 && slot.peerMss === 1460 && slot.flags & flag.used);
  await hand.ask('release');
  await until('connected', () => wire.client.ask(`state ${c.client}`), (s) => s['state'] === 1);
  const seen = await wire.seen(c);
  assert.is(seen.synAcks, 1);
  assert.is(seen.bad, 0);
});

test('with no slot free a connection waits, and comes about when there is one', async () => {
  await hand.ask('reset 0');
  const port = 7202;
  await wire.server.ask(`listen ${plan.vip} ${port}`);
  const before = (await hand.ask('settings'))['slotsEmpty'] ?? 0;
  const c = await wire.dial(port);
  await until('counted', () => hand.ask('settings'), (s) => (s['slotsEmpty'] ?? 0) > before);
  assert.is((await wire.seen(c)).segments, 0);
  await hand.ask('reset 4');
  await until('connected', () => wire.client.ask(`state ${c.client}`), (s) => s['state'] === 1);
});

test('a fenced host sends nothing of the service, not even ARP', async () => {
  const c = await wire.connect();
  const before = await wire.seen(c);
  await hand.ask('set fenced 1');
  const dropped = (await hand.ask('settings'))['fenceDropped'] ?? 0;
  await wire.server.ask(`send ${c.server} 1000`);
  await hand.ask('announce');
  await hand.ask(`push ${(await wire.slot(c)).slot}`);
  await until('dropped', () => hand.ask('settings'), (s) =>
    (s['fenceDropped'] ?? 0) >= dropped + 4);
  const after = await wire.seen(c);
  assert.is(after.segments, before.segments);
  assert.is(after.arps, before.arps);
});

test.run();
