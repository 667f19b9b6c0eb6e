/* words.ts: numbers of the kernel's interface in the words of its headers.
 * The rule: what has no word here is shown as a number, so that nothing is left out or guessed. */

type Words = Readonly<Record<number, string>>;

export const hex = (value: bigint): string => `0x${value.toString(16)}`;
export const decimal = (value: bigint): string => String(value);

const oneOf = (words: Words) => (value: bigint): string =>
  words[Number(value)] ?? String(value);

/** Bits that are set, by name; those that have none as one number behind them. */
const bitsOf = (words: Words) => (value: bigint): string => {
  const names: string[] = [];
  let rest = value;
  for (const [bit, name] of Object.entries(words)) {
    if ((value & BigInt(bit)) === 0n) continue;
    names.push(name);
    rest &= ~BigInt(bit);
  }
  if (rest !== 0n || names.length === 0) names.push(hex(rest));
  return names.join('|');
};

/** include/linux/socket.h */
export const families = oneOf({
  0: 'AF_UNSPEC', 1: 'AF_UNIX', 2: 'AF_INET', 4: 'AF_IPX', 10: 'AF_INET6', 15: 'AF_KEY',
  16: 'AF_NETLINK', 17: 'AF_PACKET', 29: 'AF_CAN', 31: 'AF_BLUETOOTH', 38: 'AF_ALG',
  40: 'AF_VSOCK', 44: 'AF_XDP', 45: 'AF_MCTP',
});

const types: Words = {
  1: 'SOCK_STREAM', 2: 'SOCK_DGRAM', 3: 'SOCK_RAW', 4: 'SOCK_RDM', 5: 'SOCK_SEQPACKET',
};
const typeFlags = bitsOf({ 0x800: 'SOCK_NONBLOCK', 0x80000: 'SOCK_CLOEXEC' });

export function socketTypes(value: bigint): string {
  const type = types[Number(value & 0xfn)] ?? String(value & 0xfn);
  return value >> 4n === 0n ? type : `${type}|${typeFlags(value & ~0xfn)}`;
}

/** include/uapi/linux/sched.h */
export const cloneFlags = bitsOf({
  0x80: 'CLONE_NEWTIME', 0x100: 'CLONE_VM', 0x200: 'CLONE_FS', 0x400: 'CLONE_FILES',
  0x800: 'CLONE_SIGHAND', 0x1000: 'CLONE_PIDFD', 0x2000: 'CLONE_PTRACE', 0x4000: 'CLONE_VFORK',
  0x8000: 'CLONE_PARENT', 0x10000: 'CLONE_THREAD', 0x20000: 'CLONE_NEWNS',
  0x40000: 'CLONE_SYSVSEM', 0x80000: 'CLONE_SETTLS', 0x100000: 'CLONE_PARENT_SETTID',
  0x200000: 'CLONE_CHILD_CLEARTID', 0x400000: 'CLONE_DETACHED', 0x800000: 'CLONE_UNTRACED',
  0x1000000: 'CLONE_CHILD_SETTID', 0x2000000: 'CLONE_NEWCGROUP', 0x4000000: 'CLONE_NEWUTS',
  0x8000000: 'CLONE_NEWIPC', 0x10000000: 'CLONE_NEWUSER', 0x20000000: 'CLONE_NEWPID',
  0x40000000: 'CLONE_NEWNET', 0x80000000: 'CLONE_IO', 0x100000000: 'CLONE_CLEAR_SIGHAND',
  0x200000000: 'CLONE_INTO_CGROUP',
});

const protections = bitsOf({ 1: 'PROT_READ', 2: 'PROT_WRITE', 4: 'PROT_EXEC' });
const mapFlags = bitsOf({
  1: 'MAP_SHARED', 2: 'MAP_PRIVATE', 0x10: 'MAP_FIXED', 0x20: 'MAP_ANONYMOUS',
});

/** mmap's protection in the low half, its flags in the high one. */
export function mappings(value: bigint): string {
  const protection = value & 0xffffffffn;
  return `${mapFlags(value >> 32n)}|${protection === 0n ? 'PROT_NONE' : protections(protection)}`;
}

/** include/uapi/linux/futex.h, without FUTEX_PRIVATE_FLAG */
export const futexOperations = oneOf({
  0: 'FUTEX_WAIT', 1: 'FUTEX_WAKE', 2: 'FUTEX_FD', 3: 'FUTEX_REQUEUE', 4: 'FUTEX_CMP_REQUEUE',
  5: 'FUTEX_WAKE_OP', 6: 'FUTEX_LOCK_PI', 7: 'FUTEX_UNLOCK_PI', 8: 'FUTEX_TRYLOCK_PI',
  9: 'FUTEX_WAIT_BITSET', 10: 'FUTEX_WAKE_BITSET', 11: 'FUTEX_WAIT_REQUEUE_PI',
  12: 'FUTEX_CMP_REQUEUE_PI', 13: 'FUTEX_LOCK_PI2',
});

export const fcntlCommands = oneOf({
  0: 'F_DUPFD', 1: 'F_GETFD', 2: 'F_SETFD', 3: 'F_GETFL', 4: 'F_SETFL', 5: 'F_GETLK',
  6: 'F_SETLK', 7: 'F_SETLKW', 8: 'F_SETOWN', 9: 'F_GETOWN', 10: 'F_SETSIG', 11: 'F_GETSIG',
  15: 'F_SETOWN_EX', 16: 'F_GETOWN_EX', 36: 'F_OFD_GETLK', 37: 'F_OFD_SETLK',
  38: 'F_OFD_SETLKW', 1024: 'F_SETLEASE', 1025: 'F_GETLEASE', 1026: 'F_NOTIFY',
  1030: 'F_DUPFD_CLOEXEC', 1031: 'F_SETPIPE_SZ', 1032: 'F_GETPIPE_SZ', 1033: 'F_ADD_SEALS',
  1034: 'F_GET_SEALS',
});

export const clocks = oneOf({
  0: 'CLOCK_REALTIME', 1: 'CLOCK_MONOTONIC', 2: 'CLOCK_PROCESS_CPUTIME_ID',
  3: 'CLOCK_THREAD_CPUTIME_ID', 4: 'CLOCK_MONOTONIC_RAW', 5: 'CLOCK_REALTIME_COARSE',
  6: 'CLOCK_MONOTONIC_COARSE', 7: 'CLOCK_BOOTTIME', 8: 'CLOCK_REALTIME_ALARM',
  9: 'CLOCK_BOOTTIME_ALARM', 11: 'CLOCK_TAI',
});

/** Two numbers, as of a socket's option: `level 6, option 1`. */
export const pairs = (value: bigint): string =>
  `level ${value & 0xffffffffn}, option ${value >> 32n}`;
