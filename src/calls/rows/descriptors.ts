// descriptors.ts: reading, writing, waiting on descriptors, and making, copying and closing them.
// Data that comes in is carried; what makes or closes a descriptor is made on both sides, so that
// numbers come out equal.
import { address, count, descriptor as descriptorOf, fd, flags, in_, inout, name, offset, option,
  out, path, pid, size, timeout, value } from '../arguments.js';
import { descriptor, file, input, irregular, output, refuse, result } from '../policies.js';
import { type Row, row } from '../row.js';

const offsetHigh = value('offsetHigh');
const newFd = value('newFd');
const outFd = descriptorOf('outFd');
const inFd = descriptorOf('inFd');
const set = inout.descriptorSet;
const copies = 'the kernel would move bytes unseen: made of reads and writes where it matters';
const armed = 'what it does is a record; armed at go-live for what is left';

export const descriptors: readonly Row[] = [
  row(0, 'read', [fd, out.bytes('result'), size], input.blocking.restarts),
  row(1, 'write', [fd, in_.bytes('size'), size], output.blocking.restarts),
  row(3, 'close', [fd], irregular('close')),
  row(7, 'poll', [inout.array('pollfd', 'count'), count, timeout.ms], input.blocking.eintr),
  row(8, 'lseek', [fd, offset, value('whence')], file.because(
    'moves the offset where the file is mirrored; a placeholder has none')),
  row(16, 'ioctl', [fd, value('request'), address('argument')], irregular('ioctl')),
  row(17, 'pread64', [fd, out.bytes('result'), size, offset], input.blocking.restarts),
  row(18, 'pwrite64', [fd, in_.bytes('size'), size, offset], output.blocking.restarts),
  row(19, 'readv', [fd, out.iov('count'), count], input.blocking.restarts),
  row(20, 'writev', [fd, in_.iov('count'), count], output.blocking.restarts),
  row(22, 'pipe', [out.struct('pair')], descriptor),
  row(23, 'select', [count, set, set, set, inout.struct('timeval')], input.blocking.eintr),
  row(32, 'dup', [fd], irregular('dup').makesFd),
  row(33, 'dup2', [fd, newFd], irregular('dup').makesFd),
  row(40, 'sendfile', [outFd, inFd, inout.struct('long'), size],
    irregular('sendfile', copies).blocking.restarts),
  row(72, 'fcntl', [fd, value('command'), address('argument')],
    irregular('fcntl').blocking.restarts),
  row(213, 'epoll_create', [size], descriptor.makesFd),
  row(214, 'epoll_ctl_old', [], refuse('ENOSYS', 'never implemented')),
  row(215, 'epoll_wait_old', [], refuse('ENOSYS', 'never implemented')),
  row(232, 'epoll_wait', [fd, out.array('epoll_event', 'result'), count, timeout.ms],
    input.blocking),
  row(233, 'epoll_ctl', [fd, option, value('target'), in_.struct('epoll_event')],
    irregular('epoll_ctl')),
  row(253, 'inotify_init', [], descriptor.makesFd),
  row(254, 'inotify_add_watch', [fd, path, value('mask')], file.because(
    'a watch on a mirrored file is live after go-live')),
  row(255, 'inotify_rm_watch', [fd, value('watch')], file),
  row(270, 'pselect6', [count, set, set, set, inout.struct('timespec'), in_.struct('masked_set')],
    input.blocking.eintr.masked),
  row(271, 'ppoll',
    [inout.array('pollfd', 'count'), count, inout.struct('timespec'), in_.struct('sigset'), size],
    input.blocking.eintr.masked),
  row(275, 'splice', [inFd, inout.struct('long'), outFd, inout.struct('long'), size, flags],
    irregular('sendfile', copies).blocking.restarts),
  row(276, 'tee', [inFd, outFd, size, flags], irregular('sendfile', copies).blocking.restarts),
  row(278, 'vmsplice', [fd, address('iov'), count, flags],
    refuse('ENOSYS', "the kernel would keep reading the program's pages after the call")),
  row(281, 'epoll_pwait',
    [fd, out.array('epoll_event', 'result'), count, timeout.ms, in_.struct('sigset'), size],
    input.blocking.masked),
  row(282, 'signalfd', [fd, in_.struct('sigset'), size], descriptor.makesFd),
  row(283, 'timerfd_create', [value('clock'), flags], descriptor.makesFd),
  row(284, 'eventfd', [value('initial')], descriptor.makesFd),
  row(286, 'timerfd_settime', [fd, flags, in_.struct('itimerspec'), out.struct('itimerspec')],
    irregular('timer', armed)),
  row(287, 'timerfd_gettime', [fd, out.struct('itimerspec')], result),
  row(289, 'signalfd4', [fd, in_.struct('sigset'), size, flags], descriptor.makesFd),
  row(290, 'eventfd2', [value('initial'), flags], descriptor.makesFd),
  row(291, 'epoll_create1', [flags], descriptor.makesFd),
  row(292, 'dup3', [fd, newFd, flags], irregular('dup').makesFd),
  row(293, 'pipe2', [out.struct('pair'), flags], descriptor),
  row(294, 'inotify_init1', [flags], descriptor.makesFd),
  row(295, 'preadv', [fd, out.iov('count'), count, offset, offsetHigh], input.blocking.restarts),
  row(296, 'pwritev', [fd, in_.iov('count'), count, offset, offsetHigh], output.blocking.restarts),
  row(300, 'fanotify_init', [flags, value('eventFlags')],
    refuse('EPERM', 'events of the whole host, with descriptors the shim did not make')),
  row(301, 'fanotify_mark', [fd, flags, value('mask'), value('dirfd'), address('path')],
    refuse('EPERM', 'events of the whole host, with descriptors the shim did not make')),
  row(319, 'memfd_create', [name, flags], descriptor.makesFd),
  row(326, 'copy_file_range',
    [inFd, inout.struct('long'), outFd, inout.struct('long'), size, flags],
    irregular('sendfile', copies).blocking),
  row(327, 'preadv2', [fd, out.iov('count'), count, offset, offsetHigh, flags],
    input.blocking.restarts),
  row(328, 'pwritev2', [fd, in_.iov('count'), count, offset, offsetHigh, flags],
    output.blocking.restarts),
  row(434, 'pidfd_open', [pid, flags], descriptor.makesFd),
  row(436, 'close_range', [value('first'), value('last'), flags], irregular('close_range')),
  row(438, 'pidfd_getfd', [fd, value('target'), flags],
    irregular('get_descriptor').makesFd),
  row(441, 'epoll_pwait2',
    [fd, out.array('epoll_event', 'result'), count, in_.struct('timespec'), in_.struct('sigset'),
      size],
    input.blocking.masked),
  row(206, 'io_setup', [count, address('context')], aio()),
  row(207, 'io_destroy', [address('context')], aio()),
  row(208, 'io_getevents',
    [address('context'), count, count, address('events'), address('timeout')], aio()),
  row(209, 'io_submit', [address('context'), count, address('requests')], aio()),
  row(210, 'io_cancel', [address('context'), address('request'), address('event')], aio()),
  row(333, 'io_pgetevents',
    [address('context'), count, count, address('events'), address('timeout'), address('mask')],
    aio()),
  row(425, 'io_uring_setup', [count, address('parameters')], uring()),
  row(426, 'io_uring_enter', [fd, count, count, flags, address('argument'), size], uring()),
  row(427, 'io_uring_register', [fd, option, address('argument'), count], uring()),
];

function aio() {
  return refuse('ENOSYS', 'the kernel would write into memory after the call, unseen');
}
function uring() {
  return refuse('ENOSYS', 'the kernel would write into memory unseen');
}
