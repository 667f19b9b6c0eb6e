/* parts.test.ts: the small parts of the engine, each by itself: states of the takeover, claims that
 * fencing goes by, lag, ARP frames, counters in shared memory, comparison of executables. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { gratuitousArp } from '../../../src/engine/arp.js';
import { Claims } from '../../../src/engine/claims.js';
import { ControlBlock } from '../../../src/engine/control-block.js';
import { compareExecutables, listExecutables } from '../../../src/engine/executables.js';
import { LEAST_LAG_BYTES, LagMeter, Spans, lagBoundBytes } from '../../../src/engine/lag.js';
import { nextState, type TakeoverEvent, type TakeoverState } from '../../../src/engine/takeover.js';
import { NotReplicable } from '../../../src/errors.js';
import { suite } from '../../support/suite.js';

const test = suite('engine parts');

const follow = (...events: TakeoverEvent[]): TakeoverState =>
  events.reduce<TakeoverState>(nextState, 'following');

test('a takeover goes through its states in order, whatever caused it', () => {
  for (const cause of ['lost', 'silent', 'handover'] as const) {
    assert.is(follow(cause), 'asking');
    assert.is(follow(cause, 'stored'), 'restoring');
    assert.is(follow(cause, 'stored', 'live'), 'live');
  }
});

test('an orderly end never becomes a takeover, and a divergence never goes live', () => {
  assert.is(follow('stop', 'lost', 'silent'), 'stopped');
  assert.is(follow('ended', 'lost'), 'stopped');
  assert.is(follow('divergence', 'lost', 'stored', 'live'), 'diverged');
  assert.is(follow('lost', 'divergence', 'stored', 'live'), 'diverged');
});

test('a live copy is not made to follow, or to take over, again', () => {
  assert.is(follow('lost', 'stored', 'live', 'silent', 'stored', 'divergence'), 'live');
  assert.is(follow('lost', 'stored', 'live', 'ended'), 'stopped');
});

test('a claim proves only what was sent when it was', () => {
  const claims = new Claims(0);
  const first = claims.next(10);
  claims.next(20);
  claims.confirm(first);
  assert.is(claims.ageMs(50), 40);
  claims.confirm(2);
  assert.is(claims.ageMs(50), 30);
  claims.confirm(1); // late, and older
  claims.confirm(99); // never sent
  assert.is(claims.ageMs(50), 30);
});

test('a claim from too long ago proves nothing', () => {
  const claims = new Claims(0);
  for (let n = 1; n <= 300; n++) claims.next(n);
  claims.confirm(1);
  assert.is(claims.ageMs(301), 301);
});

test('lag is the age of the oldest position that is not replayed', () => {
  const lag = new LagMeter();
  assert.is(lag.lagMs(0, 5), 0);
  lag.sample(100, 10);
  lag.sample(100, 20);
  lag.sample(200, 30);
  assert.is(lag.lagMs(0, 50), 40);
  assert.is(lag.lagMs(100, 50), 20);
  assert.is(lag.lagMs(200, 50), 0);
});

test('the bound on lag is the tightest of the three, and never next to nothing', () => {
  const bounds = { maxLagRecords: 10_000, maxLagMs: 100, maxLagBytes: 0x2000000 };
  assert.is(lagBoundBytes(bounds, 1e6, 1e4, 0, 0), 1e6);
  assert.is(lagBoundBytes(bounds, 1e9, 1e4, 0, 0), 0x2000000);
  assert.is(lagBoundBytes(bounds, 1e9, 1e6, 1e9 - 2e6, 101), 1e6);
  assert.is(lagBoundBytes(bounds, 0, 0, 0, 0), LEAST_LAG_BYTES);
});

test('spans come back in the order they went', () => {
  const spans = new Spans();
  for (let round = 0; round < 3; round++) {
    for (let at = 1; !spans.isFull; at++) spans.push(at * 64, at);
    for (let at = 1; !spans.isEmpty; at++) {
      assert.is(spans.position, at * 64);
      assert.is(spans.seq, at);
      spans.shift();
    }
  }
});

test('a gratuitous ARP names the address as sender and target', () => {
  const mac = Buffer.from('024853000003', 'hex');
  const request = gratuitousArp(mac, '10.77.0.100', 'request');
  assert.is(request.length, 60);
  assert.is(request.toString('hex', 0, 42),
    'ffffffffffff024853000003' + '0806' + '00010800' + '0604' + '0001' +
    '0248530000030a4d0064' + '0000000000000a4d0064');
  const reply = gratuitousArp(mac, '10.77.0.100', 'reply');
  assert.is(reply.toString('hex', 20, 42),
    '0002' + '0248530000030a4d0064' + 'ffffffffffff0a4d0064');
});

test('a counter beyond 32 bits is stored and read whole', () => {
  const control = new ControlBlock(new ArrayBuffer(4096));
  for (const value of [0, 1, 0xffffffff, 0x100000000, 0x1ffffffff, 2 ** 52 + 3, 5]) {
    control.store64(64, value);
    assert.is(control.load64(64), value);
  }
  control.storeBig(64, (1n << 64n) - 1n);
  control.store64(64, 7);
  assert.is(control.load64(64), 7);
});

test('the files of a program are listed with its loader and libraries', () => {
  const listed = listExecutables({ command: ['sh'], cwd: '/', env: { PATH: '/usr/bin:/bin' } });
  const paths = listed.map(({ path }) => path);
  for (const part of ['/sh', 'ld-linux', 'libc.so']) {
    assert.ok(paths.some((path) => path.includes(part)), `${part} in ${paths.join(' ')}`);
  }
  compareExecutables(listed, 'here');
});

test('libraries are found beside the program itself, also through a link to it', () => {
  const dir = mkdtempSync(join(tmpdir(), 'hs-origin-'));
  const compile = (source: string, ...args: string[]) =>
    execFileSync('gcc', ['-x', 'c', '-', '-x', 'none', ...args], { input: source, cwd: dir });
  try {
    mkdirSync(join(dir, 'home'));
    compile('int own(void) { return 0; }', '-shared', '-fPIC',
      '-Wl,-soname,libown.so', '-o', 'home/libown.so');
    compile('int own(void); int main(void) { return own(); }', '-o', 'home/program',
      'home/libown.so', '-Wl,-rpath,$ORIGIN');
    symlinkSync('home/program', join(dir, 'link'));
    const listed = listExecutables({ command: [join(dir, 'link')], cwd: '/', env: {} });
    assert.ok(listed.some(({ path }) => path === join(dir, 'home', 'libown.so')));
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test('a file that differs, or is not there, is refused by name', () => {
  const dir = mkdtempSync(join(tmpdir(), 'hs-files-'));
  try {
    const path = join(dir, 'program');
    writeFileSync(path, '#!/bin/sh\nexit 0\n', { mode: 0o755 });
    const listed = listExecutables({ command: [path], cwd: dir, env: {} });
    writeFileSync(path, '#!/bin/sh\nexit 1\n', { mode: 0o755 });
    assert.throws(() => compareExecutables(listed, 'the primary'), (error: unknown) =>
      error instanceof NotReplicable && error.exitCode === 4 && error.message.includes(path));
    rmSync(path);
    assert.throws(() => compareExecutables(listed, 'the primary'), (error: unknown) =>
      error instanceof NotReplicable && error.message.includes(path));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});

test.run();
