/* Every planted source of programs/sources.c is in the Observation, with its count and where it
 * came from; and hs-trace leaves nothing behind, however it ends.
 * The rule: a test waits for a condition with a bound, and ends what it started. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { observe, type Observed } from '../../src/trace/observe/index.js';
import type { Observation } from '../../src/trace/observation.js';
import { suite } from '../support/suite.js';
import { Room, heldBpf, hsTrace, watch } from './support.js';

const test = suite('sources that hs-trace sees');
const room = new Room();
test.after(() => room[Symbol.dispose]());

let seen: Observed | undefined;
const observed = async (): Promise<Observation> =>
  (seen ??= await watch([room.program('sources', ['-g'])], 'full')).observation;

const nrOf = (it: Observation, name: string): number =>
  it.calls.find((call) => call.name === name)?.nr ?? -1;
const argumentsOf = (it: Observation, name: string): string[] =>
  it.arguments.filter(({ nr }) => nr === nrOf(it, name))
    .map(({ label, value, count }) => `${label} ${value} ${count}`).sort();

test('the program ended well, and nothing was lost', async () => {
  const { lostPerCpu, gaps } = await observed();
  assert.is(seen?.end?.exitCode, 0);
  assert.ok(lostPerCpu.every((lost) => lost === 0));
  assert.ok(gaps.every((gap) => /lead straight into the vDSO/.test(gap)), gaps.join('\n'));
});

test('arguments that decide what a call means', async () => {
  const it = await observed();
  assert.equal(argumentsOf(it, 'socket'), [
    'family AF_INET 1', 'family AF_UNIX 1', 'type SOCK_DGRAM|SOCK_CLOEXEC 1', 'type SOCK_STREAM 1',
  ]);
  assert.equal(argumentsOf(it, 'bind'), ['family AF_UNIX 1']);
  assert.equal(argumentsOf(it, 'ioctl'), ['request 0x541b 1']);
  assert.equal(argumentsOf(it, 'prctl'), ['option 3 1']);
  assert.equal(argumentsOf(it, 'io_uring_setup'), ['entries 4 1']);
  assert.ok(argumentsOf(it, 'futex').includes('operation FUTEX_WAKE 1'));
  const paths = it.arguments.filter(({ label }) => label === 'path').map(({ value }) => value);
  assert.ok(paths.includes('/dev/urandom') && paths.includes('/proc/uptime'), paths.join());
});

test('reads of the clock that make no call are counted', async () => {
  const { library, calls } = await observed();
  const clock = library.find(({ name }) => name === 'clock_gettime');
  assert.is(clock?.count, 37);
  assert.match(clock!.file, /libc/);
  assert.not(calls.some(({ name }) => name === 'clock_gettime'));
});

test('a call is known by file and symbol', async () => {
  const it = await observed();
  const sites = it.sites.filter(({ nr }) => nr === nrOf(it, 'getppid'));
  assert.is(sites.length, 1);
  assert.match(sites[0]!.file, /libc\.so/);
  assert.is(sites[0]!.symbol, 'syscall');
  const counted = new Map(it.calls.map(({ nr, count }) => [nr, count]));
  const bySite = new Map<number, number>();
  for (const { nr, count } of it.sites) bySite.set(nr, (bySite.get(nr) ?? 0) + count);
  for (const [nr, count] of bySite) assert.ok(count <= counted.get(nr)!, `${nr}`);
  const share = [...bySite.values()].reduce((a, b) => a + b, 0) / it.events;
  assert.ok(share > 0.98, `only ${share} of the calls have a place`);
});

test('processes, their signals and their ends', async () => {
  const { processes } = await observed();
  assert.is(processes.length, 2);
  const [parent, child] = processes;
  assert.is(parent!.exe, room.program('sources', ['-g']));
  assert.equal(parent!.signals, { 12: 3 });
  assert.is(child!.parent, parent!.pid);
  assert.equal(child!.exit, { code: 9, signal: 0 });
  assert.equal(parent!.exit, { code: 0, signal: 0 });
  assert.ok(parent!.files.some(({ path, isExecutable }) => isExecutable && /libc/.test(path)));
});

test('memory that several can write', async () => {
  const { shared, processes } = await observed();
  const pids = processes.map(({ pid }) => pid);
  const anonymous = shared.find(({ what }) => what === 'anonymous');
  assert.equal(anonymous, { what: 'anonymous', bytes: 8192, pids });
  assert.ok(shared.some(({ what }) => what === 'memfd:planted'), JSON.stringify(shared));
  assert.ok(shared.some(({ what }) => /^sysv:/.test(what)), JSON.stringify(shared));
});

test('windows of the timeline add up to the counts', async () => {
  const { timeline, calls } = await observed();
  for (const { nr, count, name } of calls) {
    assert.is(timeline!.calls[nr]!.reduce((a, b) => a + b, 0), count, name);
  }
});

/** A shell with a thread of nothing: it waits until its input ends. */
function waiting(): ChildProcess {
  return spawn('sh', ['-c', 'while read line; do cd /; done'],
    { stdio: ['pipe', 'ignore', 'ignore'] });
}

test('a running process is watched until -d has passed, and lives on', async () => {
  const child = waiting();
  try {
    const feeding = setInterval(() => child.stdin!.write('again\n'.repeat(10)), 5);
    const { observation, because } = await observe({
      subject: child.pid!, detail: 'full', durationMs: 400, signal: AbortSignal.timeout(30_000),
    });
    clearInterval(feeding);
    assert.is(because, 'duration');
    assert.is(observation.command, null);
    assert.ok(observation.calls.some(({ name, count }) => name === 'chdir' && count > 5));
    assert.match(observation.processes[0]!.exe ?? '', /sh$/);
    assert.is(child.exitCode, null);
  } finally {
    child.stdin!.end();
    await once(child, 'exit');
  }
});

test('the end of a watched process is the end of the watching', async () => {
  const child = waiting();
  const watching = observe({
    subject: child.pid!, detail: 'counts', signal: AbortSignal.timeout(30_000),
  });
  setTimeout(() => child.stdin!.end(), 100);
  const [{ because, observation }] = await Promise.all([watching, once(child, 'exit')]);
  assert.is(because, 'end');
  assert.equal(observation.processes[0]!.exit, { code: 0, signal: 0 });
});

test('an interruption ends the command and gives what was seen', async () => {
  const controller = new AbortController();
  let programs = 0;
  const { because, end, observation } = await observe({
    subject: ['sh', '-c', 'sleep 100 & wait'], detail: 'full', signal: controller.signal,
    onEvents: (events) => {
      programs += events.filter(({ call }) => call === 'execve').length;
      if (programs === 2) controller.abort();
    },
  });
  assert.is(because, 'interruption');
  assert.is(end?.exitSignal, 'SIGTERM');
  assert.ok(observation.events > 20);
  for (const { pid } of observation.processes) {
    // What nobody has waited for yet is listed, but has no program any more.
    assert.not(existsSync(`/proc/${pid}/exe`), `process ${pid} is still there`);
  }
});

test('nothing of it is left in the kernel, also after a failure', async () => {
  assert.equal(heldBpf(), []);
  const watching = watch(['sleep', '0.1'], 'full');
  await new Promise((resolve) => setImmediate(resolve));
  assert.ok(heldBpf().length > 10, 'the test sees what is held');
  await watching;
  let message = '';
  await observe({ subject: 0x3ffff0, detail: 'full', signal: AbortSignal.timeout(10_000) })
    .catch((error: unknown) => { message = String(error); });
  assert.match(message, /there is no process 4194288/);
  await observe({ subject: ['/'], detail: 'counts', signal: AbortSignal.timeout(10_000) })
    .catch(() => {});
  assert.equal(heldBpf(), []);
});

test('the command tells mistakes in one sentence, and ends as its program ends', async () => {
  const cases: [string[], number, RegExp][] = [
    [[], 2, /nothing to watch/],
    [['-p', 'x'], 2, /-p x is no process id/],
    [['-p', '4194288'], 2, /there is no process 4194288/],
    [['-d', '0', '--', 'true'], 2, /-d 0 is no number of seconds/],
    [['-p', '1', '--', 'true'], 2, /not both/],
    [['--detail', 'most', '--', 'true'], 2, /most/],
    [['--html', '/no/such/folder/a.html', '--', 'true'], 2, /cannot be written \(ENOENT\)/],
    [['--', 'no-such-program'], 2, /no-such-program/],
    [['--detail', 'counts', '--', 'sh', '-c', 'exit 5'], 5, /^$/],
    [['--detail', 'counts', '--', 'sh', '-c', 'kill -9 $$'], 137, /^$/],
  ];
  for (const [args, status, message] of cases) {
    const result = await hsTrace(args);
    assert.is(result.status, status, `${args.join(' ')}: ${result.stderr}`);
    assert.match(result.stderr, message);
    assert.ok(result.stderr.trim().split('\n').length <= 1, result.stderr);
  }
}, 200_000);

test('every event is streamed, and the last line is the report', async () => {
  const { stdout, status } = await hsTrace(
    ['--json', '--events', '--detail', 'latencies', '--', room.program('tree'), '2000']);
  assert.is(status, 7);
  const lines = stdout.trim().split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  const report = lines.pop()!;
  assert.is(report['lost'], 0);
  assert.is(lines.length, report['events']);
  assert.is(lines.filter(({ call }) => call === 'getppid').length, 4000);
});

test.run();
