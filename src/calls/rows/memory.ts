// memory.ts: calls that change the address space. Made on both sides, in the same order, so that
// every address comes out equal.
import { address, count, fd, flags, mode, offset, out, pid, size, value } from '../arguments.js';
import { irregular, memory as both, refuse, result } from '../policies.js';
import { type Row, row } from '../row.js';

const at = address('address');
const nodes = refuse('ENOSYS', 'hosts differ in their memory nodes: as on a kernel without them');
const foreign = "reaches into another process's memory";

export const memory: readonly Row[] = [
  row(9, 'mmap', [at, size, value('protection'), flags, fd, offset],
    irregular('map', 'addresses must come out equal; contents of files are carried')),
  row(10, 'mprotect', [at, size, value('protection')], irregular('protect')),
  row(11, 'munmap', [at, size], irregular('unmap')),
  row(12, 'brk', [at], irregular('brk')),
  row(25, 'mremap', [at, size, value('newSize'), flags, address('newAddress')],
    irregular('remap')),
  row(26, 'msync', [at, size, flags], both.unbroken),
  row(27, 'mincore', [at, size, out.bytePerPage], result.because(
    'which pages are resident differs between hosts')),
  row(28, 'madvise', [at, size, value('advice')], both.because(
    'MADV_DONTNEED changes what the program reads')),
  row(149, 'mlock', [at, size], both),
  row(150, 'munlock', [at, size], both),
  row(151, 'mlockall', [flags], irregular('lock_all')),
  row(152, 'munlockall', [], both),
  row(216, 'remap_file_pages', [at, size, value('protection'), offset, flags],
    refuse('ENOSYS', 'long obsolete; would make the map of files unknown to the shim')),
  row(237, 'mbind', [at, size, mode, address('nodes'), count, flags], nodes),
  row(238, 'set_mempolicy', [mode, address('nodes'), count], nodes),
  row(239, 'get_mempolicy', [address('mode'), address('nodes'), count, at, flags], nodes),
  row(256, 'migrate_pages', [pid, count, address('from'), address('to')], nodes),
  row(279, 'move_pages',
    [pid, count, address('pages'), address('nodes'), address('status'), flags], nodes),
  row(310, 'process_vm_readv', [pid, address('local'), count, address('remote'), count, flags],
    refuse('ENOSYS', foreign)),
  row(311, 'process_vm_writev', [pid, address('local'), count, address('remote'), count, flags],
    refuse('ENOSYS', foreign)),
  row(323, 'userfaultfd', [flags],
    refuse('ENOSYS', 'faults would be served by another thread, in an order nobody records')),
  row(325, 'mlock2', [at, size, flags], both),
  row(329, 'pkey_mprotect', [at, size, value('protection'), value('key')], keys()),
  row(330, 'pkey_alloc', [flags, value('rights')], keys()),
  row(331, 'pkey_free', [value('key')], keys()),
  row(440, 'process_madvise', [fd, address('iov'), count, value('advice'), flags],
    refuse('EPERM', foreign)),
  row(447, 'memfd_secret', [flags],
    refuse('ENOSYS', 'memory that neither digest nor checkpoint could read')),
  row(448, 'process_mrelease', [fd, flags], refuse('ENOSYS', foreign)),
  row(450, 'set_mempolicy_home_node', [at, size, value('node'), flags], nodes),
  row(453, 'map_shadow_stack', [at, size, flags],
    refuse('ENOSYS', 'rewritten call sites and signal frames do not keep a shadow stack')),
  row(462, 'mseal', [at, size, flags],
    refuse('ENOSYS', 'a sealed mapping could not be restored from a checkpoint')),
];

function keys() {
  return refuse('ENOSYS', 'hosts differ in having protection keys: programs do without');
}
