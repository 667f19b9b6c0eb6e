/* control.test.ts: the control socket: both ends, and what hostile or broken ones get. */
import {
  chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync,
} from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as assert from 'uvu/assert';
import { askPair, askStatus } from '../../src/cli/control-client.js';
import { controlSocketPath, type PairStatus } from '../../src/engine/control-protocol.js';
import {
  startControlServer, type ControlHandlers, type ControlServer,
} from '../../src/engine/control-server.js';
import { LostRole, OperatingError, UserError } from '../../src/errors.js';
import { suite } from '../support/suite.js';

const test = suite('control socket');
const runtimeDir = mkdtempSync(join(tmpdir(), 'hs-control-'));
const servers: ControlServer[] = [];
test.after(async () => {
  for (const server of servers) await server.close();
  rmSync(runtimeDir, { recursive: true, force: true });
});

const status: PairStatus = {
  name: 'web', role: 'primary', pid: 7, peer: '10.0.0.2:7400', commit: 'logged',
  watermarks: { recorded: 9, received: 8, replayed: 7, released: 8 },
  behind: { records: 2, bytes: 128 }, connections: 3, divergence: null,
  protected: true, protectedSince: '2020-01-01T00:00:00.000Z',
};

async function serve(name: string, handlers: Partial<ControlHandlers> = {}) {
  const server = await startControlServer(runtimeDir, name, {
    status: () => status,
    switchover: () => ({ role: 'backup' }),
    stop: () => undefined,
    audit: () => ({}),
    ...handlers,
  });
  servers.push(server);
  return server;
}

async function rejection(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error('it did not fail');
}

/** Sends raw bytes and gives what comes back until the end. */
function raw(path: string, bytes: string): Promise<string> {
  return new Promise((done) => {
    let answer = '';
    const socket = createConnection(path, () => socket.end(bytes));
    socket.setEncoding('utf8').on('data', (text: string) => { answer += text; });
    socket.on('error', () => {});
    socket.on('close', () => done(answer));
  });
}

test('a pair answers what it is asked', async () => {
  await serve('web');
  assert.equal(await askStatus({ runtimeDir, name: 'web' }), status);
  assert.equal(await askPair({ runtimeDir, name: 'web' }, 'switchover'), { role: 'backup' });
  assert.is(await askPair({ runtimeDir, name: 'web' }, 'stop'), null);
});

test('only its owner can reach the socket', async () => {
  const { path } = await serve('private');
  assert.is(statSync(path).mode & 0o777, 0o600);
  assert.is(statSync(dirname(path)).mode & 0o777, 0o700);
});

test('a directory that was open before is closed', async () => {
  mkdirSync(join(runtimeDir, 'open'));
  chmodSync(join(runtimeDir, 'open'), 0o777);
  const { path } = await serve('open');
  assert.is(statSync(dirname(path)).mode & 0o777, 0o700);
});

test('an error of the pair keeps its kind', async () => {
  await serve('lost', { switchover: () => { throw new LostRole('the peer is live'); } });
  const error = await rejection(askPair({ runtimeDir, name: 'lost' }, 'switchover'));
  assert.instance(error, LostRole);
  assert.is(error.message, 'the peer is live');
});

test('a name that is in use is refused; one left by a dead engine is not', async () => {
  await serve('once');
  assert.instance(await rejection(serve('once')), UserError);
  mkdirSync(join(runtimeDir, 'dead'));
  writeFileSync(controlSocketPath(runtimeDir, 'dead'), '');
  await serve('dead');
  assert.is((await askStatus({ runtimeDir, name: 'dead' })).pid, 7);
});

test('closing removes the socket and its directory, and may be done twice', async () => {
  const server = await serve('closing');
  await server.close();
  await server.close();
  assert.not.ok(existsSync(dirname(server.path)));
});

test('asking a pair that is not there names it', async () => {
  const error = await rejection(askPair({ runtimeDir, name: 'nobody' }, 'status'));
  assert.instance(error, OperatingError);
  assert.match(error.message, 'no pair named "nobody" is running here');
});

test('bytes that are no request get an error and harm nothing', async () => {
  const { path } = await serve('hostile');
  const wrong = [
    '\n', 'x\n', '{}\n', '{"op":"rm"}\n', '[]\n', '{"op":"status","x":1}\n', '{"op":', '\0\xff\n',
  ];
  for (const bytes of wrong) {
    const answer = JSON.parse(await raw(path, bytes));
    assert.equal([answer.ok, answer.error.code], [false, 'HS_USAGE'], JSON.stringify(bytes));
  }
  assert.is(await raw(path, 'x'.repeat(3 << 20)), '');
  assert.is((await askStatus({ runtimeDir, name: 'hostile' })).pid, 7);
});

/** A server that answers every connection with these bytes and ends. */
async function impostor(name: string, bytes: string): Promise<() => Promise<void>> {
  mkdirSync(join(runtimeDir, name));
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end(bytes));
  });
  await new Promise<void>((done) => server.listen(controlSocketPath(runtimeDir, name), done));
  return () => new Promise((done) => server.close(() => done()));
}

test('an answer that is none is told from one', async () => {
  const cases: [string, RegExp][] = [
    ['', /ended before it had answered/],
    ['{"ok":true', /ended before it had answered/],
    ['hello\n', /something else than JSON/],
    ['{"ok":true,"result":{"role":"king"}}\n', /cannot read/],
  ];
  for (const [index, [bytes, expected]] of cases.entries()) {
    const name = `impostor${index}`;
    const close = await impostor(name, bytes);
    try {
      const error = await rejection(askStatus({ runtimeDir, name }));
      assert.instance(error, OperatingError);
      assert.match(error.message, expected);
    } finally {
      await close();
    }
  }
});

test('a pair that does not answer is given up after the bound', async () => {
  await serve('stuck', { status: () => new Promise(() => {}) });
  const error = await rejection(askPair({ runtimeDir, name: 'stuck' }, 'status', 50));
  assert.match(error.message, 'did not answer within 50 ms');
});

test('a path that the kernel cannot take is refused with what to shorten', async () => {
  const error = await rejection(
    startControlServer(join(runtimeDir, 'x'.repeat(120)), 'web', {} as ControlHandlers));
  assert.instance(error, UserError);
  assert.match(error.message, '--runtime-dir');
});

test.run();
