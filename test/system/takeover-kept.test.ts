/* takeover-kept.test.ts: what clients of one server see when its machine dies in the middle of
 * things: connections closed, half-closed, reset or not yet accepted at that moment, in each commit
 * mode. One takeover per mode; each test looks at another of its connections. bound: 280 */
import * as assert from 'uvu/assert';
import { Bed, plan } from '../../src/bed/bed.js';
import { suite } from '../support/suite.js';
import { compile, root } from './support/command.js';
import { Hand } from './support/enforce.js';
import { endSides, giveKeys, startBackup, startPrimary, untilState } from './support/pair.js';

const test = suite('kept over a takeover');
const program = compile('takeover-server');
const port = {
  echo: 7001, closes: 7002, shuts: 7003, replies: 7004, late: 7005, oneshot: 7006, udp: 7007,
  control: 7009,
} as const;
const slowBytes = 3_000_000;

interface Read { bytes: number; exact: boolean; eof: boolean; error: string | null }
type Counts = Record<'accepted' | 'hups' | 'resets' | 'eofs' | 'udp' | 'oneshots' | 'alarms' |
  'posix' | 'timerfd', number>;
const timersMs = 6000;

/** The client's host: sockets by name. */
class Client {
  readonly #hand: Hand;
  constructor(bed: Bed) {
    const script = `${root}/test/system/programs/takeover-client.py`;
    this.#hand = Hand.on(bed, 'client', ['python3', script]);
  }

  order<T = Record<string, number>>(op: string, fields: object = {}): Promise<T> {
    return this.#hand.ask<T>(JSON.stringify({ op, ...fields }), 25_000);
  }

  connect(name: string, to: keyof typeof port, more: object = {}): Promise<unknown> {
    return this.order('connect', { name, host: plan.vip, port: port[to], ...more });
  }

  read(name: string, n: number): Promise<Read> {
    return this.order<Read>('read', { name, n });
  }

  counts(text = 'status'): Promise<Counts> {
    return this.order<Counts>('ask', { name: 'control', text });
  }
}

const isFollowed = (state: object): boolean => {
  const { watermarks } = state as { watermarks: { recorded: number; received: number } };
  return watermarks.received === watermarks.recorded;
};

/** A program that may not raise its limit of descriptors, and has it near those that are hidden. */
const limited = ['prlimit', '--nofile=20000:20000', 'setpriv', '--bounding-set=-sys_resource'];

async function takeover(bed: Bed, client: Client, commit: string): Promise<void> {
  const command = [...(commit === 'verified' ? limited : []), program, plan.vip];
  const primary = startPrimary(bed, command, { more: ['--commit', commit] });
  const backup = startBackup(bed);
  const sides = [primary, backup];
  await untilState(bed, 'primary', (state) => state.protected, sides);
  await client.connect('control', 'control');
  await prepare(client);
  await client.counts(`timers ${timersMs}`);
  if (commit === 'async') {
    await untilState(bed, 'primary', isFollowed, sides);
    await loseRecords(bed, client);
  }
  await bed.powerCut('primary');
  // Its client is gone for good before anybody can ask it: the reset goes to the dead machine.
  await client.order('reset', { name: 'gone' });
  await untilState(bed, 'backup', (state) => {
    const { takeover: times } = state as { takeover?: unknown };
    return state.role === 'live' && Boolean(times);
  }, [backup]);
}

/** Without output commit a client may be answered out of what the backup never hears of. */
async function loseRecords(bed: Bed, client: Client): Promise<void> {
  await bed.cutLink('primary', 'channel');
  await client.order('send', { name: 'echo', n: 50_000 });
  const read = await client.read('echo', 50_000);
  assert.equal(read, { bytes: 50_000, exact: true, eof: false, error: null });
}

/** Connections in every state, before the machine dies. */
async function prepare(client: Client): Promise<void> {
  for (const name of ['echo', 'gone']) {
    await client.connect(name, 'echo');
    await client.order('send', { name, n: 100_000 });
    const read = await client.read(name, 100_000);
    assert.equal(read, { bytes: 100_000, exact: true, eof: false, error: null });
  }
  for (const [name, to] of [['closed', 'closes'], ['shut', 'shuts']] as const) {
    await client.connect(name, to, { rcvbuf: 8192 });
    await client.order('say', { name, text: `${slowBytes}\n` });
    await client.read(name, 20_000);
  }
  await client.connect('shutDone', 'shuts');
  await client.order('say', { name: 'shutDone', text: '5000\n' });
  assert.is((await client.read('shutDone', -1)).eof, true);
  await client.connect('half', 'replies');
  await client.order('send', { name: 'half', n: 70_000 });
  await client.order('shut', { name: 'half' });
  const seen = async (): Promise<Counts> => client.counts();
  for (let i = 0; i < 200 && (await seen()).eofs < 1; i++) continue;
  assert.is((await seen()).eofs, 1);
  await client.connect('once', 'oneshot');
  await client.order('send', { name: 'once', n: 1000 });
  assert.is((await client.read('once', 1000)).bytes, 1000);
  assert.is((await seen()).oneshots, 1);
  await client.counts('timers 1');
  const fired = ({ alarms, posix, timerfd }: Counts): number => alarms + posix + timerfd;
  for (let i = 0; i < 500 && fired(await seen()) < 3; i++) continue;
  assert.is(fired(await seen()), 3);
}

const beds = new Set<Bed>();
test.after(async () => {
  await endSides();
  await Promise.all([...beds].map((bed) => bed.close()));
});

for (const commit of ['logged', 'async'] as const) {
  let bed: Bed;
  let client: Client;
  test(`${commit}: the machine dies, and the copy takes over`, async () => {
    bed = await Bed.create();
    beds.add(bed);
    await giveKeys(bed);
    client = new Client(bed);
    await takeover(bed, client, commit);
  }, 90_000);

  test(`${commit}: a connection in use goes on, to the byte`, async () => {
    await client.order('send', { name: 'echo', n: 300_000 });
    const read = await client.read('echo', 300_000);
    assert.equal(read, { bytes: 300_000, exact: true, eof: false, error: null });
  }, 60_000);

  test(`${commit}: a connection whose client is gone looks reset, and epoll says so`, async () => {
    let counts = await client.counts();
    for (let i = 0; i < 200 && counts.resets < 1; i++) counts = await client.counts();
    assert.is(counts.resets, 1, JSON.stringify(counts));
    assert.is(counts.hups, 1);
  }, 60_000);

  test(`${commit}: what the program sent before it closed still arrives, and the end`, async () => {
    const read = await client.read('closed', -1);
    assert.equal(read, { bytes: slowBytes - 20_000, exact: true, eof: true, error: null });
  }, 60_000);

  test(`${commit}: the same when it shut its sending side, and it still reads`, async () => {
    const read = await client.read('shut', -1);
    assert.equal(read, { bytes: slowBytes - 20_000, exact: true, eof: true, error: null });
    const before = await client.counts();
    for (const name of ['shut', 'shutDone']) {
      await client.order('send', { name, n: 50_000 });
      await client.order('shut', { name });
    }
    let after = await client.counts();
    for (let i = 0; i < 500 && after.eofs < before.eofs + 2; i++) after = await client.counts();
    assert.is(after.eofs, before.eofs + 2);
  }, 60_000);

  test(`${commit}: a client that had shut its side gets its answer, and the end`, async () => {
    await client.counts('reply');
    const read = await client.read('half', -1);
    assert.equal(read, { bytes: 300_000, exact: true, eof: true, error: null });
  }, 60_000);

  test(`${commit}: what was to go off once and has, waits until it is armed again`, async () => {
    await client.order('send', { name: 'once', n: 500 });
    // Its bytes are there when another connection, asked after them, has been answered.
    await client.order('send', { name: 'echo', n: 1000 });
    await client.read('echo', 1000);
    assert.is((await client.counts()).oneshots, 1);
    assert.is((await client.counts('arm')).oneshots, 1);
    assert.is((await client.read('once', 500)).bytes, 500);
    assert.is((await client.counts()).oneshots, 2);
  }, 60_000);

  test(`${commit}: each timer goes off once, and not before its time`, async () => {
    let counts = await client.counts();
    const until = performance.now() + 15_000;
    const isDone = ({ alarms, posix, timerfd }: Counts): boolean => alarms + posix + timerfd >= 6;
    while (!isDone(counts) && performance.now() < until) counts = await client.counts();
    assert.equal([counts.alarms, counts.posix, counts.timerfd], [2, 2, 2]);
  }, 60_000);

  test(`${commit}: nothing is left`, async () => {
    await endSides();
    await bed.close();
  }, 60_000);
}

test.run();
