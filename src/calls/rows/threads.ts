// threads.ts: what threads wait on and leave behind, and how they are scheduled. The baton makes
// the order; these calls only take their turn in it.
import { address, count, flags, in_, out, pid, size, value } from '../arguments.js';
import { irregular, local, order, refuse, result } from '../policies.js';
import { type Row, row } from '../row.js';

const processor = 'which processors there are differs between hosts';
const newer = 'newer than what libraries rely on: they use futex';

export const threads: readonly Row[] = [
  row(24, 'sched_yield', [], order.unbroken.because('gives the baton up')),
  row(142, 'sched_setparam', [pid, in_.struct('sched_param')], local),
  row(143, 'sched_getparam', [pid, out.struct('sched_param')], result),
  row(144, 'sched_setscheduler', [pid, value('policy'), in_.struct('sched_param')], local),
  row(145, 'sched_getscheduler', [pid], result),
  row(146, 'sched_get_priority_max', [value('policy')], result),
  row(147, 'sched_get_priority_min', [value('policy')], result),
  row(148, 'sched_rr_get_interval', [pid, out.struct('timespec')], result),
  row(154, 'modify_ldt', [value('function'), address('entry'), size],
    refuse('ENOSYS', 'segments are no part of a checkpoint; only 32-bit programs need them')),
  row(158, 'arch_prctl', [value('option'), address('argument')], irregular('arch_prctl')),
  row(202, 'futex',
    [address('word'), value('operation'), value('value'), address('timeoutOrValue'),
      address('secondWord'), value('secondValue')],
    irregular('futex', 'the wake order is the baton order; a wait re-checks its word at go-live')
      .blocking.restarts),
  row(203, 'sched_setaffinity', [pid, size, in_.bytes('size')], result.because(processor)),
  row(204, 'sched_getaffinity', [pid, size, out.bytes('result')],
    result.because(processor)),
  row(205, 'set_thread_area', [address('descriptor')], refuse('ENOSYS', 'for 32-bit programs')),
  row(211, 'get_thread_area', [address('descriptor')], refuse('ENOSYS', 'for 32-bit programs')),
  row(218, 'set_tid_address', [address('word')], irregular('set_tid_address')),
  row(273, 'set_robust_list', [address('head'), size], irregular('robust_list')),
  row(274, 'get_robust_list', [pid, out.struct('long'), out.struct('long')],
    irregular('robust_list')),
  row(314, 'sched_setattr', [pid, in_.struct('sched_attr'), flags], local),
  row(315, 'sched_getattr', [pid, out.bytes('size'), size, flags], result),
  row(324, 'membarrier', [value('command'), flags, value('cpu')], local.because(
    'its registration must hold after go-live too')),
  row(334, 'rseq', [address('area'), size, flags, value('signature')],
    refuse('ENOSYS', 'the kernel would write the processor number into memory at every switch')
      .survivedBy('the C library goes on without it')),
  row(449, 'futex_waitv', [address('waiters'), count, flags, address('timeout'), value('clock')],
    refuse('ENOSYS', newer)),
  row(454, 'futex_wake', [address('word'), value('mask'), count, flags],
    refuse('ENOSYS', newer)),
  row(455, 'futex_wait',
    [address('word'), value('value'), value('mask'), flags, address('timeout'), value('clock')],
    refuse('ENOSYS', newer)),
  row(456, 'futex_requeue', [address('waiters'), flags, count, value('requeue')],
    refuse('ENOSYS', newer)),
];
