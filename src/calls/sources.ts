// sources.ts: what a call lets into a program: the kind of nondeterminism that its results are, or
// nothing, where they follow from what the program did before. hs-trace reports by these kinds.
// A row's kind comes from its family and policy; what these do not say is named here.
// The rule: every row has an answer; a new row gets its family's.
import { type Call, type Family } from './row.js';
import { calls } from './table.js';

/** Kinds of nondeterminism, in the order reports show them. */
export const sourceKinds = {
  time: 'time',
  randomness: 'randomness',
  ids: 'process, thread and user ids',
  network: 'network input',
  readiness: 'accept and readiness order',
  input: 'data read: files, pipes, connections',
  threads: 'locks and threads',
  processes: 'processes and their ends',
  signals: 'signals',
  files: 'files: names, metadata, locks',
  devices: 'devices and terminals',
  sharedMemory: 'shared memory',
  addresses: 'addresses the kernel chooses',
  instructions: 'processor instructions',
  host: 'facts of this host',
  unknown: 'calls nobody knows',
} as const;
export type SourceKind = keyof typeof sourceKinds;

const ofFamily: Record<Family, SourceKind> = {
  files: 'files',
  descriptors: 'input',
  sockets: 'network',
  memory: 'addresses',
  signals: 'signals',
  processes: 'processes',
  threads: 'threads',
  time: 'time',
  ids: 'ids',
  ipc: 'sharedMemory',
  system: 'host',
};

const named: readonly (readonly [SourceKind | null, readonly string[]])[] = [
  ['randomness', ['getrandom']],
  ['readiness', [
    'poll', 'ppoll', 'select', 'pselect6', 'epoll_wait', 'epoll_pwait', 'epoll_pwait2', 'accept',
    'accept4', 'epoll_wait_old', 'io_getevents', 'io_pgetevents',
  ]],
  ['devices', ['ioctl']],
  ['signals', ['alarm', 'setitimer', 'timer_create', 'timer_settime', 'pidfd_send_signal']],
  ['processes', ['getpgrp', 'getpgid', 'getsid']],
  ['ids', ['gettid', 'set_tid_address']],
  ['host', [
    'getrlimit', 'prlimit64', 'capget', 'getpriority', 'ioprio_get', 'sched_getaffinity',
    'sched_getparam', 'sched_getscheduler', 'sched_get_priority_max', 'sched_get_priority_min',
    'sched_rr_get_interval', 'sched_getattr', 'mincore', 'statfs', 'fstatfs', 'prctl',
  ]],
  // Both sides do the same to themselves; nothing comes in.
  [null, [
    'close', 'close_range', 'dup', 'dup2', 'dup3', 'munmap', 'mprotect', 'msync', 'madvise',
    'mlock', 'mlock2', 'munlock', 'mlockall', 'munlockall', 'rt_sigaction', 'rt_sigprocmask',
    'rt_sigreturn', 'sigaltstack', 'kill', 'tkill', 'tgkill', 'rt_sigqueueinfo',
    'rt_tgsigqueueinfo', 'exit', 'exit_group', 'execve', 'execveat', 'arch_prctl',
    'set_robust_list', 'get_robust_list', 'socket', 'socketpair', 'listen', 'shutdown',
    'setsockopt', 'restart_syscall', 'fcntl', 'umask', 'personality', 'membarrier',
    'sched_setaffinity', 'epoll_ctl', 'timerfd_settime', 'setrlimit', 'readahead',
    'setuid', 'setgid', 'setreuid', 'setregid', 'setgroups', 'setresuid', 'setresgid',
    'setfsuid', 'setfsgid', 'capset', 'timer_delete', 'clock_getres',
  ]],
];
const byName = new Map(named.flatMap(([kind, names]) => names.map((name) => [name, kind])));

/** What the call lets in; null: nothing. */
export function sourceOf(call: Call): SourceKind | null {
  const own = byName.get(call.name);
  if (own !== undefined) return own;
  const { name } = call.policy;
  if (name === 'output' || name === 'local' || name === 'descriptor') return null;
  return ofFamily[call.family];
}

/** Names above that are no row's: there must be none. */
export const strayNames = (): string[] => {
  const rows = new Set(calls.map(({ name }) => name));
  return [...byName.keys()].filter((name) => !rows.has(name));
};
