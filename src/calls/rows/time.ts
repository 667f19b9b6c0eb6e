// time.ts: clocks, sleeps and timers. Time is read on the primary only; the backup's copy lives in
// the primary's past until it goes live.
import { address, clock, flags, in_, inout, out, value } from '../arguments.js';
import { irregular, order, refuse, result } from '../policies.js';
import { type Row, row } from '../row.js';

const timer = value('timer');
const which = value('which');
const setsClock = "the host's clock is not the application's to set";
const armed = 'only the primary arms it, until go-live: then for what is left of its time';

const numbered = 'after a takeover the kernel may have another number for it';

export const time: readonly Row[] = [
  row(35, 'nanosleep', [in_.struct('timespec'), out.struct('timespec')], order.sleeps),
  row(36, 'getitimer', [which, out.struct('itimerval')], result),
  row(37, 'alarm', [value('seconds')], irregular('timer', armed)),
  row(38, 'setitimer', [which, in_.struct('itimerval'), out.struct('itimerval')],
    irregular('timer', armed)),
  row(96, 'gettimeofday', [out.struct('timeval'), out.struct('timezone')], result.time),
  row(98, 'getrusage', [value('who'), out.struct('rusage')], result),
  row(100, 'times', [out.struct('tms')], result),
  row(159, 'adjtimex', [inout.struct('timex')], result),
  row(164, 'settimeofday', [address('time'), address('zone')], refuse('EPERM', setsClock)),
  row(201, 'time', [out.struct('long')], result.time),
  row(222, 'timer_create', [clock, in_.struct('sigevent'), out.struct('word')],
    irregular('timer', armed)),
  row(223, 'timer_settime',
    [timer, flags, in_.struct('itimerspec'), out.struct('itimerspec')], irregular('timer', armed)),
  row(224, 'timer_gettime', [timer, out.struct('itimerspec')], irregular('timer', numbered)),
  row(225, 'timer_getoverrun', [timer], irregular('timer', numbered)),
  row(226, 'timer_delete', [timer], irregular('timer', numbered)),
  row(227, 'clock_settime', [clock, address('time')], refuse('EPERM', setsClock)),
  row(228, 'clock_gettime', [clock, out.struct('timespec')], result.time),
  row(229, 'clock_getres', [clock, out.struct('timespec')], result),
  row(230, 'clock_nanosleep', [clock, flags, in_.struct('timespec'), out.struct('timespec')],
    order.sleeps),
  row(305, 'clock_adjtime', [clock, inout.struct('timex')], result),
];
