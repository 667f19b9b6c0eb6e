// irregulars.ts: the calls a policy cannot describe: each name is a C function `hs_irr_<name>`.
// What it does and why it cannot be regular is said here once; docs/CALLS.md carries it on.
// The rule: as few as possible. What only reads, writes or waits is a regular row.
import { fileIrregulars } from './irregular-files.js';
import { type Verdict } from './policies.js';

export interface Irregular {
  readonly verdict: Verdict;
  /** The reason in one line, as rows and hs-trace show it. */
  readonly short: string;
  /** What the function does, and why. */
  readonly why: string;
}

export const irregulars = {
  ...fileIrregulars,
  map: {
    verdict: 're-executed',
    short: 'addresses must come out equal; contents of changed files are carried',
    why:
      'Both sides make the mapping; the backup asks for the recorded address with ' +
      'MAP_FIXED_NOREPLACE. A file that is mirrored, and a memfd, are mapped as they are, ' +
      'shared mappings included. Any other file is mapped from its own path when it has not ' +
      'changed since the session began; else its contents are in the record.',
  },
  remap: {
    verdict: 're-executed',
    short: 'may move a mapping',
    why:
      'The kernel chooses where a mapping moves to; the backup moves its own to the address ' +
      'the primary got.',
  },
  unmap: {
    verdict: 're-executed',
    short: 'rewritten call sites go with the code',
    why:
      'Both sides unmap, and the shim forgets the call sites it rewrote in the range, because ' +
      'other code may come to lie there.',
  },
  brk: {
    verdict: 're-executed',
    short: 'the heap must start and end at equal addresses',
    why:
      'Both sides move the end of the heap; another answer than the recorded one is a ' +
      'divergence, found here rather than at the first pointer.',
  },
  protect: {
    verdict: 're-executed',
    short: 'new code may hold calls to rewrite',
    why:
      'Both sides change the protection. Memory that becomes executable may hold call sites; ' +
      'memory that the program wants to write may hold rewritten ones.',
  },
  clone: {
    verdict: 'ordered',
    short: 'a new thread or process needs its own shim state before its first instruction',
    why:
      'clone, fork and vfork make a child that must have its own stack and state in the shim, ' +
      'must be armed again (the kernel clears syscall user dispatch), and gets the number the ' +
      'primary recorded. CLONE_CHILD_CLEARTID is taken out: the kernel would clear the word ' +
      'at a moment of its own, so the shim clears it in the order of records. The CLONE_VM ' +
      'child of posix_spawn is not a fork: its parent is held until it execs or ends.',
  },
  exec: {
    verdict: 'ordered',
    short: 'goes through hs-start again',
    why:
      'The file is looked at first, because ENOENT or EACCES are ordinary results. Then the ' +
      'new program is started through hs-start with all signals blocked; mask and ignored set ' +
      'go along, `#!` lines are resolved, and the program sees the path it asked for.',
  },
  exit: {
    verdict: 'ordered',
    short: 'the last call of a thread; clears its word in the order of records',
    why:
      'The record of the end is made while the baton is held; then the CLEARTID word is ' +
      'cleared and its waiter woken, which the kernel would have done at a moment nobody ' +
      "records. The last thread's end is that of the process.",
  },
  exit_group: {
    verdict: 'ordered',
    short: 'the last call of a process',
    why:
      'The end of a process takes its threads with it: after this record none of them makes ' +
      'another. Writable memory is digested first, when that is wanted.',
  },
  sigaction: {
    verdict: 're-executed',
    short: 'the shim keeps the actions',
    why:
      'The kernel is told of a handler of the shim; the program is told what it set itself. ' +
      "Handlers of faults stay the kernel's business on both sides, because faults happen by " +
      'themselves on both.',
  },
  sigprocmask: {
    verdict: 're-executed',
    short: 'the shim keeps the mask',
    why:
      "The program sees the mask it set. In the kernel's mask the signals that the shim needs " +
      '(SIGSYS and the synchronous ones) are never blocked, and the backup blocks the rest.',
  },
  sigreturn: {
    verdict: 're-executed',
    short: 'leaves a frame that the shim built',
    why:
      'Registers, mask and alternate stack come back from the frame, whose layout is the ' +
      "kernel's, so a program that edits it gets what it asked for.",
  },
  sigaltstack: {
    verdict: 're-executed',
    short: "the kernel has the shim's own stack",
    why:
      "The program's alternate stack is kept by the shim and used when a handler's frame is " +
      'built.',
  },
  sigsuspend: {
    verdict: 'ordered',
    short: 'waits for a signal that is itself a record',
    why:
      'Puts a mask in place, waits until the shim has caught a signal the program accepts, ' +
      'and delivers it; the backup only takes its turn.',
  },
  kill: {
    verdict: 'ordered',
    short: 'a signal within the application is delivered at a record of its own',
    why:
      'The primary sends. On the backup nothing is sent: what the signal did is a record of ' +
      "the thread that received it. A thread's signal to itself is delivered before the call " +
      'returns, on both sides.',
  },
  wait: {
    verdict: 'ordered',
    short: 'which child ended first is an input',
    why:
      'The primary waits and records child, status and usage. The backup waits for exactly ' +
      'that child, so that no zombie is left and the number may be used again as on the ' +
      'primary.',
  },
  futex: {
    verdict: 'ordered',
    short: 'the wake order is the baton order; a wait re-checks its word at go-live',
    why:
      'The primary waits and wakes in the kernel, and each return takes its place in the ' +
      'order of batons. The backup does not wait: its turn is the wake. At go-live a thread ' +
      'whose wait has no record enters it again; the kernel compares the word once more, so ' +
      'no wake is lost.',
  },
  prctl: {
    verdict: 're-executed',
    short: 'some options bind the shim, some are written to memory',
    why:
      'Names, death signals and dumpability are set on both sides. Options that write to memory ' +
      'are carried.',
  },
  lock_all: {
    verdict: 're-executed',
    short: "locks what is touched, so that the shim's sparse memory stays sparse",
    why:
      'The shim maps gigabytes that are mostly never touched. MCL_ONFAULT is added, so that ' +
      'only pages in use are locked.',
  },
  arch_prctl: {
    verdict: 're-executed',
    short: 'the gs base belongs to the shim',
    why:
      "The fs base is the program's and is set on both sides. The gs base holds the shim's " +
      'thread state: the program can neither set nor ask it.',
  },
  epoll_ctl: {
    verdict: 're-executed',
    short: 'a registration that goes off once is out of the list until it is armed again',
    why:
      'The interest list is a real one on both sides. On the backup nobody waits on it: what the ' +
      'log says has gone off, and was to go off once, is taken out there until it is armed again.',
  },
  socket: {
    verdict: 're-executed',
    short: 'decides what kind of descriptor it is',
    why:
      'Both sides make a socket, so that the number agrees. That of the backup stays ' +
      'unconnected until go-live.',
  },
  accept: {
    verdict: 'replayed',
    short: 'a connection from outside',
    why:
      'The primary accepts and records number and address, and for TCP the facts that ' +
      'takeover needs. The backup makes an unconnected socket, which gets the same number; ' +
      'go-live turns it into the connection.',
  },
  connect: {
    verdict: 'replayed',
    short: 'a connection to outside',
    why:
      'The primary connects; the backup is given the answer and notes that the socket is a ' +
      'connection now. One of datagrams is connected there too, to the same peer from the same ' +
      'port.',
  },
  bind: {
    verdict: 'replayed',
    short: 'a port the kernel chose is part of the record',
    why:
      'The primary binds, and the record holds the address that came of it. With a takeover ' +
      'address the backup binds its own socket to the same before it owns it (IP_FREEBIND), ' +
      'and listens at go-live alone.',
  },
  listen: {
    verdict: 'replayed',
    short: 'the backup must not listen before go-live',
    why: 'The primary listens; the backup notes the backlog and listens at go-live.',
  },
  shutdown: {
    verdict: 'replayed',
    short: 'a FIN is output',
    why:
      'What is held for the connection leaves first; the backup notes which directions are ' +
      'shut.',
  },
  setsockopt: {
    verdict: 'replayed',
    short: 'options must hold after go-live',
    why:
      'The primary sets the option. The backup sets it on its own socket too, where it is one ' +
      'of an internet family; its own answer does not count. Multicast groups are joined there ' +
      "on the service's interface.",
  },
  attach_shared: {
    verdict: 're-executed',
    short: 'addresses must come out equal',
    why: 'As a mapping: the backup attaches its own segment at the recorded address.',
  },
  ipc_control: {
    verdict: 're-executed',
    short: 'direction and length depend on the command',
    why:
      'Commands that change an object are made on both sides; what the others tell (times, ' +
      'process ids, counts) is carried.',
  },
  semaphore: {
    verdict: 'ordered',
    short: 'may wait; the value must be right after go-live',
    why:
      'The change is made with the baton held; a thread that must wait waits in the shim and ' +
      'tries again after each change. The backup makes the same change to its own semaphores.',
  },
  queue_send: {
    verdict: 'ordered',
    short: 'may wait; the queue must be right after go-live',
    why:
      "As semaphores: the message is put into both sides' queues, and its digest is compared.",
  },
  queue_receive: {
    verdict: 'ordered',
    short: 'may wait; the queue must be right after go-live',
    why:
      'As semaphores. The message is carried; the backup takes the first of the same type out of ' +
      'its own queue.',
  },
  mq_send: {
    verdict: 'ordered',
    short: 'may wait; the queue must be right after go-live',
    why:
      "As semaphores: the message is put into both sides' queues, and its digest is compared.",
  },
  mq_receive: {
    verdict: 'ordered',
    short: 'may wait; the queue must be right after go-live',
    why:
      'As semaphores. The message is carried; the backup takes the first one out of its own ' +
      'queue.',
  },
  send_message: {
    verdict: 'replayed',
    short: 'may carry descriptors',
    why:
      'Output like any other, and descriptors in it (SCM_RIGHTS) are counted on both sides; the ' +
      'backup keeps a duplicate of each until it is received. Of many messages at once as many ' +
      'are sent as one record describes.',
  },
  receive_message: {
    verdict: 'replayed',
    short: 'may bring descriptors',
    why:
      'Input like any other. For descriptors in it the primary finds out which of those sent ' +
      'within the application they are, by comparing open files; the backup puts its duplicate ' +
      'of the same one at the recorded number. What came from outside has a placeholder there.',
  },
  get_descriptor: {
    verdict: 're-executed',
    short: "another process's descriptor",
    why:
      "Both sides take it from their own process, which holds the same object at the same " +
      'number.',
  },
  sendfile: {
    verdict: 'replayed',
    short: 'made of reads and writes where the shim must see the bytes',
    why:
      'Between two files, and between pipes, the kernel copies by itself, and on the backup ' +
      'again where files are mirrored. Where a TCP connection takes part, or a file and a pipe, ' +
      'or a file that is mapped, the shim makes the call of others: it reads into memory of its ' +
      'own and writes, so that the bytes are recorded, held and made on the backup like any. No ' +
      'byte is taken out of a pipe or connection before there is room for it.',
  },
  timer: {
    verdict: 'replayed',
    short: 'runs again at go-live for what is left of its time',
    why:
      'Only the primary arms the timer: its signals, and what is read from it, are carried. The ' +
      'backup follows what was set and when it went off, and arms it at go-live for what is left.',
  },
  set_tid_address: {
    verdict: 're-executed',
    short: 'the kernel would clear the word unseen',
    why:
      "The word is kept by the shim and cleared by it at the thread's end; the kernel is told " +
      'of none.',
  },
  robust_list: {
    verdict: 're-executed',
    short: 'the kernel would walk the list unseen',
    why:
      'When a thread dies the kernel walks its list at a moment of its own, so it is not told ' +
      'of one. The price: a robust mutex whose owner dies without unlocking it is not handed ' +
      'to the next as EOWNERDEAD.',
  },
  rlimit: {
    verdict: 're-executed',
    short: 'limits decide which descriptors and mappings the kernel gives',
    why: "A new limit is set on both sides; what the program is told is the primary's.",
  },
  identity: {
    verdict: 'replayed',
    short: 'the backup needs its privileges until it goes live',
    why:
      "The primary's thread changes its users, groups, capabilities or what binds them; what it " +
      'has come to be is read from the kernel and recorded. The backup takes over groups, and ' +
      'for files the user and his rights, but keeps real user 0: it must make threads with ' +
      'given numbers, and sockets. Each thread becomes the recorded identity as it goes live.',
  },
} as const satisfies Record<string, Irregular>;
export type IrregularName = keyof typeof irregulars;
