// events.ts: records that are no system call: what else enters a program, or happens to it.
// They are rows HS_EVENT_BASE.. of the call table (shim/ring.h), in this order.
// The rule: new events go to the end; a number is never used again.

/** Row of the first event: HS_EVENT_BASE of shim/ring.h. */
export const EVENT_BASE = 0x200;

export interface Event {
  /** HS_EV_<name> in C. */
  readonly name: string;
  readonly means: string;
  /** The record's fields, in words; those not named are 0. */
  readonly object?: string;
  readonly result?: string;
  readonly check?: string;
  readonly data?: string;
}

export const events = [
  {
    name: 'PROCESS_INIT',
    means: 'a process came under the shim: at its start, and after each exec',
    object: '0 for a start, 1 for an exec',
    result: 'process id',
    check: 'digest of what its start must have in common: arguments, environment, auxiliary vector',
    data: 'signal mask, ignored signals, five words of ids; then who the thread is (state.h)',
  },
  {
    name: 'THREAD_START',
    means: 'a thread, or the child of a fork, runs its first instruction',
    result: 'its thread id',
  },
  {
    name: 'SIGNAL',
    means: 'a signal is delivered to its handler at this place',
    object: 'signal number',
    result: '1 when the interrupted call is made again afterwards, else 0',
    data: 'siginfo, 128 bytes',
  },
  {
    name: 'SIGNAL_DEATH',
    means: 'a signal whose default is fatal ends the process at this place',
    object: 'signal number',
    result: 'bytes of writable memory that were digested',
    check: 'digest of writable memory, when it is wanted',
  },
  {
    name: 'YIELD',
    means: 'the thread gave the baton up without a call: in a loop, or while it computed',
    object: '1 at an instruction that was found spinning, 2 at any instruction',
    result: 'entries of this thread into the shim until then',
    data: 'with 2: its registers, and the last of its memory (shim/core/preempt.c)',
  },
  {
    name: 'RESUME',
    means: 'a thread took the baton again after a call that gave it up and made no record',
  },
  {
    name: 'TSC',
    means: 'the program read the time stamp counter',
    result: 'the value',
  },
  {
    name: 'ACKED',
    means: 'the client has acknowledged output of a connection: kept bytes may be dropped',
    object: 'index of the connection',
    result: 'bytes acknowledged since the connection began',
  },
  {
    name: 'CONNECTION',
    means: 'the facts of a TCP connection that takeover needs: after an accept; before a connect, '
      + 'when it is to this host',
    object: 'its descriptor',
    result: 'index of the connection',
    data: 'addresses, first sequence numbers and options (struct hs_conn)',
  },
  {
    name: 'MEMORY_DIGEST',
    means: 'all writable memory of a process while it runs, for comparison',
    result: 'bytes digested; 0 when it could not be done at this place',
    check: 'digest',
    data: 'address and length of what calls under way may write: left out on both sides',
  },
  {
    name: 'CHILD_LOST',
    means: 'a child that existed only on the primary is reported as killed by signal 9',
    object: 'process id of the child',
  },
  {
    name: 'DEATH',
    means: 'a process was killed by what cannot be caught, and nobody has waited for it yet',
    object: 'process id',
    check: '9',
  },
  {
    name: 'CHECKPOINT',
    means: 'a checkpoint was taken here: a backup that starts from it follows from the next record',
    object: 'number of the checkpoint',
    result: 'bytes written',
    check: 'digest',
  },
  {
    name: 'DATA',
    means: 'part of what the next call of the thread wrote, too much for one record',
    result: 'address in the program',
    data: 'the bytes that go there',
  },
  {
    name: 'FILE',
    means: 'contents of a file that is mapped and changed: a replay from the log alone needs them',
    object: 'number of the file in the session',
    result: 'offset in the file; its new size, when check is 1',
    check: '0 contents, 1 a new size',
    data: 'contents',
  },
  {
    name: 'RECEIVED',
    means: 'descriptors that came in the message just received',
    object: 'how many',
    data: 'for each: which one sent earlier it is (0: from outside), its kind, its flags',
  },
  {
    name: 'MEMORY',
    means: 'pages as a preempted thread left them; the YIELD that completes them follows',
    result: 'entries of this thread into the shim until then',
    data: 'pages (shim/core/preempt.c)',
  },
  {
    name: 'TIMES',
    means: 'the thread read the time, once or several times one after another',
    object: 'how many reads',
    data: 'for each: nanoseconds (u64), row of the call (u32), digest of its arguments (u32)',
  },
  {
    name: 'NAMED',
    means: 'the address and port that a socket of datagrams has got by its first send or a connect',
    object: 'its descriptor',
    data: 'both addresses, its own and its peer\'s (shim/core/datagrams.c)',
  },
  {
    name: 'JOINED',
    means: 'whose the connection is that was just accepted on a Unix socket',
    object: 'its descriptor',
    result: '1 when its peer is a process of the application, else 0',
  },
  {
    name: 'HANDOVER',
    means: '--schedule parallel: an object passes from the thread that held it last to this one',
    object: 'id of the thread that held it last, 0 none',
    result: 'address of the object',
    check: 'times it was held << 32 | sections that thread had made then (low 32 bits)',
  },
  {
    name: 'PARKED',
    means: '--schedule parallel: a wait for an object ended by time or by a signal',
    result: '-ETIMEDOUT or -EINTR',
    check: 'address of the word it waited for',
  },
  {
    name: 'PROGRESS',
    means: '--schedule parallel: how far threads have come, at least',
    data: 'thread id and sections made, two words for each thread',
  },
  {
    name: 'PAGES',
    means: 'memory of a process before its end, page by page; the last has none',
    object: 'signal that ends the process, 0 none',
    result: 'address',
    data: 'pages (shim/core/evidence.c)',
  },
  {
    name: 'DRAWN',
    means: 'the program drew random bits from the processor (rdrand, rdseed)',
    object: 'bytes of the register',
    result: 'the bits',
  },
  {
    name: 'TOGETHER',
    means: 'processes may share memory from here on: all sharing groups become one',
  },
] as const satisfies readonly Event[];
export type EventName = (typeof events)[number]['name'];

/** The row of an event: what `method & HS_METHOD_ROW` of its record says. */
export function eventRow(name: EventName): number {
  return EVENT_BASE + events.findIndex((event) => event.name === name);
}
