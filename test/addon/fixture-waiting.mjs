// Worker: waits on many words, re-arming in each callback, until it is ended from outside.
import { parentPort, workerData } from 'node:worker_threads';
import { FutexWaiter, mapMemory } from 'bpf-loader';

const buffer = mapMemory(workerData.fd, 0, 4096);
const words = new Int32Array(buffer);
for (let i = 0; i < 8; i++) {
  const index = i < 4 ? 0 : i;
  const waiter = new FutexWaiter(buffer, index * 4, () => arm(), { keepLoop: true });
  const arm = () => waiter.arm(Atomics.load(words, index), i === 7 ? 0 : undefined);
  arm();
}
parentPort.postMessage('waiting');
