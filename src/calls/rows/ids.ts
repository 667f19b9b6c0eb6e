// ids.ts: who the process is: numbers, users, groups, capabilities, priorities and limits.
import { group, in_, inout, out, pid, size, user, value } from '../arguments.js';
import { irregular, local, result } from '../policies.js';
import { type Row, row } from '../row.js';

const id = out.struct('id');
const identity = irregular('identity');

export const ids: readonly Row[] = [
  row(39, 'getpid', [], result),
  row(97, 'getrlimit', [value('resource'), out.struct('rlimit')], irregular('rlimit')),
  row(102, 'getuid', [], result),
  row(104, 'getgid', [], result),
  row(105, 'setuid', [user], identity),
  row(106, 'setgid', [group], identity),
  row(107, 'geteuid', [], result),
  row(108, 'getegid', [], result),
  row(110, 'getppid', [], result),
  row(113, 'setreuid', [user, user], identity),
  row(114, 'setregid', [group, group], identity),
  row(115, 'getgroups', [size, out.array('gid', 'result')], result),
  row(116, 'setgroups', [size, in_.array('gid', 'size')], identity),
  row(117, 'setresuid', [user, user, user], identity),
  row(118, 'getresuid', [id, id, id], result),
  row(119, 'setresgid', [group, group, group], identity),
  row(120, 'getresgid', [id, id, id], result),
  row(122, 'setfsuid', [user], identity),
  row(123, 'setfsgid', [group], identity),
  row(125, 'capget', [inout.struct('capability_header'), out.capabilities],
    result.always),
  row(126, 'capset', [in_.struct('capability_header'), in_.capabilities], identity),
  row(140, 'getpriority', [value('which'), value('who')], result),
  row(141, 'setpriority', [value('which'), value('who'), value('priority')], local),
  row(160, 'setrlimit', [value('resource'), in_.struct('rlimit')], irregular('rlimit')),
  row(186, 'gettid', [], result),
  row(251, 'ioprio_set', [value('which'), value('who'), value('priority')], local),
  row(252, 'ioprio_get', [value('which'), value('who')], result),
  row(302, 'prlimit64', [pid, value('resource'), in_.struct('rlimit'), out.struct('rlimit')],
    irregular('rlimit')),
];
