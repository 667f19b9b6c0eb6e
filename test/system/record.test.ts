/* record.test.ts: `record` and `replay` of the engine: counts, the program's own status, and what a
 * divergence, a damaged log and an interruption end with. */
import {
  closeSync, existsSync, mkdtempSync, openSync, readSync, rmSync, statSync, writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { LogError } from '../../src/channel/index.js';
import { record, replay } from '../../src/engine/index.js';
import type { Parts } from '../../src/engine/session.js';
import { Interrupted, NotReplicable } from '../../src/errors.js';
import { suite } from '../support/suite.js';
import { buildFake } from './support/engine.js';

const test = suite('record');
const dir = mkdtempSync(join(tmpdir(), 'hs-record-'));
let fake = '';
let logs = 0;
test.before(() => { fake = buildFake(); });
test.after(() => rmSync(dir, { recursive: true, force: true }));

const parts = (): Parts => ({ starter: fake, ringBytes: 1 << 20 });
const signal = new AbortController().signal;

function start(words: string[], outDir = join(dir, `log${++logs}`), own = signal) {
  return {
    command: [fake, ...words], cwd: '/', env: { PATH: '/usr/bin:/bin' }, outDir,
    schedule: 'serial' as const, json: true, signal: own,
  };
}

async function rejected(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(() => assert.unreachable('it should fail'), (error: unknown) => error);
}

test('a recording has every record, and its replay the same ones', async () => {
  const options = start(['count=30000', 'size=1000', 'exit=7']);
  const recorded = await record(options, parts());
  assert.is(recorded.exitCode, 7);
  assert.is(recorded.records, 30001);
  assert.equal(recorded.calls, { write: 30000, exit_group: 1 });
  const replayed = await replay({ dir: options.outDir, signal }, parts());
  assert.is(replayed.records, 30001);
  assert.is(replayed.replayed, 30001);
  assert.is(replayed.divergence, null);
});

test('a replay that does something else names the record, the call, expected and got', async () => {
  const options = start(['count=100', 'size=10', 'diverge=50']);
  await record(options, parts());
  const { divergence, replayed } = await replay({ dir: options.outDir, signal }, parts());
  assert.equal(divergence, {
    seq: '50', call: 'write', pid: 1, tid: 1,
    expected: 'record 50', got: 'what was asked for',
  });
  assert.is(replayed, 49);
});

test('a program that ends before its log does has diverged', async () => {
  const options = start(['count=100', 'quit=60']);
  await record(options, parts());
  const { divergence, records, replayed } = await replay({ dir: options.outDir, signal }, parts());
  assert.is(records, 101);
  assert.is(replayed, 59);
  assert.is(divergence?.seq, '60');
  assert.is(divergence?.got, 'the end of the program');
});

test('a damaged log is an error that names file and offset, and no divergence', async () => {
  const options = start(['count=2000', 'size=100']);
  await record(options, parts());
  const file = join(options.outDir, '000001.seg');
  flip(file, Math.floor(statSync(file).size / 2));
  const error = await rejected(replay({ dir: options.outDir, signal }, parts()));
  assert.instance(error, LogError);
  assert.is((error as LogError).exitCode, 1);
  assert.is((error as LogError).file, file);
  assert.type((error as LogError).offset, 'number');
});

function flip(file: string, at: number): void {
  const fd = openSync(file, 'r+');
  const byte = Buffer.alloc(1);
  readSync(fd, byte, 0, 1, at);
  byte[0]! ^= 0xff;
  writeSync(fd, byte, 0, 1, at);
  closeSync(fd);
}

test('a directory that holds a log already is not recorded over', async () => {
  const options = start(['count=10']);
  await record(options, parts());
  const error = await rejected(record(options, parts()));
  assert.instance(error, LogError);
  assert.is((error as LogError).reason, 'log-exists');
});

test("the shim's refusal is the command's, word for word", async () => {
  const error = await rejected(record(start(['refuse=1']), parts()));
  assert.instance(error, NotReplicable);
  assert.is((error as Error).message,
    'this program cannot be replicated because the test says so');
});

test('a log of another call table is refused by name', async () => {
  const options = start(['count=10']);
  await record(options, parts());
  const error = await rejected(
    replay({ dir: options.outDir, signal }, { ...parts(), tableHash: 0x1234 }));
  assert.instance(error, NotReplicable);
  assert.match((error as Error).message, '00001234');
});

test('an interruption ends the program, and the log is whole', async () => {
  const abort = new AbortController();
  const options = start(['count=1000000000', 'size=100', 'pause=50'], undefined, abort.signal);
  const recording = record(options, parts());
  const file = join(options.outDir, '000001.seg');
  const deadline = performance.now() + 20_000;
  while (!existsSync(file) || statSync(file).size < 100_000) {
    if (performance.now() > deadline) throw new Error('nothing was recorded within 20 s');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  abort.abort(new Interrupted('SIGINT'));
  assert.instance(await rejected(recording), Interrupted);
  const { divergence, records, replayed } = await replay({ dir: options.outDir, signal }, parts());
  assert.is(divergence, null);
  assert.is(replayed, records);
  assert.ok(records > 100);
});

test.run();
