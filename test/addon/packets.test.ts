/* packets.test.ts: tc and xdp on a veth pair in a network namespace of this test: attached where
 * asked, counting, and afterwards everything as it was, also when the process merely ends. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import {
  ArgumentError, ClosedError, interfaceIndex, interfaceMac, open, packetSocket,
} from 'bpf-loader';
import { suite } from '../support/suite.js';
import { Cleanups, compileBpf, runFixture, thrown, unloaded } from './support.js';

const cleanups = new Cleanups();
const test = suite('packets');
test.after.each(() => cleanups.run());

const run = (command: string): string => {
  const [program = '', ...args] = command.split(' ');
  return execFileSync(program, args, { encoding: 'utf8' });
};

/** A namespace with v0 and v1, both up; the command prefix that runs in it, and the object file. */
function makePlace(name: string): { inside: string[]; object: string } {
  const namespace = `hst-${name}-${process.pid}`;
  run(`ip netns add ${namespace}`);
  cleanups.add(() => run(`ip netns del ${namespace}`));
  run(`ip -n ${namespace} link add v0 address 02:00:00:00:00:10 type veth peer name v1`);
  run(`ip -n ${namespace} link set v0 up`);
  run(`ip -n ${namespace} link set v1 up`);
  const folder = mkdtempSync(join(tmpdir(), 'hst-'));
  cleanups.add(() => rmSync(folder, { recursive: true }));
  const object = join(folder, 'packets.bpf.o');
  writeFileSync(object, compileBpf('packets'));
  return { inside: ['ip', 'netns', 'exec', namespace], object };
}

test('tc and xdp count frames, and leave qdiscs and filters as they were', async () => {
  const { inside, object } = makePlace('tc');
  const said = JSON.parse(runFixture(inside, 'fixture-packets.mjs', object)) as
    Record<string, unknown>;
  assert.ok(Number(said['index']) > 0);
  assert.is(said['mac'], '020000000010');
  assert.is(said['before'], false);
  assert.is(said['during'], true);
  assert.is(said['filter'], true, 'priority and handle as asked');
  assert.is(said['xdp'], true);
  const counted = said['counted'] as { tc: number; xdp: number };
  // Both ends of a veth also send a little of their own accord (IPv6).
  assert.ok(counted.tc >= 10 && counted.tc < 20, `tc ${counted.tc}`);
  assert.ok(counted.xdp >= 10 && counted.xdp < 20, `xdp ${counted.xdp}`);
  assert.is(said['afterClose'], 'ERR_CLOSED');
  assert.is(said['afterOne'], true, 'the other link still needs the qdisc');
  assert.is(said['afterBoth'], false);
  assert.is(said['xdpAfter'], false);
  assert.is(said['countedAfter'], 0);
  assert.is(said['strangersQdisc'], true);
  assert.is(said['strangersFilter'], true);
  assert.is(said['twice'], 'EEXIST');
  assert.is(said['gone'], 'ENODEV');
  for (const name of ['hst_tc', 'hst_tc_egress', 'hst_xdp']) await unloaded(name);
});

test('a process that ends without closing leaves nothing attached', async () => {
  const { inside, object } = makePlace('end');
  for (const way of ['exit', 'return']) {
    runFixture(inside, 'fixture-leaving.mjs', object, way);
    const [, , , namespace = ''] = inside;
    assert.not.match(run(`tc -n ${namespace} qdisc show dev v0`), /clsact/);
    assert.not.match(run(`ip -n ${namespace} link show dev v0`), /xdp/);
    await unloaded('hst_tc');
    await unloaded('hst_xdp');
  }
});

test('interfaces that are not there, and wrong targets, are refused', () => {
  for (const call of [interfaceIndex, interfaceMac, packetSocket]) {
    assert.is(thrown(() => call('no-such-if')).code, 'ENODEV');
    assert.is(thrown(() => call('a-name-that-is-far-too-long')).code, 'ENODEV');
    assert.instance(thrown(() => call('')), ArgumentError);
  }
  assert.equal(interfaceMac('lo'), Buffer.alloc(6));
  const socket = cleanups.own(packetSocket('lo'));
  assert.instance(thrown(() => socket.sendFrame(Buffer.alloc(5))), ArgumentError);
  socket.close();
  socket.close();
  assert.instance(thrown(() => socket.sendFrame(Buffer.alloc(60))), ClosedError);

  const object = cleanups.own(open(compileBpf('packets'), { name: 'packets' }).load());
  for (const target of [
    undefined, { ifname: 'lo' }, { ifname: 'lo', direction: 'sideways' },
    { ifname: 'lo', direction: 'ingress', priority: 70_000 },
    { ifname: 'lo', direction: 'ingress', replace: true },
  ]) assert.instance(thrown(() => object.attach('hst_tc', target as never)), ArgumentError);
  const missing = thrown(() => object.attach('hst_xdp', { ifname: 'no-such-if' }));
  assert.is(missing.code, 'ENODEV');
});

test.run();
