// table.ts: every system call HotSwap knows, in the kernel's order.
// From these rows come the C table, the record decoder, hs-trace's classes and verdicts,
// docs/CALLS.md and the conformance list (tools/generate.ts). Nothing else lists calls.
// A row stands in the file of its family, as the programs that test it do.
import { type Call, table } from './row.js';
import { descriptors } from './rows/descriptors.js';
import { files } from './rows/files.js';
import { ids } from './rows/ids.js';
import { ipc } from './rows/ipc.js';
import { memory } from './rows/memory.js';
import { processes } from './rows/processes.js';
import { signals } from './rows/signals.js';
import { sockets } from './rows/sockets.js';
import { system } from './rows/system.js';
import { threads } from './rows/threads.js';
import { time } from './rows/time.js';

export const calls: readonly Call[] = table({
  files,
  descriptors,
  sockets,
  memory,
  signals,
  processes,
  threads,
  time,
  ids,
  ipc,
  system,
});
