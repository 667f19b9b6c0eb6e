// ipc.ts: shared memory, semaphores and queues that live in the kernel under a key or a name.
// Any process of the host may change them, and semaphores and queues hold state that no process
// has in its memory: refused, so that none is lost. What libc offers instead (shm_open, sem_open,
// shared mappings) is replicated as memory is.
import { address, count, flags, mode, name, size, value } from '../arguments.js';
import { refuse } from '../policies.js';
import { type Row, row } from '../row.js';

const id = value('id');
const key = value('key');
const queue = value('queue');
const stranger = 'memory shared, under a key, with processes that may be strangers';
const foreign = "its state is the kernel's, not the process's: a backup could not take it over";

export const ipc: readonly Row[] = [
  row(29, 'shmget', [key, size, flags], refuse('ENOSYS', stranger)),
  row(30, 'shmat', [id, address('address'), flags], refuse('ENOSYS', stranger)),
  row(31, 'shmctl', [id, value('command'), address('argument')], refuse('ENOSYS', stranger)),
  row(64, 'semget', [key, count, flags], refuse('ENOSYS', foreign)),
  row(65, 'semop', [id, address('operations'), count], refuse('ENOSYS', foreign)),
  row(66, 'semctl', [id, count, value('command'), address('argument')],
    refuse('ENOSYS', foreign)),
  row(67, 'shmdt', [address('address')], refuse('ENOSYS', stranger)),
  row(68, 'msgget', [key, flags], refuse('ENOSYS', foreign)),
  row(69, 'msgsnd', [id, address('message'), size, flags], refuse('ENOSYS', foreign)),
  row(70, 'msgrcv', [id, address('message'), size, value('type'), flags],
    refuse('ENOSYS', foreign)),
  row(71, 'msgctl', [id, value('command'), address('argument')], refuse('ENOSYS', foreign)),
  row(220, 'semtimedop', [id, address('operations'), count, address('timeout')],
    refuse('ENOSYS', foreign)),
  row(240, 'mq_open', [name, flags, mode, address('attributes')], refuse('ENOSYS', foreign)),
  row(241, 'mq_unlink', [name], refuse('ENOSYS', foreign)),
  row(242, 'mq_timedsend', [queue, address('message'), size, value('priority'),
    address('timeout')], refuse('ENOSYS', foreign)),
  row(243, 'mq_timedreceive', [queue, address('message'), size, address('priority'),
    address('timeout')], refuse('ENOSYS', foreign)),
  row(244, 'mq_notify', [queue, address('event')], refuse('ENOSYS', foreign)),
  row(245, 'mq_getsetattr', [queue, address('new'), address('old')],
    refuse('ENOSYS', foreign)),
];
