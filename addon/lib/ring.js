// The streaming end of a BPF ring buffer: batches from the native thread, flushes, and its end.
import { attempt, check, ClosedError } from './errors.js';
import { Handle, running } from './handle.js';
import { native } from './native.js';

export class RingBuffer extends Handle {
  #native;
  #onBatch;
  #forget;
  #flushes = new Map();

  constructor(map, onBatch, { pollMs = 1, isPrompt = false, keepLoop = true } = {},
    forget = () => {}) {
    super(`ring buffer ${map.name}`);
    check(typeof onBatch === 'function', 'onBatch must be a function');
    check(map.type === 'ringbuf', `map ${map.name} is ${map.type}, not ringbuf`);
    check(Number.isFinite(pollMs) && pollMs >= 0.05 && pollMs <= 10_000,
      `pollMs must be from 0.05 to 10000, not ${String(pollMs)}`);
    this.#onBatch = onBatch;
    this.#forget = forget;
    const { fd, name } = map;
    this.#native = attempt(`read ring buffer ${name}`, () =>
      native.ringOpen(fd, pollMs, Boolean(isPrompt), (...told) => this.#hear(...told)));
    if (!keepLoop) this.unref();
    running.add(this);
  }

  #hear(buffer, number, count) {
    if (buffer === null) return this.#flushed(number);
    setImmediate(() => { if (!this.closed) native.ringNext(this.#native); });
    this.#onBatch(buffer, new Uint32Array(buffer, number, count),
      new Uint32Array(buffer, number + count * 4, count));
  }

  #flushed(upTo) {
    for (const [number, { resolve }] of this.#flushes) {
      if (number > upTo) break; // in the order they were asked for
      this.#flushes.delete(number);
      resolve();
    }
  }

  flush() {
    this.checkOpen();
    return new Promise((resolve, reject) => {
      this.#flushes.set(native.ringFlush(this.#native), { resolve, reject });
    });
  }

  ref() {
    this.checkOpen();
    native.threadKeepLoop(this.#native, true);
  }

  unref() {
    this.checkOpen();
    native.threadKeepLoop(this.#native, false);
  }

  release() {
    running.delete(this);
    this.#forget(this);
    native.threadClose(this.#native);
    for (const { reject } of this.#flushes.values()) reject(new ClosedError('the ring buffer'));
    this.#flushes.clear();
  }
}
