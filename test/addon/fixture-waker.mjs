// Worker: at each message, counts up word 0 of the shared memory and wakes who waits on it.
import { parentPort, workerData } from 'node:worker_threads';
import { futexWake, mapMemory } from 'bpf-loader';

const buffer = mapMemory(workerData.fd, 0, 4096);
const words = new Int32Array(buffer);
parentPort.on('message', () => {
  Atomics.add(words, 0, 1);
  futexWake(buffer, 0, 1);
});
