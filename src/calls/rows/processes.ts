// processes.ts: the life of processes, and what is known of them. Numbers come out equal: both
// sides start in a fresh process namespace and make children in the same order.
import { address, dirfd, fd, flags, in_, option, out, path, pid, size,
  value } from '../arguments.js';
import { irregular, local, refuse, result } from '../policies.js';
import { type Row, row } from '../row.js';

const foreign = 'reaches into another process, unseen by its shim';
const namespaces = 'would leave the namespaces in which both sides are equal';

export const processes: readonly Row[] = [
  row(56, 'clone',
    [flags, address('stack'), address('parentTid'), address('childTid'), address('tls')],
    irregular('clone')),
  row(57, 'fork', [], irregular('clone')),
  row(58, 'vfork', [], irregular('clone')),
  row(59, 'execve', [path, in_.strings('arguments'), in_.strings('environment')],
    irregular('exec')),
  row(60, 'exit', [value('status')], irregular('exit')),
  row(61, 'wait4', [pid, out.struct('word'), option, out.struct('rusage')],
    irregular('wait').blocking.restarts),
  row(101, 'ptrace', [option, pid, address('address'), address('data')],
    refuse('EPERM', foreign)),
  row(109, 'setpgid', [pid, value('group')], local),
  row(111, 'getpgrp', [], result),
  row(112, 'setsid', [], local),
  row(121, 'getpgid', [pid], result),
  row(124, 'getsid', [pid], result),
  row(135, 'personality', [value('persona')], local),
  row(157, 'prctl', [option, address('a'), address('b'), address('c'), address('d')],
    irregular('prctl')),
  row(231, 'exit_group', [value('status')], irregular('exit_group')),
  row(247, 'waitid', [value('which'), pid, out.struct('siginfo'), option, out.struct('rusage')],
    irregular('wait').always.blocking.restarts),
  row(272, 'unshare', [flags], refuse('EPERM', namespaces)),
  row(308, 'setns', [fd, flags], refuse('EPERM', namespaces)),
  row(312, 'kcmp', [pid, value('other'), option, value('first'), value('second')],
    refuse('ENOSYS', 'its order of kernel objects differs between hosts')),
  row(317, 'seccomp', [option, flags, address('arguments')],
    refuse('EINVAL', "a filter would judge the shim's calls instead of the program's")),
  row(322, 'execveat',
    [dirfd, path, in_.strings('arguments'), in_.strings('environment'), flags],
    irregular('exec')),
  row(435, 'clone3', [address('arguments'), size],
    refuse('ENOSYS', 'libc falls back to clone, whose arguments are in registers')
      .survivedBy('the C library makes clone instead')),
];
