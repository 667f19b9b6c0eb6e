// irregulars.ts: the calls a policy cannot describe: each name is a C function `hs_irr_<name>`.
// What it does and why it cannot be regular is said here once; docs/CALLS.md carries it on.
// The rule: as few as possible. What only reads, writes or waits is a regular row.
import { type Verdict } from './policies.js';

export interface Irregular {
  readonly verdict: Verdict;
  /** The reason in one line, as rows and hs-trace show it. */
  readonly short: string;
  /** What the function does, and why. */
  readonly why: string;
}

export const irregulars = {
  map: {
    verdict: 're-executed',
    short: 'addresses must come out equal; contents of files are carried',
    why:
      'Both sides make the mapping at the address the primary got, which the backup asks for ' +
      'with MAP_FIXED_NOREPLACE. A private mapping of a file that is not mirrored gets its ' +
      'contents from the record. A shared mapping of a file is shared data of the sharing ' +
      'group: both sides map the same open file, or its pages would not merge as on the ' +
      'primary.',
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
    short: "must not touch the shim's own mappings",
    why:
      "Both sides unmap. A range that meets the shim's own mappings is refused, and the " +
      "shim's knowledge of shared file mappings and of rewritten call sites in the range is " +
      'dropped.',
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
      'child of posix_spawn shares memory and is not a fork.',
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
    short: 'the last call of a thread; clears its words in the order of records',
    why:
      'The record of the end is made while the baton is held; then the robust list is walked ' +
      'and the CLEARTID word is cleared and woken, as the kernel would have done at a moment ' +
      'nobody records.',
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
    short: 'a signal within the application is delivered at a record',
    why:
      'The primary sends. On the backup nothing is sent: what the signal did is a record of ' +
      "the thread that received it. A thread's signal to itself must be delivered before the " +
      'call returns, on both sides. A signal to a process outside the application is output.',
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
      'Names, death signals and dumpability are set on both sides. What would bind the shim ' +
      'itself is answered by it: PR_SET_TSC, PR_SET_SECCOMP, PR_SET_SYSCALL_USER_DISPATCH, ' +
      'PR_SET_MM. Options that write to memory are carried.',
  },
  arch_prctl: {
    verdict: 're-executed',
    short: 'the gs base belongs to the shim',
    why:
      "The fs base is the program's and is set on both sides. The gs base holds the shim's " +
      'thread state: setting it is refused. CPUID faulting and shadow stacks are refused.',
  },
  open: {
    verdict: 're-executed',
    short: 'decides what kind of descriptor it is',
    why:
      'Here a descriptor gets its kind. A file of a mirrored path is opened on both sides; ' +
      'anything else (/proc, /sys, devices, paths that are not mirrored) is opened on the ' +
      'primary, and the backup puts a placeholder at the same number. Creation and truncation ' +
      'are effects on the mirror and happen on both.',
  },
  close: {
    verdict: 're-executed',
    short: "forgets what the descriptor was; the shim's own are not closed",
    why:
      'Both sides close the number. The last close of a connection is output: a FIN leaves ' +
      "when the commit mode allows it. The shim's own descriptors cannot be seen, so they " +
      'answer EBADF.',
  },
  close_range: {
    verdict: 're-executed',
    short: "passes over the shim's own descriptors",
    why: "As close, for each number of the range that is the program's.",
  },
  dup: {
    verdict: 're-executed',
    short: 'the new number is the same open file',
    why:
      "Both sides copy, and the kind is copied with it. The shim's own numbers are moved out " +
      'of the way when the program names one.',
  },
  fcntl: {
    verdict: 're-executed',
    short: 'some commands copy descriptors, some wait, some write memory',
    why:
      'F_DUPFD and flags are made on both sides and noted, because O_NONBLOCK decides whether ' +
      'a read may wait. Record locks are taken on the primary only and carried, as flock is. ' +
      'F_GETLK writes its argument: carried.',
  },
  ioctl: {
    verdict: 'replayed',
    short: 'direction and length depend on the request',
    why:
      'A list of requests gives the bytes each reads and writes. FIONBIO and FIOCLEX are made ' +
      'on both sides. A request that is not on the list is refused by name rather than ' +
      'guessed.',
  },
  socket: {
    verdict: 're-executed',
    short: 'decides what kind of descriptor it is',
    why:
      'Both sides make a socket, so that the number agrees. That of the backup stays ' +
      'unconnected until go-live. Packet sockets with rings and MSG_ZEROCOPY are refused.',
  },
  accept: {
    verdict: 'replayed',
    short: 'a connection from outside',
    why:
      'The primary accepts and records number, address and, for TCP, the facts takeover ' +
      'needs. The backup puts a placeholder at the same number; go-live turns it into the ' +
      'connection.',
  },
  connect: {
    verdict: 'replayed',
    short: 'a connection to outside',
    why:
      'The primary connects. The backup notes the peer. A connection within the application ' +
      'is an internal pipe: both ends are known.',
  },
  bind: {
    verdict: 'replayed',
    short: 'the backup must not own the address before go-live',
    why:
      'The primary binds; the backup notes the address and binds it at go-live, when the ' +
      "address has moved. A unix socket's file appears on the primary and, at go-live, on the " +
      'backup.',
  },
  listen: {
    verdict: 'replayed',
    short: 'the backup must not listen before go-live',
    why: 'The primary listens; the backup notes the backlog and listens at go-live.',
  },
  shutdown: {
    verdict: 'replayed',
    short: 'a FIN is output',
    why: 'Leaves when the commit mode allows it; the backup notes which directions are shut.',
  },
  setsockopt: {
    verdict: 'replayed',
    short: 'options must hold after go-live',
    why:
      'The primary sets the option; the backup sets it on its own socket where that is ' +
      'harmless and keeps the rest for go-live. Options that let the kernel write or send ' +
      'unseen (SO_ZEROCOPY, packet rings, TCP_REPAIR, a filter program) are refused.',
  },
  sendfile: {
    verdict: 'replayed',
    short: 'data moves inside the kernel, unseen by the shim',
    why:
      'sendfile, splice, tee and copy_file_range are made as a bounded read and a write of ' +
      'the shim, so that what goes out is digested and held like any output, and what goes ' +
      'into a mirrored file is written on both sides. Offsets that are passed by address are ' +
      'carried.',
  },
  timerfd_settime: {
    verdict: 'replayed',
    short: 'armed on the primary; on the backup at go-live',
    why:
      'The primary arms the timer. The backup notes the setting and arms its own at go-live ' +
      'with what is left of it.',
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
      "The head is kept by the shim, which walks the list at the thread's end in the order of " +
      'records. Asking for it gives back what was set.',
  },
  rlimit: {
    verdict: 're-executed',
    short: "the shim's own memory and descriptors count too",
    why:
      'Limits on address space, data and descriptors are raised by what the shim needs; the ' +
      'program is answered its own values. Set on both sides.',
  },
  affinity: {
    verdict: 'replayed',
    short: 'CPUID tells which processor it ran on',
    why:
      'The processes of an application are pinned, because CPUID tells the number of the ' +
      "processor. The program's mask is kept and answered; the first answer is the primary's " +
      'real mask.',
  },
  identity: {
    verdict: 're-executed',
    short: "a thread's identity must be equal; capabilities may drop",
    why:
      'Users, groups and capabilities are set on both sides. What the shim needs later (its ' +
      'pages, its descriptors) it has opened before, because after this call it may not be ' +
      'allowed to.',
  },
  readlink: {
    verdict: 'replayed',
    short: '/proc/self/exe must name the program',
    why:
      'Regular, but for /proc/self/exe and its like, which would name hs-start: answered with ' +
      'the resolved path of the program.',
  },
  shm: {
    verdict: 're-executed',
    short: 'shared data of the sharing group, at equal addresses',
    why:
      'Both sides make and attach the segment, at the address and under the number the ' +
      'primary got. What shmctl writes is carried. A segment made by a process outside the ' +
      'application is refused.',
  },
} as const satisfies Record<string, Irregular>;
export type IrregularName = keyof typeof irregulars;
