// sockets.ts: calls on sockets. The backup holds an unconnected socket at every number; go-live
// turns it into the connection the primary had.
import { count, fd, flags, in_, inout, length, option, out, size,
  value } from '../arguments.js';
import { descriptor, input, irregular, output, result } from '../policies.js';
import { type Row, row } from '../row.js';

const addressBytes = value('addressBytes');
const address = in_.bytes('addressBytes');
const level = value('level');
const kind = [value('domain'), value('type'), value('protocol')];

export const sockets: readonly Row[] = [
  row(41, 'socket', kind, irregular('socket').makesFd),
  row(42, 'connect', [fd, address, addressBytes], irregular('connect').blocking.restarts),
  row(43, 'accept', [fd, out.sized('address'), length],
    irregular('accept').blocking.restarts.makesFd),
  row(44, 'sendto', [fd, in_.bytes('size'), size, flags, address, addressBytes],
    output.blocking.restarts),
  row(45, 'recvfrom', [fd, out.bytes('result'), size, flags, out.sized('address'), length],
    input.blocking.restarts),
  row(46, 'sendmsg', [fd, in_.message, flags], irregular('send_message').blocking.restarts),
  row(47, 'recvmsg', [fd, out.message, flags], irregular('receive_message').blocking.restarts),
  row(48, 'shutdown', [fd, value('how')], irregular('shutdown')),
  row(49, 'bind', [fd, address, addressBytes], irregular('bind')),
  row(50, 'listen', [fd, value('backlog')], irregular('listen')),
  row(51, 'getsockname', [fd, out.sized('address'), length], result),
  row(52, 'getpeername', [fd, out.sized('address'), length], result),
  row(53, 'socketpair', [...kind, out.struct('pair')], descriptor),
  row(54, 'setsockopt', [fd, level, option, in_.bytes('size'), size], irregular('setsockopt')),
  row(55, 'getsockopt', [fd, level, option, out.sized('value'), length], result),
  row(288, 'accept4', [fd, out.sized('address'), length, flags],
    irregular('accept').blocking.restarts.makesFd),
  row(299, 'recvmmsg', [fd, out.messages('count'), count, flags, inout.struct('timespec')],
    irregular('receive_message').blocking.restarts),
  row(307, 'sendmmsg', [fd, in_.messages('count'), count, flags],
    irregular('send_message').blocking.restarts),
];
