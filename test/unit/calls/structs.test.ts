// The sizes that rows state are those of the kernel's headers, as the C compiler sees them.
import { spawnSync } from 'node:child_process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type StructName, structs } from '../../../src/calls/arguments.js';

const headers = [
  'linux/types.h', 'asm/stat.h', 'asm/statfs.h', 'linux/stat.h', 'linux/poll.h',
  'linux/resource.h', 'asm/signal.h', 'asm/siginfo.h', 'linux/sysinfo.h', 'linux/time.h',
  'linux/timex.h', 'linux/times.h', 'linux/utime.h', 'linux/utsname.h', 'linux/eventpoll.h',
  'linux/fcntl.h', 'linux/capability.h', 'linux/sched/types.h', 'linux/mqueue.h',
  'linux/sem.h',
];

/** The C type behind each name. */
const types: Record<StructName, string> = {
  byte: 'char',
  word: 'unsigned int',
  long: 'long',
  pair: 'int[2]',
  capabilities: 'struct __user_cap_data_struct',
  capability_header: 'struct __user_cap_header_struct',
  epoll_event: 'struct epoll_event',
  file_handle: 'struct { unsigned int bytes; int type; char handle[128]; }',
  file_lock: 'struct flock',
  gid: '__kernel_gid32_t',
  id: '__kernel_uid32_t',
  itimerspec: 'struct itimerspec',
  itimerval: 'struct itimerval',
  masked_set: 'struct { void *set; unsigned long bytes; }',
  mq_attr: 'struct mq_attr',
  pollfd: 'struct pollfd',
  rlimit: 'struct rlimit',
  rusage: 'struct rusage',
  sched_attr: 'char[SCHED_ATTR_SIZE_VER0]',
  sched_param: 'struct sched_param',
  sembuf: 'struct sembuf',
  sigaction: 'struct sigaction',
  sigevent: 'sigevent_t',
  siginfo: 'siginfo_t',
  sigset: 'sigset_t',
  stack: 'stack_t',
  stat: 'struct stat',
  statfs: 'struct statfs',
  statx: 'struct statx',
  sysinfo: 'struct sysinfo',
  timespec: 'struct timespec',
  timespecs: 'struct timespec[2]',
  timeval: 'struct timeval',
  timevals: 'struct timeval[2]',
  timex: 'struct timex',
  timezone: 'struct timezone',
  tms: 'struct tms',
  utimbuf: 'struct utimbuf',
  utsname: 'struct new_utsname',
};

function compile(claims: readonly string[]): { ok: boolean; text: string } {
  const source = [
    // The kernel's time.h is empty beside libc's; these come before any of libc's.
    ...headers.map((header) => `#include <${header}>`),
    ...claims,
    '',
  ].join('\n');
  const run = spawnSync('cc', ['-std=gnu11', '-fsyntax-only', '-xc', '-'], {
    input: source, encoding: 'utf8', timeout: 30_000,
  });
  return { ok: run.status === 0, text: `${run.stderr}${run.error?.message ?? ''}` };
}

const claim = (name: StructName, bytes: number): string =>
  `_Static_assert(sizeof(${types[name]}) == ${bytes}, "size of ${name}");`;

test('every structure has the size the kernel headers give it', () => {
  const names = Object.keys(structs) as StructName[];
  const { ok, text } = compile(names.map((name) => claim(name, structs[name])));
  assert.ok(ok, text);
});

test('a wrong size is seen', () => {
  const { ok, text } = compile([claim('stat', structs.stat + 8)]);
  assert.not.ok(ok);
  assert.match(text, 'size of stat');
});

test.run();
