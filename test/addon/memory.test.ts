/* memory.test.ts: shared memory and futexes: what wraps wraps, who waits is woken, and nothing of a
 * closed waiter, an unmapped buffer or an ended worker is left. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { once } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Worker } from 'node:worker_threads';
import * as assert from 'uvu/assert';
import { suite } from '../support/suite.js';
import {
  ArgumentError, ClosedError, FutexWaiter, NativeError, closeFd, createMemory, futexWake,
  mapMemory, monotonicNs, unmapMemory,
} from 'bpf-loader';
import { Cleanups, mappingsOf, thrown, waitUntil, within } from './support.js';

const page = 4096;
const cleanups = new Cleanups();
const test = suite('memory');
test.after.each(() => cleanups.run());

/** Memory for one test; the descriptor is closed after it. */
function memory(name: string, bytes = page): number {
  const fd = createMemory(name, bytes);
  cleanups.add(() => closeFd(fd));
  return fd;
}

function mapped(fd: number, bytes = page): ArrayBuffer {
  const buffer = mapMemory(fd, 0, bytes);
  cleanups.add(() => unmapMemory(buffer));
  return buffer;
}

function startWorker(file: string, fd: number): Worker {
  const worker = new Worker(new URL(file, import.meta.url), { workerData: { fd }, execArgv: [] });
  cleanups.add(() => worker.terminate());
  return worker;
}

/** A waiter, and its next wake-up as a promise. */
function waiterOn(buffer: ArrayBuffer, byteOffset = 0) {
  let hear: (timedOut: boolean) => void = () => undefined;
  const calls: boolean[] = [];
  const waiter = cleanups.own(new FutexWaiter(buffer, byteOffset, (timedOut) => {
    calls.push(timedOut);
    hear(timedOut);
  }));
  const next = (): Promise<boolean> =>
    within('a wake-up', new Promise((resolve) => { hear = resolve; }));
  return { waiter, calls, next };
}

test('two mappings of one memory show the same bytes', () => {
  const fd = memory('hst-same', 2 * page);
  const whole = new Uint8Array(mapped(fd, 2 * page));
  const second = mapMemory(fd, page, page);
  new Uint8Array(second)[5] = 77;
  assert.is(whole[page + 5], 77);
  unmapMemory(second);
});

test('a doubled mapping wraps: what is written past the end is at the start', () => {
  const fd = memory('hst-doubled', 2 * page);
  const ring = mapMemory(fd, 0, 2 * page, { doubled: true });
  cleanups.add(() => unmapMemory(ring));
  assert.is(ring.byteLength, 4 * page);
  const bytes = Buffer.from(ring);
  bytes.write('across the end', 2 * page - 6);
  assert.is(bytes.toString('latin1', 0, 8), ' the end');
  bytes[3] = 9;
  assert.is(bytes[2 * page + 3], 9);
});

test('an unmapped buffer is detached and its pages are gone', () => {
  const buffer = mapMemory(memory('hst-unmap'), 0, page);
  const view = new Int32Array(buffer);
  assert.is(mappingsOf('hst-unmap'), 1);
  unmapMemory(buffer);
  unmapMemory(buffer);
  assert.is(mappingsOf('hst-unmap'), 0);
  assert.is(view.length, 0);
  assert.throws(() => Atomics.load(view, 0), TypeError);
});

test('a forgotten buffer is unmapped by the garbage collector', async () => {
  const fd = memory('hst-forgotten');
  (() => mapMemory(fd, 0, page))();
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  await waitUntil('unmapped', () => {
    collect();
    return mappingsOf('hst-forgotten') === 0;
  });
});

test('ranges and arguments that do not fit are refused', () => {
  const fd = memory('hst-range');
  assert.is(thrown(() => mapMemory(fd, 0, 2 * page)).code, 'ERANGE');
  assert.is(thrown(() => mapMemory(fd, page, page)).code, 'ERANGE');
  assert.instance(thrown(() => mapMemory(fd, 12, 100)), ArgumentError);
  assert.instance(thrown(() => mapMemory(fd, 0, 100, { doubled: true })), ArgumentError);
  assert.instance(thrown(() => mapMemory(fd, 0, 2 ** 40)), ArgumentError);
  assert.instance(thrown(() => createMemory('', page)), ArgumentError);
  assert.instance(thrown(() => createMemory('hst-none', 0)), ArgumentError);
  assert.instance(thrown(() => unmapMemory(new ArrayBuffer(8))), ArgumentError);
  const closed = thrown(() => closeFd(1_000_000));
  assert.instance(closed, NativeError);
  assert.is(closed.code, 'EBADF');
  assert.is(closed.errno, 9);
  const buffer = mapped(fd);
  assert.instance(thrown(() => futexWake(buffer, page)), ArgumentError);
  assert.instance(thrown(() => futexWake(buffer, 2)), ArgumentError);
  assert.is(thrown(() => new FutexWaiter(new ArrayBuffer(8), 0, () => undefined)).code, 'EINVAL');
});

test('memory is inherited by a child that gets it in its stdio, or on request', () => {
  const fd = memory('hst-stdio');
  mapped(fd);
  const write = ['-c', 'printf hello >&3'];
  assert.is(spawnSync('sh', write, { stdio: ['ignore', 'ignore', 'inherit', fd] }).status, 0);
  assert.is(Buffer.from(mapped(fd), 0, 5).toString(), 'hello');

  const kept = createMemory('hst-inherit', page, { inherit: true });
  cleanups.add(() => closeFd(kept));
  const sees = (wanted: number): number | null =>
    spawnSync('sh', ['-c', `test -e /proc/self/fd/${wanted}`]).status;
  // libuv closes nothing in a child, so only close-on-exec tells the two apart.
  assert.is(sees(kept), 0);
  assert.is(sees(fd), 1);
});

test('monotonicNs goes forward in nanoseconds', () => {
  const before = monotonicNs();
  const after = monotonicNs();
  assert.ok(after >= before && after - before < 1_000_000_000n);
});

test('a waiter is called when another thread changes the word and wakes it', async () => {
  const fd = memory('hst-wake');
  const buffer = mapped(fd);
  const words = new Int32Array(buffer);
  const { waiter, calls, next } = waiterOn(buffer);
  const worker = startWorker('fixture-waker.mjs', fd);
  await within('the worker', once(worker, 'online'));
  for (let round = 0; round < 200; round++) {
    const seen = Atomics.load(words, 0);
    const woken = next();
    waiter.arm(seen);
    worker.postMessage('wake');
    assert.is(await woken, false);
    assert.is(Atomics.load(words, 0), seen + 1);
  }
  assert.is(calls.length, 200);
});

test('a waiter is called at once when the word is already another', async () => {
  const buffer = mapped(memory('hst-changed'));
  new Int32Array(buffer)[0] = -5;
  const { waiter, next } = waiterOn(buffer);
  const woken = next();
  waiter.arm(-6);
  assert.is(await woken, false);
});

test('a wake without a change counts, also on a negative word and at an offset', async () => {
  const buffer = mapped(memory('hst-bare'));
  new Int32Array(buffer)[16] = -5;
  const { waiter, next } = waiterOn(buffer, 64);
  const woken = next();
  waiter.arm(-5);
  await waitUntil('the thread waits', () => futexWake(buffer, 64, 10) === 1);
  assert.is(await woken, false);
});

test('a waiter times out, and can be armed again', async () => {
  const { waiter, calls, next } = waiterOn(mapped(memory('hst-timeout')));
  for (const timeoutMs of [0, 1, 20]) {
    const beganMs = performance.now();
    const woken = next();
    waiter.arm(0, timeoutMs);
    assert.is(await woken, true);
    assert.ok(performance.now() - beganMs >= timeoutMs - 0.1);
  }
  assert.is(calls.length, 3);
});

test('arming anew replaces the wait before, and disarm ends it', async () => {
  const { waiter, calls, next } = waiterOn(mapped(memory('hst-again')));
  const woken = next();
  waiter.arm(0, 1);
  waiter.arm(0, 30);
  await woken;
  waiter.arm(0, 1);
  waiter.disarm();
  const other = waiterOn(mapped(memory('hst-other')));
  const later = other.next();
  other.waiter.arm(0, 60);
  await later;
  assert.equal(calls, [true]);
});

test('a waiter closed while it waits never calls, and refuses to be used', async () => {
  const buffer = mapped(memory('hst-close'));
  const { waiter, calls } = waiterOn(buffer);
  waiter.arm(0);
  await waitUntil('the thread waits', () => futexWake(buffer, 0, 1) === 1);
  waiter.close();
  waiter.close();
  assert.is(futexWake(buffer, 0, 1), 0);
  assert.instance(thrown(() => waiter.arm(0)), ClosedError);
  await new Promise(setImmediate);
  assert.is(calls.length, 0);
});

test('a waiter may be closed from its own callback, and outlives its unmapped buffer', async () => {
  const buffer = mapMemory(memory('hst-pinned'), 0, page);
  const { waiter, next } = waiterOn(buffer);
  const woken = next().then(() => waiter.close());
  waiter.arm(0, 20);
  unmapMemory(buffer);
  assert.is(mappingsOf('hst-pinned'), 1, 'the waiter still has the pages');
  await woken;
  assert.ok(waiter.closed);
});

test('a waiter that does not keep the loop lets the process end', () => {
  const script = `import { createMemory, mapMemory, FutexWaiter } from 'bpf-loader';
    const buffer = mapMemory(createMemory('hst-loop', 4096), 0, 4096);
    new FutexWaiter(buffer, 0, () => {}, { keepLoop: false }).arm(0);`;
  const args = ['--input-type=module', '-e', script];
  const run = spawnSync(process.execPath, args, { timeout: 20_000, encoding: 'utf8' });
  assert.is(run.status, 0, run.stderr);
});

test('an error thrown by a callback is an uncaught exception', () => {
  const script = `import { createMemory, mapMemory, FutexWaiter } from 'bpf-loader';
    const buffer = mapMemory(createMemory('hst-throw', 4096), 0, 4096);
    const waiter = new FutexWaiter(buffer, 0, () => { throw new Error('from the callback'); });
    process.on('uncaughtException', (error) => { console.log(error.message); waiter.close(); });
    waiter.arm(1);`;
  const args = ['--input-type=module', '-e', script];
  const run = spawnSync(process.execPath, args, { timeout: 20_000, encoding: 'utf8' });
  assert.is(run.status, 0, run.stderr);
  assert.is(run.stdout, 'from the callback\n');
});

test('a worker ended while its waiters wait leaves no thread and no mapping', async () => {
  const fd = memory('hst-worker');
  const words = new Int32Array(mapped(fd));
  const threads = (): number => {
    const status = spawnSync('ls', [`/proc/${process.pid}/task`], { encoding: 'utf8' }).stdout;
    return status.trim().split('\n').length;
  };
  const before = threads();
  for (let round = 0; round < 10; round++) {
    const worker = startWorker('fixture-waiting.mjs', fd);
    const [ready] = await within('the worker', once(worker, 'message')) as [string];
    assert.is(ready, 'waiting');
    // Wakes are under way while it ends.
    Atomics.add(words, 0, 1);
    futexWake(words.buffer as ArrayBuffer, 0, 100);
    await within('its end', worker.terminate());
  }
  await waitUntil('threads joined', () => threads() <= before);
  assert.is(mappingsOf('hst-worker'), 1);
});

test('the addon links no OpenSSL', () => {
  const file = new URL('../../addon/build/Release/bpf_loader.node', import.meta.url);
  assert.ok(existsSync(file));
  const linked = spawnSync('ldd', [file.pathname], { encoding: 'utf8' }).stdout;
  assert.match(linked, /libbpf/);
  assert.not.match(linked, /libssl|libcrypto/);
});

test.run();
