/* specimen.ts: an observation with something of everything in it, for the tests of the pages.
 * The rule: numbers are invented, but such as a server would give. */
import type { Observation } from '../../../src/trace/observation.js';
import { HISTOGRAM_BUCKETS } from '../../../src/trace/observation.js';
import { argument, call, judged, nrOf, process, site, type Planted } from './planted.js';

const libc = '/usr/lib/x86_64-linux-gnu/libc.so.6';
const crypto = '/usr/lib/x86_64-linux-gnu/libcrypto.so.3';
const exe = '/usr/bin/redis-server';

/** A bell around a bucket: what latencies look like. */
function bell(count: number, center: number): number[] {
  return Array.from({ length: HISTOGRAM_BUCKETS }, (_, at) =>
    Math.round(count * Math.exp(-((at - center) ** 2) / 2) / 2.5));
}

const timed = (name: string, count: number, ns: number, errors = 0) =>
  call(name, count, { ns: count * ns, errors, histogram: bell(count, Math.log2(ns)) });

/** 60 windows, with a rise and a fall. */
const wave = (level: number, phase: number): number[] =>
  Array.from({ length: 60 }, (_, at) =>
    Math.max(0, Math.round(level * (1 + Math.sin(at / 7 + phase)) * (at > 4 ? 1 : 0.2))));

export const specimen: Planted = {
  command: ['redis-server', '--port', '7000', '--appendonly', 'yes', '<&>"\''],
  durationMs: 6000, events: 186_200, lostPerCpu: [0, 3], nsPerEvent: 143,
  calls: [
    timed('read', 61_000, 900, 210), timed('write', 60_800, 2_600), timed('epoll_wait', 41_000,
      61_000), timed('clock_gettime', 3, 120), timed('futex', 900, 240_000, 4),
    timed('getrandom', 4, 400), timed('mmap', 60, 3_000), timed('openat', 40, 4_200, 3),
    timed('accept4', 50, 1_900), timed('newfstatat', 22, 800), timed('getpid', 60, 90),
    timed('ioctl', 3, 700), timed('clone', 4, 22_000), timed('rseq', 5, 100),
    timed('recvmsg', 120, 1_200), timed('uname', 1, 300), timed('close', 70, 400),
    timed('fdatasync', 6, 1_900_000), timed('io_uring_setup', 1, 14_000),
  ],
  sites: [
    site('read', libc, '__read', 60_100), site('read', exe, 'connSocketRead', 900),
    site('write', libc, '__write', 60_800), site('epoll_wait', libc, 'epoll_wait', 41_000),
    site('futex', libc, 'pthread_cond_wait', 900), site('getrandom', crypto, 'RAND_poll', 4),
    site('mmap', '/lib64/ld-linux-x86-64.so.2', '_dl_map_segments', 60),
    site('recvmsg', '[anonymous]', 'recvmsg', 120),
  ],
  arguments: [
    argument('openat', 'path', '/dev/urandom', 1), argument('openat', 'path', '/proc/meminfo', 6),
    argument('ioctl', 'request', '0x5413', 3),
  ],
  library: [
    { name: 'clock_gettime', file: libc, count: 204_000 },
    { name: 'gettimeofday', file: libc, count: 1_200 },
  ],
  timeline: {
    windowMs: 100,
    calls: {
      [nrOf('read')]: wave(500, 0), [nrOf('epoll_wait')]: wave(340, 0.4),
      [nrOf('futex')]: wave(20, 2), [nrOf('recvmsg')]: wave(40, 3), [nrOf('mmap')]: [30, 30],
    },
  },
  shared: [{ what: 'anonymous', bytes: 1 << 20, pids: [100, 101] }],
  processes: [
    process({
      exe, comm: 'redis-server', threadsMax: 5, threadsEver: 5, signals: { 15: 1, 17: 2 },
      exit: null,
      files: [exe, libc, crypto].map((path) => ({ path, isExecutable: true })),
    }),
    process({ pid: 101, parent: 100, exe, comm: 'redis-rdb-bgsave' }),
  ],
  code: {
    [exe]: ['lock', 'lock', 'none'], [crypto]: ['rdrand', 'rdseed', 'rdtsc', 'cpuid', 'unknown'],
    [libc]: ['lock', 'xbegin', 'rdtsc', 'cpuid'],
  },
};

/** Nothing was seen, at the lowest level. */
export const bare: Planted = {
  detail: 'counts', processes: [], nsPerEvent: null, command: null,
} satisfies Partial<Observation>;

export const specimenReport = () => judged(specimen);
export const bareReport = () => judged(bare);
