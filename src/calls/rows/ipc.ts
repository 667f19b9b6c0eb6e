// ipc.ts: shared memory, semaphores and queues that live in the kernel under a key or a name.
// The application has an IPC namespace of its own, so no stranger shares them, their numbers come
// out equal, and the backup's kernel holds the same state: what changes something is made on both
// sides. What libc offers beside them (shm_open, sem_open) is files in /dev/shm.
import { address, count, fd, flags, in_, mode, name, out, size,
  value } from '../arguments.js';
import { descriptor, irregular, local, memory, result } from '../policies.js';
import { type Row, row } from '../row.js';

const id = value('id');
const key = value('key');
const operations = in_.array('sembuf', 'count');

export const ipc: readonly Row[] = [
  row(29, 'shmget', [key, size, flags], local),
  row(30, 'shmat', [id, address('address'), flags], irregular('attach_shared')),
  row(31, 'shmctl', [id, value('command'), address('argument')], irregular('ipc_control')),
  row(64, 'semget', [key, count, flags], local),
  row(65, 'semop', [id, operations, count], irregular('semaphore').blocking),
  row(66, 'semctl', [id, value('number'), value('command'), address('argument')],
    irregular('ipc_control')),
  row(67, 'shmdt', [address('address')], memory),
  row(68, 'msgget', [key, flags], local),
  row(69, 'msgsnd', [id, address('message'), size, flags], irregular('queue_send').blocking),
  row(70, 'msgrcv', [id, address('message'), size, value('type'), flags],
    irregular('queue_receive').blocking),
  row(71, 'msgctl', [id, value('command'), address('argument')], irregular('ipc_control')),
  row(220, 'semtimedop', [id, operations, count, in_.struct('timespec')],
    irregular('semaphore').blocking),
  row(240, 'mq_open', [name, flags, mode, in_.struct('mq_attr')], descriptor.makesFd),
  row(241, 'mq_unlink', [name], local),
  row(242, 'mq_timedsend', [fd, address('message'), size, value('priority'),
    in_.struct('timespec')], irregular('mq_send').blocking.restarts),
  row(243, 'mq_timedreceive', [fd, address('message'), size, address('priority'),
    in_.struct('timespec')], irregular('mq_receive').blocking.restarts),
  row(244, 'mq_notify', [fd, in_.struct('sigevent')], result.because(
    'a message told of is a signal, which has a record; the backup is not told twice')),
  row(245, 'mq_getsetattr', [fd, in_.struct('mq_attr'), out.struct('mq_attr')],
    descriptor.because('O_NONBLOCK is set on both sides; the numbers are those of the primary')),
];
