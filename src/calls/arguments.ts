// arguments.ts: what the arguments of a system call are, in the words the rows use.
// A pointer says which way bytes go through it and how many: the shim copies exactly those, so a
// length that is wrong here is an unrecorded input. Sizes are the kernel's on x86_64.
// The rule: a length refers to another argument by its label, or to the result; never to a guess.

/** Sizes in bytes of what calls point to; checked against the kernel's headers by a test. */
export const structs = {
  byte: 1,
  word: 4,
  long: 8,
  pair: 8, // two descriptors
  capabilities: 12, // one of struct __user_cap_data_struct: a version has one or two
  capability_header: 8,
  epoll_event: 12, // packed on x86_64
  file_handle: 136, // header and MAX_HANDLE_SZ bytes
  file_lock: 32, // struct flock
  gid: 4,
  id: 4,
  itimerspec: 32,
  itimerval: 32,
  masked_set: 16, // pselect6: address and size of a signal set
  mq_attr: 64,
  pollfd: 8,
  rlimit: 16,
  rusage: 144,
  sched_attr: 48, // the first version's: no caller passes less
  sched_param: 4,
  sembuf: 6,
  sigaction: 32, // the kernel's, not libc's
  sigevent: 64,
  siginfo: 128,
  sigset: 8,
  stack: 24, // stack_t
  stat: 144,
  statfs: 120,
  statx: 256,
  sysinfo: 112,
  timespec: 16,
  timeval: 16,
  timex: 208,
  timespecs: 32, // access and modification time
  timevals: 32,
  timezone: 8,
  tms: 32,
  utimbuf: 16,
  utsname: 390,
} as const;
export type StructName = keyof typeof structs;

/** The names of enum hs_kind in shim/core/call.h. */
export type ArgumentKind =
  | 'VALUE'
  | 'FD'
  | 'ADDRESS'
  | 'OPAQUE'
  | 'IN'
  | 'IN_STRING'
  | 'OUT'
  | 'INOUT'
  | 'OUT_SIZED'
  | 'LENGTH'
  | 'IN_IOV'
  | 'OUT_IOV'
  | 'IN_MSG'
  | 'OUT_MSG'
  | 'IN_MMSG'
  | 'OUT_MMSG'
  | 'STRINGS';

/** Where the number of elements comes from: `argument` names another argument by its label. */
export type Length =
  | { from: 'one' }
  | { from: 'result' }
  | { from: 'descriptorSets' } // words of an fd_set of argument 0 bits
  | { from: 'capabilityVersion' } // as many as the version in argument 0 has
  | { from: 'pages' } // pages in as many bytes as argument 1 says
  | { from: 'argument'; label: string };

export interface Argument {
  readonly kind: ArgumentKind;
  /** The word it is known by, in lengths and in docs. */
  readonly label: string;
  readonly length: Length;
  /** Bytes of one element; 0 for what is no pointer. */
  readonly size: number;
}

const one: Length = { from: 'one' };

function scalar(kind: ArgumentKind, label: string): Argument {
  return { kind, label, length: one, size: 0 };
}

/** A number; a program must pass the same one on both sides. */
export const value = (label: string): Argument => scalar('VALUE', label);
/** An address that is not followed. */
export const address = (label: string): Argument => scalar('ADDRESS', label);
/** A descriptor. As the first argument it is the record's object. */
export const descriptor = (label: string): Argument => scalar('FD', label);

export const fd = descriptor('fd');
export const dirfd = descriptor('dirfd');
export const count = value('count');
export const size = value('size');
export const flags = value('flags');
export const mode = value('mode');
export const option = value('option');
export const offset = value('offset');
export const pid = value('pid');
export const signal = value('signal');
export const clock = value('clock');
export const user = value('user');
export const group = value('group');
export const timeout = { ms: value('timeoutMs') };

type Direction = 'IN' | 'OUT' | 'INOUT';

function lengthOf(name: string): Length {
  return name === 'result' ? { from: 'result' } : { from: 'argument', label: name };
}

function pointers(direction: Direction) {
  const array = (type: StructName, length: string): Argument => ({
    kind: direction,
    label: `${type}s`,
    length: lengthOf(length),
    size: structs[type],
  });
  return {
    /** One structure. */
    struct: (type: StructName): Argument => ({
      kind: direction,
      label: type,
      length: one,
      size: structs[type],
    }),
    /** As many elements as the argument labelled `length` says, or as the result says. */
    array,
    /** Bytes; of `result` bytes, when the next argument is the buffer's size, at most that. */
    bytes: (length: string): Argument => ({ ...array('byte', length), label: 'buffer' }),
    /** An fd_set of as many bits as argument 0 says. */
    descriptorSet: {
      kind: direction,
      label: 'set',
      length: { from: 'descriptorSets' },
      size: 8,
    } as Argument,
    /** The sets of a capability call: their number follows from the header, argument 0. */
    capabilities: {
      kind: direction,
      label: 'capabilities',
      length: { from: 'capabilityVersion' },
      size: structs.capabilities,
    } as Argument,
    /** One byte for each page of the range (argument 0, argument 1). */
    bytePerPage: {
      kind: direction,
      label: 'vector',
      length: { from: 'pages' },
      size: 1,
    } as Argument,
  };
}

function gathered(kind: ArgumentKind, label: string, length: string, bytes: number): Argument {
  return { kind, label, length: lengthOf(length), size: bytes };
}

/** What the call reads. */
export const in_ = {
  ...pointers('IN'),
  /** An iovec array; what it names goes out, as far as the result says. */
  iov: (length: string): Argument => gathered('IN_IOV', 'iov', length, 16),
  message: { kind: 'IN_MSG', label: 'message', length: one, size: 56 } as Argument,
  messages: (length: string): Argument => gathered('IN_MMSG', 'messages', length, 64),
  /** A path or name, to its NUL. */
  string: (label: string): Argument => ({ kind: 'IN_STRING', label, length: one, size: 1 }),
  /** A NULL-terminated array of strings. */
  strings: (label: string): Argument => ({ kind: 'STRINGS', label, length: one, size: 8 }),
};
export const path = in_.string('path');
export const name = in_.string('name');

/** What the call writes. */
export const out = {
  ...pointers('OUT'),
  iov: (length: string): Argument => gathered('OUT_IOV', 'iov', length, 16),
  message: { kind: 'OUT_MSG', label: 'message', length: one, size: 56 } as Argument,
  messages: (length: string): Argument => gathered('OUT_MMSG', 'messages', length, 64),
  /** Written up to the length that the next argument, `length`, points to. */
  sized: (label: string): Argument => ({ kind: 'OUT_SIZED', label, length: one, size: 1 }),
};
/** The u32 length after `out.sized`: capacity before the call, true length after it. */
export const length: Argument = { kind: 'LENGTH', label: 'length', length: one, size: 4 };

/** What the call reads and writes. */
export const inout = pointers('INOUT');

const scalars: readonly ArgumentKind[] = ['VALUE', 'FD', 'ADDRESS', 'OPAQUE'];
export const isPointer = (argument: Argument): boolean => !scalars.includes(argument.kind);

const writers: readonly ArgumentKind[] = [
  'OUT', 'INOUT', 'OUT_SIZED', 'LENGTH', 'OUT_IOV', 'OUT_MSG', 'OUT_MMSG',
];
export const isWritten = (argument: Argument): boolean => writers.includes(argument.kind);
