// The channel over loopback: everything arrives, in order, and every way it can fail has a name
// on both sides.

import { spawn, type ChildProcess } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect as tcpConnect, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';

import { RECORD } from '../../../src/channel/layout.js';
import { suite } from '../../support/suite.js';
import { KEY, Pair, hello, rejection, withPair } from './pair.js';
import { makeRun, packRun, runSeed, seeded, someRecord } from './records.js';

const test = suite('channel');
const seed = runSeed('channel');

/** Starts channel-peer.ts; `lines` gives what it prints. Killed by the caller. */
async function startPeer(mode: string): Promise<{
  child: ChildProcess;
  port: number;
  lastLine: Promise<string>;
}> {
  const script = fileURLToPath(new URL('./channel-peer.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', script, mode, KEY.toString('hex')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout! });
  const [port] = (await once(lines, 'line')) as [string];
  let last = '';
  lines.on('line', (line) => (last = line));
  return { child, port: Number(port), lastLine: once(lines, 'close').then(() => last) };
}

test('a million records of mixed size reach another process whole and in order', withPair(
  async (pair) => {
    const peer = await startPeer('count');
    try {
      const channel = await pair.connect(peer.port);
      const random = seeded(seed);
      const hash = createHash('sha256');
      const block = Buffer.from(makeRun(1, 10000, random).bytes.buffer);
      // The same block a hundred times with new numbers: making a million would be the whole test.
      const offsets = [0];
      while (offsets.at(-1)! < block.length) {
        offsets.push(offsets.at(-1)! + (block.readUInt32LE(offsets.at(-1)! + 4) + 1) * 8);
      }
      offsets.pop();
      for (let seq = 1; seq <= 1e6; ) {
        const bytes = Buffer.from(block);
        for (const at of offsets) bytes.writeUInt32LE(seq++, at + RECORD.seq);
        hash.update(bytes);
        for (let at = 0; at < bytes.length; at += 0x40000) {
          channel.send(bytes.subarray(at, at + 0x40000));
        }
        await pair.near.until('room to send', () => !channel.needDrain);
      }
      channel.sendControl({ kind: 'stop', reason: 'that was all' });
      await pair.near.until('the peer has all', () => pair.near.controls.length > 0, 60000);
      assert.equal(pair.near.controls, [{ kind: 'caughtUp', seq: 1e6 }]);
      channel.close();
      const result = JSON.parse(await peer.lastLine);
      const sha256 = hash.digest('hex');
      assert.equal(result, { records: 1e6, lastSeq: 1e6, inOrder: true, sha256 });
      assert.equal(pair.near.closes, [{ kind: 'local' }]);
    } finally {
      peer.child.kill('SIGKILL');
    }
  },
));

test('a killed peer is a lost connection, at once', withPair(async (pair) => {
  const peer = await startPeer('sink');
  try {
    const channel = await pair.connect(peer.port);
    channel.send(makeRun(1, 100, seeded(seed)).bytes);
    peer.child.kill('SIGKILL');
    await pair.near.until('the loss is seen', () => pair.near.closes.length > 0, 5000);
    assert.is(pair.near.closes[0]!.kind, 'lost');
    assert.is(pair.near.closes[0]!.error?.reason, 'lost');
    assert.is(channel.open, false);
    assert.is(channel.sendControl({ kind: 'goodbye' }), false);
  } finally {
    peer.child.kill('SIGKILL');
  }
}));

test('a stopped peer is silent after the bound, and heard again when it goes on', withPair(
  async (pair) => {
    const peer = await startPeer('sink');
    try {
      const channel = await pair.connect(peer.port, { silentMs: 150, keepaliveMs: 50 });
      peer.child.kill('SIGSTOP');
      await pair.near.until('silence', () => pair.near.silences > 0, 5000);
      assert.ok(channel.silent);
      peer.child.kill('SIGCONT');
      channel.sendControl({ kind: 'stop', reason: 'answer, please' });
      await pair.near.until('an answer', () => pair.near.controls.length > 0, 5000);
      assert.is(channel.silent, false);
      assert.is(pair.near.silences, 1);
      assert.is(pair.near.closes.length, 0);
    } finally {
      peer.child.kill('SIGKILL');
    }
  },
));

test('keepalives alone keep an idle channel from being silent', withPair(async (pair) => {
  await pair.open({ silentMs: 400, keepaliveMs: 20 });
  const { near, far } = pair;
  const heard = () => near.channel.stats.controls! > 30 && far.channel.stats.controls! > 30;
  const poll = setInterval(() => near.tell(), 10);
  try {
    await near.until('thirty keepalives each way', heard, 10000);
  } finally {
    clearInterval(poll);
  }
  assert.equal([near.silences, far.silences, near.controls, far.controls], [0, 0, [], []]);
}));

test('another key is refused on both sides, by name', withPair(async (pair) => {
  const port = await pair.listen();
  const error = await rejection(pair.connect(port, { key: randomBytes(32), attempts: 5 }));
  assert.is(error.reason, 'wrong-key');
  assert.match(error.message, /keys differ/);
  await pair.far.until('the server noted it', () => pair.rejected.length > 0);
  assert.equal(pair.rejected.map(({ reason }) => reason), ['wrong-key']);
  assert.is(pair.server!.rejected, 1);
  assert.is(pair.far.attached, false);
}));

test('a peer that speaks no TLS is refused and the server serves on', withPair(async (pair) => {
  const port = await pair.listen();
  const raw = tcpConnect(port, '127.0.0.1', () => raw.write('GET / HTTP/1.1\r\n\r\n'));
  await once(raw.resume(), 'close');
  await pair.far.until('the server noted it', () => pair.rejected.length > 0);
  await pair.connect(port);
}));

for (const [what, ours, theirs, reason] of [
  ['version', { version: 1 }, { version: 2 }, 'wrong-version'],
  ['call table', { tableHash: 'aaaa' }, { tableHash: 'bbbb' }, 'wrong-table'],
  ['pair', { name: 'redis' }, { name: 'nginx' }, 'wrong-pair'],
] as const) {
  test(`another ${what} is refused on both sides with both values`, withPair(async (pair) => {
    const port = await pair.listen({ hello: hello(theirs) });
    const error = await rejection(pair.connect(port, { hello: hello(ours), attempts: 5 }));
    await pair.far.until('the server noted it', () => pair.rejected.length > 0);
    assert.is(error.reason, reason);
    assert.is(pair.rejected[0]!.reason, reason);
    const [mine, yours] = [Object.values(ours)[0], Object.values(theirs)[0]];
    assert.match(error.message, new RegExp(`${mine} here, ${yours} at`));
    assert.match(pair.rejected[0]!.message, new RegExp(`${yours} here, ${mine} at`));
    assert.equal([pair.near.attached, pair.far.attached], [false, false]);
  }));
}

test('nobody there: the attempts are bounded, and the error names the address', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  const error = await rejection(new Pair().connect(port, { attempts: 3, retryMs: 5 }));
  assert.is(error.reason, 'unreachable');
  assert.match(error.message, new RegExp(`127.0.0.1:${port} after 3 attempts.*ECONNREFUSED`));
});

test('a listener that comes late is reached by a later attempt', withPair(async (pair) => {
  const port = await pair.listen();
  pair.server!.destroy();
  const connecting = pair.connect(port, { attempts: 500, retryMs: 5 });
  await pair.listen({ port });
  const channel = await connecting;
  assert.ok(channel.open);
  assert.equal(channel.peer, hello());
}));

test('a wait to connect can be ended', async () => {
  const stop = new AbortController();
  const options = { attempts: 1000, retryMs: 1000, signal: stop.signal };
  const waiting = rejection(new Pair().connect(1, options));
  stop.abort();
  assert.is((await waiting).reason, 'unreachable');
});

test('a port that is taken is an error with the address', withPair(async (pair) => {
  const port = await pair.listen();
  const error = await rejection(new Pair().listen({ port }));
  assert.is(error.reason, 'listen-failed');
  assert.match(error.message, /EADDRINUSE/);
}));

test('a listener that says no hello is given up after the bound', async () => {
  const server = createServer((socket) => socket.resume().on('error', () => {}));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const { port } = server.address() as { port: number };
    const error = await rejection(new Pair().connect(port, { handshakeMs: 100 }));
    assert.is(error.reason, 'unreachable');
  } finally {
    server.close();
  }
});

test('closing says goodbye, after everything sent has arrived', withPair(async (pair) => {
  await pair.open();
  const { bytes } = makeRun(1, 20000, seeded(seed));
  let freed = 0;
  pair.near.channel.send(bytes, () => freed++);
  pair.near.channel.close();
  await pair.far.until('the end', () => pair.far.closes.length > 0);
  assert.equal(pair.far.closes, [{ kind: 'goodbye' }]);
  assert.equal([pair.far.records, pair.far.recordBytes], [20000, bytes.length]);
  await pair.near.until('our end', () => pair.near.closes.length > 0);
  assert.equal([pair.near.closes, freed], [[{ kind: 'local' }], 1]);
}));

test('a stream that ends with no goodbye is lost, also when it ends politely', withPair(
  async (pair) => {
    await pair.open();
    pair.near.channel.destroy();
    await pair.far.until('the loss', () => pair.far.closes.length > 0);
    assert.is(pair.far.closes[0]!.kind, 'lost');
  },
));

test('records out of order, repeated and missing are put right', withPair(async (pair) => {
  await pair.connect(await pair.listen({ hello: hello({ nextSeq: 1 }) }));
  const random = seeded(seed);
  const seqs = [3, 4, 1, 1, 2, 4, 6, 7, 5, 3];
  const got: number[] = [];
  pair.far.onRecords = (_bytes, _start, _end, info) => {
    for (let seq = info.firstSeq; seq <= info.lastSeq; seq++) got.push(seq);
  };
  pair.near.channel.send(packRun(seqs.map((seq) => someRecord(seq, 10, random))));
  await pair.far.until('seven records', () => pair.far.records === 7);
  assert.equal(got, [1, 2, 3, 4, 5, 6, 7]);
  assert.equal([pair.far.channel.stats.duplicates, pair.far.channel.stats.early], [3, 4]);
}));

test('a gap that is never filled closes the channel and says which records', withPair(
  async (pair) => {
    await pair.connect(await pair.listen({ hello: hello({ nextSeq: 1 }), gapMs: 50 }));
    const random = seeded(seed);
    pair.near.channel.send(packRun([1, 4].map((seq) => someRecord(seq, 0, random))));
    await pair.far.until('the end', () => pair.far.closes.length > 0);
    assert.is(pair.far.closes[0]!.error?.reason, 'gap-bound');
    assert.match(pair.far.closes[0]!.error!.message, /records 2 to 3 did not come/);
    assert.is(pair.far.records, 1);
  },
));

test('bad bytes close the channel with their name on both sides', withPair(async (pair) => {
  await pair.open();
  const records = [1, 2, 3].map((seq) => someRecord(seq, 0, seeded(seed)));
  const bytes = Buffer.from(packRun(records).buffer);
  bytes.writeUInt32LE(77, 64 + RECORD.root);
  pair.near.channel.send(bytes);
  await pair.far.until('the far end', () => pair.far.closes.length > 0);
  await pair.near.until('the near end', () => pair.near.closes.length > 0);
  const [far, near] = [pair.far.closes[0]!, pair.near.closes[0]!];
  assert.equal([far.kind, far.error?.reason], ['error', 'bad-frame']);
  assert.equal([near.kind, near.error?.reason], ['error', 'refused']);
  assert.match(near.error!.message, /root pointer/);
  assert.is(pair.far.records, 1);
  assert.is(pair.far.channel.stats.rejected, 1);
}));

test('control messages and records keep their order', withPair(async (pair) => {
  await pair.open();
  const seen: number[] = [];
  pair.far.onRecords = () => seen.push(pair.far.controls.length);
  const random = seeded(seed);
  for (let seq = 1; seq <= 5; seq++) {
    pair.near.channel.send(packRun([someRecord(seq, 5, random)]));
    pair.near.channel.sendControl({ kind: 'caughtUp', seq });
  }
  const mark = { received: 2 ** 40, replayed: 1, receivedSeq: 2, replayedSeq: 3 };
  pair.near.channel.sendWatermark(mark);
  await pair.far.until('all', () => pair.far.controls.length === 6);
  assert.equal(seen, [0, 1, 2, 3, 4]);
  assert.equal(pair.far.controls.at(-1), { kind: 'watermark', ...mark });
}));

test('a receiver that pauses holds the sender back, and loses nothing', withPair(async (pair) => {
  await pair.open({ silentMs: 60, keepaliveMs: 20 });
  const { near, far } = pair;
  far.channel.pause();
  const { bytes } = makeRun(1, 2000, seeded(seed), () => 1000);
  let sent = 0;
  let freed = 0;
  const waits = new Promise<void>((resolve) => {
    // More than the kernel's buffers hold: the last callbacks come only after resume.
    for (; sent < 30; sent++) near.channel.send(withNumbers(bytes, sent), () => freed++);
    setImmediate(resolve);
  });
  await waits;
  assert.ok(near.channel.needDrain);
  assert.ok(freed < sent);
  assert.is(far.records, 0);
  far.channel.resume();
  await far.until('everything', () => far.records === 60000, 60000);
  await near.until('drained', () => near.drains > 0);
  assert.is(far.recordBytes, bytes.length * 30);
}));

/** A copy of a run of 2000 records with the numbers of its place in the row of runs. */
function withNumbers(run: Uint8Array, place: number): Buffer {
  const bytes = Buffer.from(run);
  let seq = place * 2000 + 1;
  for (let at = 0; at < bytes.length; at += (bytes.readUInt32LE(at + 4) + 1) * 8) {
    bytes.writeUInt32LE(seq++, at + RECORD.seq);
  }
  return bytes;
}

test('records are sent from shared memory', withPair(async (pair) => {
  await pair.open();
  const { bytes } = makeRun(1, 1000, seeded(seed));
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
  shared.set(bytes);
  const parts: Buffer[] = [];
  pair.far.onRecords = (run, start, end) => parts.push(Buffer.from(run.subarray(start, end)));
  await new Promise<void>((resolve) => pair.near.channel.send(shared, () => resolve()));
  await pair.far.until('all', () => pair.far.records === 1000);
  assert.ok(Buffer.concat(parts).equals(bytes));
}));

test('a channel whose owner takes no records refuses them', withPair(async (pair) => {
  const { attach } = pair.far;
  pair.far.attach = (channel) => ({ ...attach(channel), onRecords: undefined });
  await pair.open();
  pair.near.channel.send(makeRun(1, 1, seeded(seed)).bytes);
  await pair.far.until('the end', () => pair.far.closes.length > 0);
  assert.is(pair.far.closes[0]!.error?.reason, 'unexpected');
}));

test.run();
