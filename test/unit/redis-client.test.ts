/* redis-client.test.ts: the load client sees what it is there to see: a wrong byte, a reply that
 * nobody asked for, a reset, a silent server, an acknowledged write that is gone. A server of a few
 * lines on loopback does each of these on purpose. */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import * as assert from 'uvu/assert';
import {
  Connection, ConnectionLost, differingBytes, type Mismatch,
} from '../../src/bed/redis-client/connection.js';
import { KeyBook, matches, stringState, unknown } from '../../src/bed/redis-client/model.js';
import { Random } from '../../src/bed/redis-client/random.js';
import { distribution } from '../../src/bed/redis-client/report.js';
import { bulk, encodeReply, integer, simple } from '../../src/bed/redis-client/resp.js';
import { Shared } from '../../src/bed/redis-client/shared.js';
import { suite } from '../support/suite.js';

interface Rig {
  connection: Connection;
  socket: Socket;
  mismatches: Mismatch[];
  close: () => Promise<void>;
}

async function rig(onData: (socket: Socket) => void): Promise<Rig> {
  let socket: Socket | undefined;
  const server: Server = createServer((accepted) => {
    socket = accepted;
    accepted.on('error', () => undefined);
    accepted.on('data', () => onData(accepted));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const mismatches: Mismatch[] = [];
  const accepted = new Promise((resolve) => server.once('connection', resolve));
  const connection = await Connection.open({ host: '127.0.0.1', port }, 'test', 'request', {
    ops: () => undefined,
    mismatch: (mismatch) => mismatches.push(mismatch),
  });
  await accepted;
  const close = () => new Promise<void>((resolve) => {
    connection.close();
    socket?.destroy();
    server.close(() => resolve());
  });
  return { connection, socket: socket as Socket, mismatches, close };
}

const test = suite('redis client');

test('a right answer is no finding', async () => {
  const { connection, mismatches, close } = await rig((socket) => socket.write('+OK\r\n'));
  await connection.call(['SET', 'a', 'b'], simple('OK'));
  await close();
  assert.equal(mismatches, []);
  assert.is(connection.loss, undefined);
});

test('one altered byte of a long value is found and counted as one', async () => {
  const value = Buffer.alloc(300_000, 'x');
  const altered = Buffer.from(value);
  altered[200_000] = 0;
  const answer = encodeReply(bulk(altered));
  const { connection, mismatches, close } = await rig((socket) => socket.write(answer));
  await connection.call(['GET', 'a'], bulk(value));
  await close();
  assert.equal(mismatches.map(({ bytes }) => bytes), [1]);
});

test('an error reply in place of a value is found', async () => {
  const { connection, mismatches, close } = await rig((socket) => socket.write('-ERR no\r\n'));
  await connection.call(['INCR', 'a'], integer(1));
  await close();
  assert.is(mismatches.length, 1);
});

test('a reply that nobody asked for is found', async () => {
  const { connection, mismatches, close } = await rig((socket) => socket.write(':1\r\n:2\r\n'));
  await connection.call(['INCR', 'a'], integer(1));
  await close();
  assert.equal(mismatches.map(({ request }) => request), ['(nothing asked)']);
});

test('a reset fails what is outstanding and is a loss', async () => {
  const { connection, close } = await rig((socket) => socket.resetAndDestroy());
  const lost = await connection.call(['GET', 'a'], bulk(null)).catch((error: unknown) => error);
  assert.instance(lost, ConnectionLost);
  assert.is(connection.loss?.reason, 'reset');
  await close();
});

test('the end of the stream is a loss', async () => {
  const { connection, close } = await rig((socket) => socket.end());
  const lost = await connection.call(['GET', 'a'], bulk(null)).catch((error: unknown) => error);
  assert.instance(lost, ConnectionLost);
  assert.is(connection.loss?.reason, 'closed');
  await close();
});

test('a server that never answers is a loss once it is given up', async () => {
  let asked: () => void = () => undefined;
  const wasAsked = new Promise<void>((resolve) => (asked = resolve));
  const { connection, close } = await rig(() => asked());
  const answer = connection.call(['GET', 'a'], bulk(null)).catch((error: unknown) => error);
  await wasAsked;
  connection.abandon();
  assert.instance(await answer, ConnectionLost);
  assert.is(connection.loss?.reason, 'stalled');
  await close();
});

test('what is not the protocol is counted wrong and a loss', async () => {
  const { connection, mismatches, close } = await rig((socket) => socket.write('garbage\r\n'));
  const lost = await connection.call(['GET', 'a'], bulk(null)).catch((error: unknown) => error);
  assert.instance(lost, ConnectionLost);
  assert.is(connection.loss?.reason, 'protocol');
  assert.is(mismatches.length, 1);
  await close();
});

test('bytes that one side lacks count as different', () => {
  assert.is(differingBytes(Buffer.from('abc'), Buffer.from('abcde')), 2);
  assert.is(differingBytes(Buffer.from('abc'), Buffer.from('axc')), 1);
});

test('an unanswered write leaves two states allowed, an acknowledged one leaves one', () => {
  const book = new KeyBook();
  book.write('key', stringState('old'))();
  const acknowledge = book.write('key', stringState('new'));
  const holds = (text: string) => {
    const raw = encodeReply(bulk(text));
    return book.allowed('key').some((state) => matches(state, bulk(text), raw));
  };
  assert.equal([holds('old'), holds('new'), holds('other')], [true, true, false]);
  acknowledge();
  assert.equal([holds('old'), holds('new')], [false, true]);
});

test('a result that only the server knows is learnt from its reply', () => {
  const book = new KeyBook();
  const acknowledge = book.write('key', unknown);
  assert.ok(book.allowed('key').some((state) => matches(state, bulk('any'), Buffer.alloc(0))));
  acknowledge(stringState('learnt'));
  assert.equal(book.allowed('key'), [stringState('learnt')]);
  assert.equal(book.state('key'), stringState('learnt'));
});

test('a shared counter that goes back, or says a number twice, is found', () => {
  const shared = new Shared(1);
  const counter = shared.counters[0];
  if (!counter) throw new Error('no counter');
  const [first, second] = [shared.increment(counter), shared.increment(counter)];
  assert.is(second(integer(2)), undefined);
  assert.is(first(integer(1)), undefined);
  assert.type(shared.increment(counter)(integer(2)), 'string');
  assert.type(shared.increment(counter)(integer(9)), 'string');
});

test('time that goes back is found', () => {
  const shared = new Shared();
  const at = (seconds: number) => ({
    kind: 'array' as const, items: [bulk(String(seconds)), bulk('0')],
  });
  assert.is(shared.time()(at(10)), undefined);
  const later = shared.time();
  assert.is(shared.time()(at(11)), undefined);
  assert.is(later(at(10)), undefined, 'asked before the answer of 11 came');
  assert.type(shared.time()(at(10)), 'string');
});

test('the same seed chooses the same, and its parts differ', () => {
  const take = (random: Random) => Array.from({ length: 5 }, () => random.between(0, 1e9));
  assert.equal(take(new Random(5)), take(new Random(5)));
  assert.not.equal(take(new Random(5).fork(0)), take(new Random(5).fork(1)));
});

test('a distribution of nothing is null', () => {
  assert.is(distribution([]), null);
  assert.equal(distribution([3, 1, 2]), { p50: 2, p99: 3, max: 3 });
});

test.run();
