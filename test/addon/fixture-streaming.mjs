// Worker: streams its own process's write calls until it is ended from outside.
import { openSync, writeSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { open } from 'bpf-loader';

const object = open(workerData.bytes, { name: 'streaming' });
object.map('.rodata').setInitialValue(new Uint8Array(new Uint32Array([1]).buffer));
object.load({ skip: object.programs.map((one) => one.name).filter((one) => one !== 'hst_stream') });
object.map('pids').set(process.pid, 1);
const sink = openSync('/dev/null', 'w');
const write = () => writeSync(sink, 'x');
object.ringBuffer('events', () => {
  parentPort.postMessage('batch');
  write();
});
object.attach('hst_stream');
write();
