/* bpf.test.ts: objects are loaded, attached, counted, streamed and gone afterwards, and every
 * refusal says why. Each test looks only at processes it started and programs it named. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import * as assert from 'uvu/assert';
import {
  ArgumentError, ClosedError, NativeError, features, open, type BpfObject,
} from 'bpf-loader';
import { suite } from '../support/suite.js';
import { withTracefs } from '../support/tracefs.js';
import {
  Cleanups, HeldChild, compileBpf, programsNamed, runFixture, thrown, unloaded, waitUntil, within,
} from './support.js';

const writeCall = 1;
const cleanups = new Cleanups();
const test = suite('bpf');
test.after.each(() => cleanups.run());

/** probe.bpf.c with only the programs named, not yet loaded. */
function openProbe(): BpfObject {
  return cleanups.own(open(compileBpf('probe'), { name: 'probe' }));
}

function loadProbe(...wanted: string[]): BpfObject {
  const object = openProbe();
  const skip = object.programs.map(({ name }) => name).filter((name) => !wanted.includes(name));
  return object.load({ skip });
}

/** probe.bpf.c that streams write calls into a ring of that many bytes; attached. */
function loadStream(ringBytes: number): BpfObject {
  const object = openProbe();
  object.map('events').setMaxEntries(ringBytes);
  const settings = Buffer.alloc(4);
  settings.writeUInt32LE(writeCall);
  assert.is(object.map('.rodata').initialValue().readUInt32LE(), 0xffffffff);
  object.map('.rodata').setInitialValue(settings);
  const others = object.programs.map(({ name }) => name).filter((name) => name !== 'hst_stream');
  object.load({ skip: others });
  object.attach('hst_stream');
  return object;
}

/** dd that makes exactly `writes` write calls. */
const ddCommand = (writes: number): string =>
  `dd if=/dev/zero of=/dev/null bs=1 count=${writes} status=none`;

test('an object shows its programs and maps before it is loaded', () => {
  const object = openProbe();
  assert.is(object.programs.find(({ name }) => name === 'hst_uprobe')?.section, 'uprobe');
  assert.is(object.map('counts').type, 'percpu_array');
  assert.is(object.map('counts').maxEntries, 512);
  assert.is(object.map('pids').keySize, 4);
  assert.is(object.loaded, false);
});

test('the system calls of a child are counted by number, summed over the CPUs', async () => {
  const object = loadProbe('hst_count');
  object.attach('hst_count');
  const child = new HeldChild(ddCommand(20_000), cleanups);
  object.map('pids').set(child.pid, 1);
  assert.is(await child.go(), 0);
  const counts = object.perCpuSum('counts');
  assert.is(counts.length, 512);
  assert.is(counts[writeCall], 20_000n);
  assert.ok((counts[0] ?? 0n) >= 20_000n, 'reads');
  object.close();
  await unloaded('hst_count');
});

test('100,000 events come through the ring buffer in batches, each once and in order', async () => {
  const object = loadStream(1 << 23);
  let batches = 0;
  let events = 0;
  const nextOfCpu = new Map<number, bigint>();
  const ring = object.ringBuffer('events', (batch, offsets, lengths) => {
    batches++;
    events += offsets.length;
    const view = new DataView(batch);
    offsets.forEach((at, i) => {
      assert.is(lengths[i], 16);
      const number = view.getBigUint64(at, true);
      const cpu = view.getUint32(at + 8, true);
      assert.is(number, nextOfCpu.get(cpu) ?? 0n);
      nextOfCpu.set(cpu, number + 1n);
    });
  });
  const child = new HeldChild(ddCommand(100_000), cleanups);
  object.map('pids').set(child.pid, 1);
  assert.is(await child.go(), 0);
  await within('flush', ring.flush());

  const [sent, lost] = object.perCpuSum('totals');
  assert.is(lost, 0n);
  assert.is(sent, 100_000n);
  assert.is(events, 100_000);
  assert.ok(batches < 10_000, `${batches} batches`);
});

test('a consumer that lags gets one batch a turn of the loop, so timers get theirs', async () => {
  const object = loadStream(1 << 24);
  let turn = 0;
  const turns: number[] = [];
  let isCounting = true;
  const count = (): void => {
    turn++;
    if (isCounting) setImmediate(count);
  };
  count();
  const ring = object.ringBuffer('events', () => {
    turns.push(turn);
    const until = performance.now() + 20;
    while (performance.now() < until); // meanwhile the thread fills the next ones
  });
  const child = new HeldChild(ddCommand(100_000), cleanups);
  object.map('pids').set(child.pid, 1);
  await child.go();
  await within('flush', ring.flush());
  isCounting = false;
  assert.ok(turns.length > 2, `${turns.length} batches`);
  assert.is(new Set(turns).size, turns.length, turns.join(' '));
});

test('what does not fit into a small ring is counted, so losses are exact', async () => {
  const object = loadStream(4096);
  let events = 0;
  const count = (_: ArrayBuffer, offsets: Uint32Array): void => { events += offsets.length; };
  const ring = object.ringBuffer('events', count, { pollMs: 5_000 });
  const child = new HeldChild(ddCommand(5_000), cleanups);
  object.map('pids').set(child.pid, 1);
  await child.go();
  await within('flush', ring.flush());
  const [sent = 0n, lost = 0n] = object.perCpuSum('totals');
  assert.is(sent + lost, 5_000n);
  assert.ok(lost > 0n);
  assert.is(events, Number(sent));
});

test('a ring buffer closed with its object rejects the flush that waits', async () => {
  const object = loadProbe('hst_stream');
  const ring = object.ringBuffer('events', () => undefined, { pollMs: 10_000 });
  const flush = ring.flush().then(() => undefined, (error: unknown) => error);
  object.close();
  assert.instance(await within('its end', flush), ClosedError);
  assert.ok(ring.closed);
  assert.instance(thrown(() => void ring.flush()), ClosedError);
});

test('hash maps are set, read, listed and cleared', () => {
  const pids = loadProbe('hst_count').map('pids');
  pids.set(7, 70);
  pids.set(Buffer.from([8, 0, 0, 0]), Buffer.from([80, 0, 0, 0]));
  assert.equal(pids.get(7), Buffer.from([70, 0, 0, 0]));
  assert.is(pids.get(9), undefined);
  assert.is(thrown(() => pids.set(7, 1, { when: 'create' })).code, 'EEXIST');
  assert.is(thrown(() => pids.set(9, 1, { when: 'exist' })).code, 'ENOENT');
  pids.setMany([[1, 10], [2, 20], [3, 30]]);
  const listed = pids.entries().map(([key, value]) => [key.readUInt32LE(), value.readUInt32LE()]);
  listed.sort(([a = 0], [b = 0]) => a - b);
  assert.equal(listed, [[1, 10], [2, 20], [3, 30], [7, 70], [8, 80]]);
  assert.is(pids.delete(1), true);
  assert.is(pids.delete(1), false);
  assert.is(pids.entries().length, 4);
});

test('a per-CPU hash is summed by key, word by word', () => {
  const map = loadProbe('hst_count').map('by_key');
  const cpus = map.bytesPerEntry / map.valueSize;
  const words = Array.from({ length: cpus }, (_, cpu) => [BigInt(cpu + 1), 2n ** 40n]).flat();
  map.set(5n, new Uint8Array(new BigUint64Array(words).buffer));
  const [entry] = map.perCpuSumByKey();
  assert.is(entry?.[0].readBigUInt64LE(), 5n);
  const sum = BigInt((cpus * (cpus + 1)) / 2);
  assert.equal(entry && [...entry[1]], [sum, BigInt(cpus) * 2n ** 40n]);
});

test('a mapped array shows the kernel\'s values and is detached by close', () => {
  const object = loadProbe('hst_count');
  const map = object.map('shared');
  const words = new BigUint64Array(map.mmap());
  assert.is(words.length, 1000);
  words[999] = 77n;
  assert.is(map.get(999)?.readBigUInt64LE(), 77n);
  map.set(3, 33n);
  assert.is(Atomics.load(words, 3), 33n);
  object.close();
  assert.is(words.length, 0);
});

test('tp_btf sees the exit of the child', async () => {
  const object = loadProbe('hst_exit');
  object.attach('hst_exit');
  const child = new HeldChild('true', cleanups);
  object.map('pids').set(child.pid, 1);
  await child.go();
  assert.is(object.map('shared').get(0)?.readBigUInt64LE(), 1n);
});

test('a tracepoint sees the calls of a child, given tracefs', () => {
  const object = join(mkdtempSync(join(tmpdir(), 'hst-')), 'probe.bpf.o');
  cleanups.add(() => rmSync(join(object, '..'), { recursive: true }));
  writeFileSync(object, compileBpf('probe'));
  const said = JSON.parse(runFixture(withTracefs([]), 'fixture-tracepoint.mjs', object)) as {
    calls: number;
  };
  assert.ok(said.calls > 0);
});

test('uprobe and uretprobe count a library function of one process', () => {
  const libc = /\S+\/libc\.so\.6/.exec(readFileSync('/proc/self/maps', 'utf8'))?.[0] ?? '';
  const object = loadProbe('hst_uprobe', 'hst_uretprobe');
  const target = { binary: libc, symbol: 'getppid', pid: process.pid };
  const links = ['hst_uprobe', 'hst_uretprobe'].map((name) => object.attach(name, target));
  const counts = (): bigint[] =>
    [2, 3].map((at) => object.map('shared').get(at)?.readBigUInt64LE() ?? -1n);
  for (let i = 0; i < 5; i++) assert.ok(process.ppid > 0);
  assert.equal(counts(), [5n, 5n]);
  links[0]?.close();
  assert.ok(process.ppid > 0);
  assert.equal(counts(), [5n, 6n]);
  const nowhere = { binary: libc, symbol: 'no_such_one' };
  const missing = thrown(() => object.attach('hst_uprobe', nowhere));
  assert.is(missing.code, 'ENOENT');
  assert.instance(thrown(() => object.attach('hst_uprobe')), ArgumentError);
});

test('cgroup_skb and sockops see the traffic of their cgroup only', async () => {
  const root = /^\S+ (\S+) cgroup2 /m.exec(readFileSync('/proc/mounts', 'utf8'))?.[1];
  assert.ok(root, 'a cgroup v2 mount');
  const cgroup = mkdtempSync(join(root, 'hst-'));
  cleanups.add(() => waitUntil('cgroup removed', () => {
    try {
      rmdirSync(cgroup);
      return true;
    } catch {
      return false; // the child is still being taken out of it
    }
  }));
  const object = loadProbe('hst_cgroup', 'hst_sockops');
  object.attach('hst_cgroup', { cgroup });
  object.attach('hst_sockops', { cgroup });
  // One datagram and one refused connection, both to a loopback port that nobody listens on.
  const traffic = 'echo x > /dev/udp/127.0.0.1/9; exec 3<> /dev/tcp/127.0.0.1/9';
  const script = `echo $$ > ${cgroup}/cgroup.procs && ${traffic}`;
  const child = spawn('bash', ['-c', script], { stdio: 'ignore' });
  await within('the child', once(child, 'exit'));
  const [packets = 0n, events = 0n] =
    [4, 5].map((at) => object.map('shared').get(at)?.readBigUInt64LE() ?? 0n);
  assert.ok(packets >= 2n, `${packets} packets`);
  assert.ok(events >= 1n, `${events} events`);
  const missing = thrown(() => object.attach('hst_cgroup', { cgroup: `${cgroup}/none` }));
  assert.is(missing.code, 'ENOENT');
});

test('what is no object file is refused with a reason', () => {
  const error = thrown(() => open(Buffer.from('no object'), { name: 'nonsense' }));
  assert.instance(error, NativeError);
  assert.match(error.message, /open nonsense/);
  assert.ok(String(error.log).length > 0);
  assert.is(thrown(() => open('/nonexistent/x.bpf.o')).code, 'ENOENT');
  assert.instance(thrown(() => open(5 as unknown as string)), ArgumentError);
  assert.throws(() => open(compileBpf('probe').subarray(0, 1000)));
});

test('a refused program\'s error carries the verifier\'s log', () => {
  const object = cleanups.own(open(compileBpf('refused'), { name: 'refused' }));
  const error = thrown(() => object.load());
  assert.instance(error, NativeError);
  assert.is(error.code, 'EACCES');
  assert.match(String(error.verifierLog), /invalid mem access/);
  assert.match(error.message, /hst_refused/);
  assert.not.match(error.message, /root is needed/);
});

test('a missing program or map is named with what there is', () => {
  const object = openProbe();
  const nobody = thrown(() => object.attach('nobody'));
  assert.match(nobody.message, /no program nobody; it has .*hst_count/);
  assert.match(thrown(() => object.map('nobody')).message, /no map nobody; it has .*counts/);
  assert.match(thrown(() => object.attach('hst_count')).message, /must be loaded/);
  assert.match(thrown(() => object.map('pids').get(1)).message, /not there before load/);
  assert.instance(thrown(() => object.load({ skip: ['nobody'] })), ArgumentError);
});

test('keys and values of the wrong size never reach the kernel', () => {
  const object = loadProbe('hst_count');
  const pids = object.map('pids');
  assert.instance(thrown(() => pids.get(Buffer.alloc(3))), ArgumentError);
  assert.instance(thrown(() => pids.set(1, Buffer.alloc(8))), ArgumentError);
  assert.instance(thrown(() => pids.set(1.5, 1)), ArgumentError);
  assert.instance(thrown(() => pids.perCpuSum()), ArgumentError);
  assert.instance(thrown(() => pids.mmap()), ArgumentError);
  assert.instance(thrown(() => pids.setMaxEntries(5)), ArgumentError);
  assert.instance(thrown(() => object.ringBuffer('pids', () => undefined)), ArgumentError);
});

test('everything of a closed object refuses to be used, and closing twice is fine', async () => {
  const object = loadProbe('hst_count');
  const map = object.map('pids');
  const link = object.attach('hst_count');
  object.close();
  object.close();
  link.close();
  assert.ok(link.closed);
  for (const use of [
    () => map.get(1), () => map.set(1, 1), () => map.entries(), () => map.fd, () => map.mmap(),
    () => object.load(), () => object.attach('hst_count'), () => object.map('pids'),
    () => object.perCpuSum('counts'), () => object.ringBuffer('events', () => undefined),
  ]) assert.instance(thrown(use), ClosedError);
  await unloaded('hst_count');
});

test('without privilege the refusal says what is needed', () => {
  const object = join(mkdtempSync(join(tmpdir(), 'hst-')), 'probe.bpf.o');
  cleanups.add(() => rmSync(join(object, '..'), { recursive: true }));
  writeFileSync(object, compileBpf('probe'));
  spawnSync('chmod', ['-R', 'a+rX', join(object, '..')]);
  const nobody = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'];
  const said = JSON.parse(runFixture(nobody, 'fixture-nobody.mjs', object)) as
    { code: string; message: string; features: ReturnType<typeof features> };
  assert.is(said.code, 'EPERM');
  assert.match(said.message, /root is needed, or CAP_BPF/);
  assert.is(said.features.raw_tp.available, false);
});

test('features names everything, and agrees with what was attached above', () => {
  const found = features();
  assert.is(Object.keys(found).length, 15);
  for (const name of ['raw_tp', 'tp_btf', 'ringbuf', 'uprobe', 'cgroup_skb', 'sockops'] as const) {
    assert.ok(found[name].available, name);
  }
  for (const one of Object.values(found)) {
    if (!one.available) assert.ok(one.errno > 0 && one.code !== '?', JSON.stringify(one));
  }
  assert.equal(programsNamed('hs_probe'), []);
});

test('a worker ended while it streams leaves no program behind', async () => {
  const bytes = compileBpf('probe');
  for (let round = 0; round < 3; round++) {
    const url = new URL('fixture-streaming.mjs', import.meta.url);
    const worker = new Worker(url, { workerData: { bytes }, execArgv: [] });
    cleanups.add(() => worker.terminate());
    await within('the first batch', once(worker, 'message'));
    await within('its end', worker.terminate());
  }
  await unloaded('hst_stream');
});

test.run();
