/* verdict.test.ts: one test for each rule of the verdict: what it finds, what it leaves alone, and
 * what it says to do. */
import * as assert from 'uvu/assert';
import { HS_MAX_SLOTS } from '../../../src/channel/layout.js';
import { ruleNames } from '../../../src/trace/judge/index.js';
import { mostThreads } from '../../../src/trace/judge/rules/sharing.js';
import { suite } from '../../support/suite.js';
import { argument, call, judged, process, rulesOf, type Planted } from './planted.js';

const test = suite('hs-trace: verdict');
const tested = new Set<string>();

/** What the rule alone must make of it. */
function rule(name: string, title: string, plant: Planted, expected: {
  verdict?: string; effect?: string; because?: RegExp; change?: RegExp;
}): void {
  tested.add(name);
  test(`${name}: ${title}`, async () => {
    const report = await judged({ calls: [call('write')], ...plant });
    const { effect } = expected;
    const own = report.findings.filter((each) => each.rule === name);
    if (effect === undefined) assert.equal(own, []);
    else assert.ok(own.some((each) => each.effect === effect), JSON.stringify(own));
    const found = own.find((each) => each.effect === effect);
    if (expected.because) assert.match(found!.because, expected.because);
    if (expected.change) assert.match(found!.change ?? '', expected.change);
    const byEffect: Record<string, string> = {
      prevents: 'not replicable', serial: 'replicable with --schedule serial',
    };
    assert.is(report.verdict, expected.verdict ?? byEffect[effect ?? ''] ?? 'replicable');
  });
}

test('nothing special: replicable, and nothing to say', async () => {
  const report = await judged({ calls: [call('read', 3), call('write', 3), call('getpid')] });
  assert.is(report.verdict, 'replicable');
  assert.is(report.sentence, 'replicable');
  assert.equal(report.findings, []);
});

rule('unknown-call', 'a call without a row prevents it, by name',
  { calls: [call('syscall_500', 3)] },
  { effect: 'prevents', because: /syscall_500 .*3 times/, change: /hs-replicate record/ });
rule('unknown-call', 'one that the kernel refused too does not',
  { calls: [call('syscall_500', 3, { errors: 3 })] }, {});

rule('refused-call', 'io_uring prevents it, and is named once for all its calls',
  { calls: [call('io_uring_setup', 1), call('io_uring_enter', 40), call('read')] },
  { effect: 'prevents', because: /io_uring_setup and io_uring_enter.*unseen/, change: /io_uring/ });
rule('refused-call', 'one that failed natively changes nothing',
  { calls: [call('io_uring_setup', 1, { errors: 1 })] }, {});
rule('refused-call', 'what the C library is made for is a note',
  { calls: [call('rseq'), call('clone3', 3)] }, { effect: 'note' });
rule('refused-call', 'userfaultfd prevents it', { calls: [call('userfaultfd')] },
  { effect: 'prevents', because: /userfaultfd/ });

const seccomp = { calls: [call('prctl', 4)] };
rule('refused-argument', 'a seccomp filter by prctl prevents it',
  { ...seccomp, arguments: [argument('prctl', 'option', '22')] },
  { effect: 'prevents', because: /PR_SET_SECCOMP .*EINVAL/, change: /sandbox/ });
rule('refused-argument', 'also when it is given by name',
  { ...seccomp, arguments: [argument('prctl', 'option', 'PR_SET_SECCOMP')] },
  { effect: 'prevents', because: /PR_SET_SECCOMP/ });
rule('refused-argument', 'other options do not',
  { ...seccomp, arguments: [argument('prctl', 'option', '15', 4)] }, {});
rule('refused-argument', 'a new namespace prevents it',
  { calls: [call('clone')], arguments: [argument('clone', 'flags', '0x20000011')] },
  { effect: 'prevents', because: /CLONE_NEW/ });
rule('refused-argument', 'a namespace by name prevents it',
  { calls: [call('clone')], arguments: [argument('clone', 'flags', 'CLONE_NEWPID|SIGCHLD')] },
  { effect: 'prevents', because: /CLONE_NEW/ });
rule('refused-argument', 'memory shared without a thread prevents it, a thread does not',
  { calls: [call('clone', 2)], arguments: [
    argument('clone', 'flags', 'CLONE_VM|CLONE_THREAD|CLONE_FS'),
    argument('clone', 'flags', 'CLONE_VM|CLONE_FS')] },
  { effect: 'prevents', because: /CLONE_VM without CLONE_THREAD or CLONE_VFORK \(once\)/ });
rule('refused-argument', 'clone3 comes to the same: its callers make clone instead',
  { calls: [call('clone3')], arguments: [argument('clone3', 'flags', 'CLONE_NEWNET')] },
  { effect: 'prevents', because: /CLONE_NEW/ });
rule('refused-argument', 'threads and vfork do not',
  { calls: [call('clone', 2)], arguments: [
    argument('clone', 'flags', '0x3d0f00'), argument('clone', 'flags', 'CLONE_VM|CLONE_VFORK')] },
  {});

rule('ioctl', 'a request that nothing speaks of prevents it',
  { calls: [call('ioctl')], arguments: [argument('ioctl', 'request', '0xae80')] },
  { effect: 'prevents', because: /0xae80/ });
rule('ioctl', 'known requests do not',
  { calls: [call('ioctl', 2)], arguments: [
    argument('ioctl', 'request', '0x5401'), argument('ioctl', 'request', '0x541b')] }, {});

rule('foreign-memory', 'a mapped device prevents it',
  { shared: [{ what: '/dev/dri/card0', bytes: 4096, pids: [100] }] },
  { effect: 'prevents', because: /card0/ });
rule('foreign-memory', 'memory of a kernel object prevents it',
  { shared: [{ what: 'anon_inode:[perf_event]', bytes: 4096, pids: [100] }] },
  { effect: 'prevents', because: /perf_event/ });
rule('foreign-memory', "a socket's ring prevents it: it goes by the protocol's name",
  { shared: [{ what: 'PACKET', bytes: 4096, pids: [100] }] },
  { effect: 'prevents', because: /PACKET/ });
rule('foreign-memory', 'registers of a device in /sys prevent it',
  { shared: [{ what: '/sys/bus/pci/devices/0000:00:02.0/resource0', bytes: 4096, pids: [100] }] },
  { effect: 'prevents', because: /resource0/ });
rule('foreign-memory', 'files, segments and named memory do not',
  { shared: ['/var/lib/x.db', 'memfd:x', 'sysv:26', '/dev/shm/x', '/dev/zero'].map((what) =>
    ({ what, bytes: 4096, pids: [100] })) }, {});
rule('foreign-memory', 'a process from outside prevents it',
  { shared: [{ what: '/dev/shm/x', bytes: 4096, pids: [100, 7] }] },
  { effect: 'prevents', because: /does not belong/ });
rule('foreign-memory', 'memory of its own does not',
  { shared: [{ what: 'anonymous', bytes: 4096, pids: [100] }] }, {});

rule('many-threads', 'more threads at once than there are slots prevent it',
  { processes: [process({ threadsMax: 5000, threadsEver: 5000 })] },
  { effect: 'prevents', because: /5,000.*4,096/ });
rule('many-threads', 'as many over its life do not',
  { processes: [process({ threadsMax: 1, threadsEver: 5000 })] }, {});

rule('instructions', "rdpmc in the program's own file prevents it",
  { code: { '/bin/subject': ['rdpmc'] } },
  { effect: 'prevents', because: /rdpmc/, change: /build/ });
rule('instructions', 'random bits of the processor do not',
  { code: { '/bin/subject': ['rdrand', 'rdseed', 'rdpid'] } }, {});
const library = [{ path: '/lib/x.so', isExecutable: true }];
rule('instructions', 'in a library it is a note',
  { processes: [process({ files: library })], code: { '/lib/x.so': ['xbegin'] } },
  { effect: 'note', because: /xbegin is in \/lib\/x.so/ });
rule('instructions', 'executed in a library it prevents it',
  {
    processes: [process({ files: library })], code: { '/lib/x.so': ['rdpmc'] },
    library: [{ name: 'rdpmc', file: '/lib/x.so', count: 3 }],
  }, { effect: 'prevents', because: /executed 3 times in \/lib\/x.so/ });
rule('threads', 'threads need one at a time',
  { processes: [process({ threadsMax: 4, threadsEver: 4 })], code: { '/bin/subject': ['lock'] } },
  { effect: 'serial', because: /up to 4 threads.*lock-prefixed/, change: /--schedule serial/ });
rule('threads', 'a thread after another does not', { processes: [process()] }, {});

rule('shared-memory', 'processes that share memory need one at a time',
  {
    processes: [process(), process({ pid: 101 })],
    shared: [{ what: 'anonymous', bytes: 4096, pids: [100, 101] }],
  }, { effect: 'serial', because: /processes share writable memory: anonymous/ });
rule('shared-memory', 'a mapping of one process does not',
  { shared: [{ what: 'memfd:x', bytes: 4096, pids: [100] }] }, {});

rule('set-uid', 'a set-uid program prevents it',
  { programs: { '/bin/subject': { isPrivileged: true } } },
  { effect: 'prevents', because: /\/bin\/subject is set-uid/, change: /chmod/ });
rule('not-x86-64', 'a program for another processor prevents it',
  { programs: { '/bin/subject': { isX8664: false } } }, { effect: 'prevents' });
rule('not-x86-64', 'calls of the 32-bit interface prevent it',
  { calls: [call('write'), { ...call('syscall_516'), nr: 516, name: 'syscall_516' }] },
  { effect: 'prevents', because: /32-bit interface/ });
rule('processor', 'cpuid is a note', { code: { '/bin/subject': ['cpuid'] } },
  { effect: 'note', because: /same kind/ });
rule('idle', 'no call at all is a note', { calls: [] }, { effect: 'note' });
rule('watching', 'a lower level is a note', { detail: 'counts' },
  { effect: 'note', because: /level counts/ });
rule('watching', 'lost events are a note', { lostPerCpu: [2, 3] },
  { effect: 'note', because: /5 events/ });
rule('watching', 'a running program is a note', { command: null }, { effect: 'note' });
rule('watching', 'gaps are notes', { gaps: ['a uprobe was refused'] },
  { effect: 'note', because: /uprobe/ });
rule('watching', 'a program that is gone is a note', { isGone: true },
  { effect: 'note', because: /could not be read/ });

test('what prevents it outweighs what needs one thread, and both are reasons', async () => {
  const report = await judged({
    calls: [call('userfaultfd'), call('rseq')], processes: [process({ threadsMax: 2 })],
  });
  assert.is(report.verdict, 'not replicable');
  assert.match(report.sentence, /^not replicable because userfaultfd/);
  assert.not.match(report.sentence, /threads/);
  assert.equal(report.findings.map(({ effect }) => effect), ['prevents', 'serial', 'note']);
  assert.equal(rulesOf(report, 'serial'), ['threads']);
});

test('a program that is called like another is judged by what it does', async () => {
  const plain = { calls: [call('write')] };
  for (const command of [['redis-server'], ['io_uring'], ['nginx']]) {
    assert.is((await judged({ ...plain, command })).verdict, 'replicable');
  }
});

test('the limits it speaks of are the shim\'s', () => {
  assert.is(mostThreads, HS_MAX_SLOTS);
});

test('every rule has its test here', () => {
  assert.equal(ruleNames.filter((name) => !tested.has(name)), []);
});

test.run();
