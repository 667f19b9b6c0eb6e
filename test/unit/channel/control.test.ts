// Control messages survive the way through Cap'n Proto, other readers read them, and bytes that
// are none are refused by name.

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';

import { decodeControl, encodeControl, type Control } from '../../../src/channel/control.js';
import { ChannelError } from '../../../src/channel/errors.js';
import { CONTROL_ROOT_HIGH } from '../../../src/channel/layout.js';
import { validateTree } from '../../../src/channel/pointers.js';
import { viewOf } from '../../../src/channel/record.js';
import { decodeFrequent, encodeRole, encodeWatermark } from '../../../src/channel/frequent.js';
import { suite } from '../../support/suite.js';

const test = suite('control messages');
const schema = fileURLToPath(new URL('../../../src/channel/message.capnp', import.meta.url));

const EXAMPLES: Control[] = [
  {
    kind: 'hello',
    version: 1,
    tableHash: 'c0ffee',
    role: 'backup',
    name: 'redis',
    features: ['compress', 'udp'],
    instance: 0xfedcba9876543210n,
    nextSeq: 2 ** 53 - 1,
  },
  { kind: 'role', role: 'primary', generation: 17 },
  {
    kind: 'manifest',
    seed: 0xffffffffffffffffn,
    hostname: 'alpha',
    vip: '10.1.2.3',
    prefix: 24,
    commit: 'verified',
    files: 'carried',
    ringBytes: 2 ** 26,
    executables: [
      { path: '/usr/bin/redis-server', size: 14, mtimeNs: 1795000000123456789n, hash: 'ab12' },
      { path: '/lib/ld.so', size: 0, mtimeNs: 0n, hash: '' },
    ],
  },
  {
    kind: 'process',
    argv: ['redis-server', '--port', '6379', ''],
    envp: ['LANG=C.UTF-8', 'NAME=Zoë 🙂'],
    cwd: '/srv',
    uid: 0,
    gid: 1,
    euid: 2,
    egid: 3,
    umask: 0o22,
    startRealNs: 1795000000000000001n,
    limits: [{ resource: 7, soft: 1024n, hard: 0xffffffffffffffffn }],
  },
  { kind: 'watermark', received: 2 ** 40 + 1, replayed: 2 ** 33, receivedSeq: 9, replayedSeq: 8 },
  { kind: 'keepalive', n: 3 },
  {
    kind: 'divergence',
    seq: 12345678901,
    row: 3,
    pid: 4,
    tid: 5,
    expected: 'read of 5 bytes from 7',
    got: 'write of 1 byte to 8',
  },
  { kind: 'stop', reason: 'the operator asked' },
  { kind: 'caughtUp', seq: 99 },
  { kind: 'goodbye' },
  { kind: 'refused', reason: 'version 2 here' },
  { kind: 'openings', slots: Uint8Array.from({ length: 128 }, (_, at) => at) },
  { kind: 'known', count: 77 },
];

/** Decodes and expects ChannelError bad-control; returns its sentence. */
function refusal(bytes: Uint8Array): string {
  try {
    decodeControl(bytes);
  } catch (error) {
    assert.instance(error, ChannelError);
    assert.is((error as ChannelError).reason, 'bad-control');
    return (error as ChannelError).message;
  }
  throw new Error('bytes that are no message were accepted');
}

test('every kind of message comes back as it was', () => {
  for (const control of EXAMPLES) assert.equal(decodeControl(encodeControl(control)), control);
});

test('capnp decode reads every kind of message', () => {
  const input = Buffer.concat(EXAMPLES.map(encodeControl));
  const output = execFileSync('capnp', ['decode', '--short', schema, 'Control'], { input });
  const kinds = output.toString().trim().split('\n').map((line) => /^\((\w+)/.exec(line)?.[1]);
  assert.equal(kinds, EXAMPLES.map(({ kind }) => kind));
});

test('a message capnp encode has made is read, its second segment refused', () => {
  const text = '(divergence = (seq = 5, row = 6, pid = 7, tid = 8, expected = "a", got = "b"))';
  const encode = (...options: string[]) =>
    execFileSync('capnp', ['encode', ...options, schema, 'Control'], { input: text });
  assert.equal(decodeControl(encode()), {
    kind: 'divergence', seq: 5, row: 6, pid: 7, tid: 8, expected: 'a', got: 'b',
  });
  assert.match(refusal(encode('--segment-size=1')), /more than one segment/);
});

test('the quick codec of watermarks makes and reads the same bytes', () => {
  for (const value of [0, 1, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1]) {
    const mark = { received: value, replayed: value, receivedSeq: value, replayedSeq: value };
    const control = { kind: 'watermark', ...mark } as const;
    const bytes = encodeControl(control);
    assert.equal(Buffer.from(encodeWatermark(mark)), Buffer.from(bytes));
    assert.equal(decodeFrequent(viewOf(bytes)), control);
  }
});

test('the quick codec of claims to the role makes and reads the same bytes', () => {
  for (const role of ['either', 'primary', 'backup'] as const) {
    for (const generation of [0, 1, 2 ** 32, 2 ** 53 - 1]) {
      const control = { kind: 'role', role, generation } as const;
      const bytes = encodeControl(control);
      assert.equal(Buffer.from(encodeRole(control)), Buffer.from(bytes));
      assert.equal(decodeFrequent(viewOf(bytes)), control);
    }
  }
});

test('the quick codecs leave everything else, and what is no role, to the general one', () => {
  for (const control of EXAMPLES.filter(({ kind }) => !/^(watermark|role)$/.test(kind))) {
    assert.is(decodeFrequent(viewOf(encodeControl(control))), undefined);
  }
  const bytes = encodeControl({ kind: 'role', role: 'backup', generation: 1 });
  viewOf(bytes).setUint16(40, 3, true);
  assert.is(decodeFrequent(viewOf(bytes)), undefined);
});

test('a manifest of thousands of files fits, one of too many is not sent', () => {
  const path = '/usr/lib/x86_64-linux-gnu/libc.so.6';
  const entry = { path, size: 1, mtimeNs: 2n, hash: 'h'.repeat(64) };
  const manifest = EXAMPLES[2] as Extract<Control, { kind: 'manifest' }>;
  const large = { ...manifest, executables: Array.from({ length: 5000 }, () => entry) };
  assert.equal(decodeControl(encodeControl(large)), large);
  const tooLarge = { ...manifest, executables: Array.from({ length: 40000 }, () => entry) };
  assert.throws(() => encodeControl(tooLarge), /too large/);
});

test('a field out of its range is not sent', () => {
  assert.throws(() => encodeControl({ kind: 'caughtUp', seq: -1 }));
  assert.throws(() => encodeControl({ kind: 'caughtUp', seq: 2 ** 53 }));
  assert.throws(() => encodeControl({ kind: 'shutdown' } as unknown as Control));
});

test('an unknown kind, role or number is refused by name', () => {
  const goodbye = encodeControl({ kind: 'goodbye' });
  viewOf(goodbye).setUint16(16, 13, true);
  assert.match(refusal(goodbye), /kind/);
  const role = encodeControl({ kind: 'role', role: 'backup', generation: 0 });
  viewOf(role).setUint16(40, 3, true);
  assert.match(refusal(role), /role/);
  const caughtUp = encodeControl({ kind: 'caughtUp', seq: 0 });
  viewOf(caughtUp).setUint32(28, 0x200000, true);
  assert.match(refusal(caughtUp), /seq/);
});

/** A control message whose body is these words; the first is the content of its pointer. */
function crafted(...words: bigint[]): Uint8Array {
  const bytes = new Uint8Array(8 * (4 + words.length));
  const view = viewOf(bytes);
  view.setUint32(4, 3 + words.length, true);
  view.setUint32(12, CONTROL_ROOT_HIGH, true);
  view.setUint16(16, 3, true); // process: lists of text
  words.forEach((word, i) => view.setBigUint64(32 + i * 8, word, true));
  return bytes;
}

test('pointers that would make a reader loop or leave the segment are refused', () => {
  const list = (offset: number, code: number, count: number) =>
    (BigInt((count << 3) | code) << 32n) | BigInt((offset << 2) >>> 0) | 1n;
  const struct = (offset: number, data: number, pointers: number) =>
    (BigInt(pointers) << 48n) | (BigInt(data) << 32n) | BigInt((offset << 2) >>> 0);
  const cases: [RegExp, Uint8Array][] = [
    [/kind 2/, crafted(2n)],
    [/kind 3/, crafted(3n)],
    [/size code 0/, crafted(list(0, 0, 0x1fffffff))],
    [/size code 1/, crafted(list(0, 1, 8), 0n)],
    [/outside/, crafted(list(0, 2, 9), 0n)],
    [/outside/, crafted(struct(0, 0, 2), 0n)],
    [/outside/, crafted(struct(-6, 1, 0), 0n)],
    [/outside/, crafted(struct(-1, 0, 1), 0n)],
    [/empty structs/, crafted(list(0, 7, 0), struct(0x1fffffff, 0, 0))],
    [/structs in/, crafted(list(0, 7, 1), struct(2, 1, 0), 0n)],
    [/without their shape/, crafted(list(0, 7, 1), list(1, 2, 0), 0n)],
    // Two pointers to the same words: each alone is sound, together they multiply.
    [/outside/, crafted(struct(0, 0, 2), list(1, 5, 1), list(0, 5, 1), 0n)],
  ];
  for (const [expected, bytes] of cases) {
    assert.match(validateTree(viewOf(bytes), CONTROL_ROOT_HIGH) ?? 'sound', expected);
    refusal(bytes);
  }
  const nested = Array.from({ length: 20 }, () => struct(0, 0, 1));
  assert.match(refusal(crafted(...nested, 0n)), /too deeply/);
});

test.run();
