// bpf-loader: eBPF from Node, and the shared memory and futexes that go with it. Types and the
// documentation of every function are in index.d.ts.
// The rule: checks, defaults and sentences are here in JavaScript; the native half only does.
export { measureRunTimes, open } from './lib/object.js';
export { features } from './lib/features.js';
export {
  createMemory, mapMemory, unmapMemory, closeFd, futexWake, FutexWaiter,
} from './lib/memory.js';
export { packetSocket, interfaceMac, interfaceIndex, monotonicNs } from './lib/net.js';
export { NativeError, ClosedError, ArgumentError } from './lib/errors.js';
