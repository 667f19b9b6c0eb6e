// workers.mjs: keeps values: PUT stores a body under its path, GET gives it back. Workers share
// memory and a lock in it; each body also goes through zlib's and crypto's thread pool.
// The rule: what is answered has been through a worker and the pool, and is compared before that.
import { createHash, pbkdf2 } from 'node:crypto';
import { createServer } from 'node:http';
import { promisify } from 'node:util';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { deflate, inflate } from 'node:zlib';

const [turns, lock] = [0, 1]; // words of the shared memory

function digest(body) {
  return createHash('sha256').update(body).digest('hex');
}

function work() {
  const words = new Int32Array(workerData);
  parentPort.on('message', ({ id, body }) => {
    while (Atomics.compareExchange(words, lock, 0, 1) !== 0) Atomics.wait(words, lock, 1, 5);
    words[turns]++;
    Atomics.store(words, lock, 0);
    Atomics.notify(words, lock);
    parentPort.postMessage({ id, sum: digest(body) });
  });
}

function serve() {
  const memory = new SharedArrayBuffer(64);
  const waiting = new Map();
  const values = new Map();
  const workers = [0, 1, 2].map(() => new Worker(new URL(import.meta.url), { workerData: memory }));
  for (const worker of workers) {
    worker.on('message', ({ id, sum }) => {
      waiting.get(id)(sum);
      waiting.delete(id);
    });
  }
  let asked = 0;
  const ask = (body) => new Promise((resolve) => {
    waiting.set(++asked, resolve);
    workers[asked % workers.length].postMessage({ id: asked, body });
  });
  const put = async (path, body) => {
    const packed = await promisify(deflate)(body);
    await promisify(pbkdf2)(body, 'salt', 20, 32, 'sha256');
    const unpacked = await promisify(inflate)(packed);
    if (await ask(unpacked) !== digest(body)) throw new Error('a worker saw another body');
    values.set(path, body);
    return `stored ${body.length}`;
  };
  createServer(async (request, response) => {
    const parts = await request.toArray();
    const path = request.url;
    const body = request.method === 'PUT' ? await put(path, Buffer.concat(parts))
      : values.get(path);
    if (body === undefined) response.statusCode = 404;
    response.end(body ?? 'none');
  }).listen(8000, '0.0.0.0');
}

if (isMainThread) serve();
else work();
