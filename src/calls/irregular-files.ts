// irregular-files.ts: the irregular calls on descriptors and files; a part of irregulars.ts, which
// says what an entry holds. The rule is the same: as few as possible.
import { type Irregular } from './irregulars.js';

export const fileIrregulars = {
  open: {
    verdict: 're-executed',
    short: 'decides what kind of descriptor it is',
    why:
      'Here a descriptor gets its kind. A file of a mirrored path is opened on both sides, ' +
      'with the creation and truncation that this brings. Anything else (/proc, /sys, ' +
      'devices, files that are not mirrored) is opened on the primary alone, and the backup ' +
      'puts a placeholder at the same number.',
  },
  truncate: {
    verdict: 're-executed',
    short: 'the file may be mapped',
    why:
      'Both sides truncate where files are mirrored. A replay from the log alone is told the new ' +
      'size of a file whose contents the log carries, because it may be mapped.',
  },
  close: {
    verdict: 're-executed',
    short: "forgets what the descriptor was; the shim's own are not closed",
    why:
      'Both sides close the number. What is still held for a connection leaves before its FIN ' +
      "does. The shim's own descriptors cannot be seen: they answer EBADF.",
  },
  close_range: {
    verdict: 're-executed',
    short: "passes over the shim's own descriptors",
    why:
      "As close, for each number of the range that is the program's. CLOSE_RANGE_UNSHARE is " +
      'refused (EPERM) where other threads have the table too, as unshare is.',
  },
  dup: {
    verdict: 're-executed',
    short: 'the new number is the same open file',
    why:
      "Both sides copy, and what is known of the descriptor is copied with it. The shim's own " +
      'numbers answer EBADF.',
  },
  fcntl: {
    verdict: 're-executed',
    short: 'some commands copy descriptors, some wait, some write memory',
    why:
      'Copies and close-on-exec are made and compared on both sides. F_SETFL is made on both ' +
      'and noted, because O_NONBLOCK decides whether a read may wait. Locks are ' +
      'taken as by flock.',
  },
  flock: {
    verdict: 're-executed',
    short: 'the copy holds the locks that the primary holds',
    why:
      'The primary waits for the lock in its kernel. The backup takes a lock that the log says ' +
      'was got on its own file, without waiting for its turn to come round: by the order of the ' +
      'log it is free, or its holder is about to end. So locks are held against other processes ' +
      'after a takeover. A lock that somebody else of that host holds is a divergence.',
  },
  stat: {
    verdict: 'replayed',
    short: 'the file is known again by its inode after a takeover',
    why:
      'Device and inode number differ between the hosts, and programs know a file again by them. ' +
      'The backup is given what the primary saw, looks at its own file, and notes which of the ' +
      'two is which; once it is live, the numbers are translated.',
  },
  entries: {
    verdict: 'replayed',
    short: "the order of entries is the file system's own",
    why:
      'The backup is given the entries as the primary read them. Once it is live, their inode ' +
      'numbers are translated as those of stat.',
  },
  ioctl: {
    verdict: 'replayed',
    short: 'direction and length depend on the request',
    why:
      'The primary makes it, and the bytes that the request writes are carried: their number ' +
      'is in a list for the old requests of terminals and network interfaces, and in the ' +
      "request's own number for the rest. FIONBIO, FIOCLEX and FIONCLEX are made on both " +
      'sides.',
  },
  readlink: {
    verdict: 'replayed',
    short: '/proc/self/exe must name the program, not the launcher',
    why:
      "hs-start sets the link of a process that has the right to; where an unprivileged one's " +
      'exec cannot, the shim answers, here and in every other call that names it.',
  },
} as const satisfies Record<string, Irregular>;
