// signals.ts: signal actions, masks, stacks and sending. A signal reaches the program only at a
// record, so the shim keeps actions and masks itself and looks to the program like the kernel.
import { fd, flags, in_, out, pid, signal, size, value } from '../arguments.js';
import { irregular, order, result } from '../policies.js';
import { type Row, row } from '../row.js';

export const signals: readonly Row[] = [
  row(13, 'rt_sigaction', [signal, in_.struct('sigaction'), out.struct('sigaction'), size],
    irregular('sigaction')),
  row(14, 'rt_sigprocmask', [value('how'), in_.struct('sigset'), out.struct('sigset'), size],
    irregular('sigprocmask')),
  row(15, 'rt_sigreturn', [], irregular('sigreturn')),
  row(34, 'pause', [], order.blocking),
  row(62, 'kill', [pid, signal], irregular('kill')),
  row(127, 'rt_sigpending', [out.bytes('size'), size], result),
  row(128, 'rt_sigtimedwait',
    [in_.struct('sigset'), out.struct('siginfo'), in_.struct('timespec'), size],
    result.blocking.because('the primary takes the signal; the record carries it')),
  row(129, 'rt_sigqueueinfo', [pid, signal, in_.struct('siginfo')], irregular('kill')),
  row(130, 'rt_sigsuspend', [in_.struct('sigset'), size],
    irregular('sigsuspend').blocking.masked),
  row(131, 'sigaltstack', [in_.struct('stack'), out.struct('stack')], irregular('sigaltstack')),
  row(200, 'tkill', [pid, signal], irregular('kill')),
  row(234, 'tgkill', [pid, value('tid'), signal], irregular('kill')),
  row(297, 'rt_tgsigqueueinfo', [pid, value('tid'), signal, in_.struct('siginfo')],
    irregular('kill')),
  row(424, 'pidfd_send_signal', [fd, signal, in_.struct('siginfo'), flags], irregular('kill')),
];
