// Peers that hold the key, or pretend to, and do not keep to the protocol: each is refused by name,
// nothing reaches the handlers, and the server serves on.

import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect as tcpConnect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as tlsConnect, createServer as createTlsServer, type TLSSocket } from 'node:tls';
import * as assert from 'uvu/assert';

import { encodeControl, type Control } from '../../../src/channel/control.js';
import type { ChannelReason } from '../../../src/channel/index.js';
import { suite } from '../../support/suite.js';
import { KEY, hello, rejection, withPair, type Pair } from './pair.js';
import { makeRun, seeded } from './records.js';

const test = suite('hostile peers');
const HELLO = encodeControl({ kind: 'hello', ...hello() });

/** A peer with the right key and a will of its own. */
async function rawPeer(port: number, identity = 'hotswap'): Promise<TLSSocket> {
  const socket = tlsConnect({
    host: '127.0.0.1',
    port,
    minVersion: 'TLSv1.3',
    ciphers: 'TLS_AES_128_GCM_SHA256',
    pskCallback: () => ({ psk: KEY, identity }),
    checkServerIdentity: () => undefined,
  });
  socket.resume().on('error', () => {});
  await once(socket, 'secureConnect');
  return socket;
}

/** What the server says of a raw peer that sends these bytes before any hello. */
async function refusedFor(pair: Pair, bytes: Uint8Array): Promise<ChannelReason> {
  const peer = await rawPeer(await pair.listen());
  try {
    peer.write(bytes);
    await pair.far.until('the refusal', () => pair.rejected.length > 0);
    assert.is(pair.far.attached, false);
    return pair.rejected[0]!.reason;
  } finally {
    peer.destroy();
  }
}

for (const [what, bytes, reason] of [
  ['records', makeRun(1, 3, seeded(1)).bytes, 'unexpected'],
  ['another message', encodeControl({ kind: 'stop', reason: 'now' }), 'unexpected'],
  ['nonsense', Buffer.from('nonsense'), 'bad-frame'],
  ['goodbye', encodeControl({ kind: 'goodbye' }), 'closed'],
] as [string, Uint8Array, ChannelReason][]) {
  test(`${what} instead of hello: refused, and nothing passed on`, withPair(async (pair) => {
    assert.is(await refusedFor(pair, bytes), reason);
    const port = pair.server!.address.port;
    await pair.connect(port);
  }));
}

test('no hello in time: refused', withPair(async (pair) => {
  const peer = await rawPeer(await pair.listen({ handshakeMs: 60 }));
  try {
    await pair.far.until('the refusal', () => pair.rejected.length > 0);
    assert.is(pair.rejected[0]!.reason, 'handshake-timeout');
  } finally {
    peer.destroy();
  }
}));

test('no TLS in time: cut', withPair(async (pair) => {
  const raw = tcpConnect(await pair.listen({ handshakeMs: 60 }), '127.0.0.1');
  await once(raw.resume(), 'close');
  assert.is(pair.far.attached, false);
}));

test('a second hello closes the channel', withPair(async (pair) => {
  const peer = await rawPeer(await pair.listen());
  try {
    peer.write(Buffer.concat([HELLO, HELLO]));
    await pair.far.until('the end', () => pair.far.closes.length > 0);
    assert.is(pair.far.closes[0]!.error?.reason, 'unexpected');
  } finally {
    peer.destroy();
  }
}));

test('a peer that closes its half with no goodbye is lost, and is closed', withPair(
  async (pair) => {
    const peer = await rawPeer(await pair.listen());
    try {
      const closed = once(peer, 'close');
      peer.end(Buffer.concat([HELLO, makeRun(1, 9, seeded(1)).bytes]));
      await pair.far.until('the end', () => pair.far.closes.length > 0);
      assert.equal([pair.far.records, pair.far.closes[0]!.kind], [9, 'lost']);
      await closed;
    } finally {
      peer.destroy();
    }
  },
));

test('nothing is passed on after the end, in the same chunk or later', withPair(async (pair) => {
  const peer = await rawPeer(await pair.listen());
  try {
    const stop: Control = { kind: 'stop', reason: 'too late' };
    const end = encodeControl({ kind: 'goodbye' });
    peer.write(Buffer.concat([HELLO, end, encodeControl(stop), makeRun(1, 3, seeded(1)).bytes]));
    await pair.far.until('the end', () => pair.far.closes.length > 0);
    assert.equal(pair.far.closes, [{ kind: 'goodbye' }]);
    assert.equal([pair.far.controls, pair.far.records], [[], 0]);
  } finally {
    peer.destroy();
  }
}));

test('a peer that does not read cannot delay our closing beyond its bound', withPair(
  async (pair) => {
    const peer = await rawPeer(await pair.listen({ drainMs: 100 }));
    try {
      peer.write(HELLO);
      await pair.far.until('the channel', () => pair.far.attached);
      peer.pause();
      const { bytes } = makeRun(1, 2000, seeded(1), () => 2000);
      for (let i = 0; i < 8; i++) pair.far.channel.send(bytes);
      pair.far.channel.close();
      await pair.far.until('the end', () => pair.far.closes.length > 0, 3000);
      assert.equal(pair.far.closes, [{ kind: 'local' }]);
    } finally {
      peer.destroy();
    }
  },
));

test('the right key under another identity is refused', withPair(async (pair) => {
  const port = await pair.listen();
  let refused = false;
  await rawPeer(port, 'someone').catch(() => (refused = true));
  await pair.far.until('the refusal', () => pair.rejected.length > 0);
  assert.ok(refused);
  assert.is(pair.rejected[0]!.reason, 'wrong-key');
}));

test('a listener that shows a certificate instead of proving the key is refused', withPair(
  async (pair) => {
    const dir = mkdtempSync(join(tmpdir(), 'hotswap-certificate-'));
    const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
    try {
      const options = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2
        -subj /CN=localhost -keyout ${key} -out ${cert}`;
      execFileSync('openssl', options.split(/\s+/), { stdio: 'ignore' });
      const rogue = createTlsServer({ key: readFileSync(key), cert: readFileSync(cert) });
      rogue.on('tlsClientError', () => {});
      let greeted = 0;
      rogue.on('secureConnection', (socket) => {
        socket.on('data', (bytes) => (greeted += bytes.length)).on('error', () => {});
      });
      rogue.listen(0, '127.0.0.1');
      await once(rogue, 'listening');
      try {
        const { port } = rogue.address() as { port: number };
        // Also where the environment tells Node to trust any certificate.
        for (const trust of ['1', '0']) {
          process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = trust;
          await rejection(pair.connect(port));
          assert.is(pair.near.attached, false);
          assert.is(greeted, 0, 'not even our hello is told to it');
        }
      } finally {
        delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
        rogue.close();
      }
    } finally {
      rmSync(dir, { recursive: true });
    }
  },
));

test.run();
