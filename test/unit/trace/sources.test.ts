/* sources.test.ts: the judge names each planted source, with how often, from where and what the
 * shim does about it; and it names nothing that was not planted. */
import * as assert from 'uvu/assert';
import { sourceKinds, sourceOf, strayNames } from '../../../src/calls/sources.js';
import { calls } from '../../../src/calls/table.js';
import { suite } from '../../support/suite.js';
import {
  argument, call, causeOf, judged, namedIn, nrOf, process, site, type Planted,
} from './planted.js';

const test = suite('hs-trace: sources');

/** A class of source, what plants it, and all that the report may name. */
const planted: readonly (readonly [string, Planted, readonly string[]])[] = [
  ['time', { calls: [call('clock_gettime', 5)] }, ['time clock_gettime']],
  ['time without a call', { library: [{ name: 'clock_gettime', file: '/lib/libc.so', count: 9 }] },
    ['time clock_gettime']],
  ['randomness', { calls: [call('getrandom', 2)] }, ['randomness getrandom']],
  ['random devices', {
    calls: [call('openat')], arguments: [argument('openat', 'path', '/dev/urandom')],
  }, ['files openat', 'randomness /dev/urandom']],
  ['ids', { calls: [call('getpid'), call('gettid', 3)] }, ['ids getpid', 'ids gettid']],
  ['network input', { calls: [call('recvfrom', 8), call('recvmsg', 2)] },
    ['network recvfrom', 'network recvmsg']],
  ['accept and readiness order', { calls: [call('accept4', 8), call('epoll_wait', 20)] },
    ['readiness accept4', 'readiness epoll_wait']],
  ['data read', { calls: [call('read', 40)] }, ['input read']],
  ['locks', { calls: [call('futex', 40)] }, ['threads futex']],
  ['ends of children', { calls: [call('wait4')] }, ['processes wait4']],
  ['signals', { processes: [process({ signals: { 10: 3, 14: 0 } })] }, ['signals SIGUSR1']],
  ['files', { calls: [call('newfstatat', 2), call('getdents64')] },
    ['files getdents64', 'files newfstatat']],
  ['devices', {
    calls: [call('ioctl')], arguments: [argument('openat', 'path', '/dev/net/tun')],
  }, ['devices /dev/net/tun', 'devices ioctl']],
  ['shared memory', { shared: [{ what: 'anonymous', bytes: 4096, pids: [100] }] },
    ['sharedMemory anonymous']],
  ['addresses', { calls: [call('mmap', 7)] }, ['addresses mmap']],
  ['facts of the host', { calls: [call('uname')] }, ['host uname']],
  ['instructions', { code: { '/bin/subject': ['rdtsc', 'rdtsc', 'none', 'unknown'] } },
    ['instructions rdtsc']],
  ['instructions that were executed', {
    code: { '/bin/subject': ['rdpmc'] },
    library: [{ name: 'rdpmc', file: '/bin/subject', count: 4 }],
  }, ['instructions rdpmc']],
  ['calls nobody knows', { calls: [call('syscall_500')] }, ['unknown syscall_500']],
  ['calls that let nothing in', {
    calls: [call('write', 9), call('close', 9), call('munmap'), call('exit_group'),
      call('rt_sigprocmask', 3), call('kill'), call('socket'), call('pipe2')],
  }, []],
  ['a call that was never made', { calls: [call('getrandom', 0)] }, []],
  ['nothing', {}, []],
];

for (const [title, plant, expected] of planted) {
  test(`${title}: what was planted is named, and nothing else`, async () => {
    assert.equal(namedIn(await judged(plant)), [...expected].sort());
  });
}

test('every kind of source has a class that plants it', async () => {
  const reports = await Promise.all(planted.map(([, plant]) => judged(plant)));
  const kinds = new Set(reports.flatMap(({ sources }) => sources.map(({ kind }) => kind)));
  assert.equal([...kinds].sort(), Object.keys(sourceKinds).sort());
});

test('a source says how often, from where, and what the shim does', async () => {
  const report = await judged({
    calls: [call('getrandom', 7, { errors: 1 })],
    sites: [
      site('getrandom', '/lib/libc.so.6', 'getentropy', 2),
      site('getrandom', '/lib/libcrypto.so.3', 'syscall_random', 5),
      site('read', '/lib/libc.so.6', 'read', 99),
    ],
  });
  const cause = causeOf(report, 'getrandom');
  assert.is(cause.count, 7);
  assert.is(cause.errors, 1);
  assert.is(cause.treatment, 'replayed');
  assert.match(cause.how, /backup is given/);
  assert.equal(cause.places.map(({ file, count }) => [file, count]),
    [['/lib/libcrypto.so.3', 5], ['/lib/libc.so.6', 2]]);
});

test("the row's own reason is given where it has one", async () => {
  const report = await judged({ calls: [call('mincore'), call('io_uring_setup')] });
  assert.match(causeOf(report, 'mincore').how, /resident differs between hosts/);
  assert.is(causeOf(report, 'io_uring_setup').treatment, 'refused');
});

test('counts over time are those of its calls', async () => {
  const timeline = {
    windowMs: 100, calls: { [nrOf('time')]: [1, 0, 2], [nrOf('clock_gettime')]: [0, 5] },
  };
  const report = await judged({ calls: [call('time', 3), call('clock_gettime', 5)], timeline });
  assert.equal(report.sources[0]!.timeline, [1, 5, 2, 0, 0, 0, 0, 0, 0, 0]);
  assert.is(report.sources[0]!.count, 8);
});

test('every row has a kind or lets nothing in, and no name is a row of nobody', () => {
  assert.equal(strayNames(), []);
  for (const row of calls) {
    const kind = sourceOf(row);
    assert.ok(kind === null || kind in sourceKinds, row.name);
  }
});

test.run();
