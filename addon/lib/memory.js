// Shared memory and futexes. An offset that is outside a mapping, or a mapping that is outside its
// memory, would be a SIGBUS or a write to somebody else's pages: so everything is checked here.
import { constants } from 'node:buffer';
import { ArgumentError, attempt, check, checkInteger, checkName } from './errors.js';
import { Handle, running } from './handle.js';
import { native } from './native.js';

const pageBytes = 4096;
const mostFd = 0x7fffffff;

export function createMemory(name, bytes, { inherit = false } = {}) {
  checkName(name, 'name');
  check(Buffer.byteLength(name) <= 249, 'name may have up to 249 bytes');
  checkInteger(bytes, 1, Number.MAX_SAFE_INTEGER, 'bytes');
  return attempt(`create memory ${name}`, () => native.memoryCreate(name, bytes, inherit));
}

export function mapMemory(fd, offset, length, { doubled = false } = {}) {
  checkInteger(fd, 0, mostFd, 'fd');
  checkInteger(offset, 0, Number.MAX_SAFE_INTEGER, 'offset');
  checkInteger(length, 1, Math.floor(constants.MAX_LENGTH / (doubled ? 2 : 1)), 'length');
  check(offset % pageBytes === 0, `offset must be a multiple of ${pageBytes}`);
  check(!doubled || length % pageBytes === 0,
    `length of a doubled mapping must be a multiple of ${pageBytes}`);
  return attempt('map memory', () => native.memoryMap(fd, offset, length, doubled));
}

export function unmapMemory(buffer) {
  check(buffer instanceof ArrayBuffer, 'buffer must be an ArrayBuffer from mapMemory');
  if (buffer.byteLength === 0) return; // detached: unmapped before
  if (!native.memoryUnmap(buffer)) throw new ArgumentError('buffer is not from mapMemory');
}

export function closeFd(fd) {
  checkInteger(fd, 0, mostFd, 'fd');
  attempt(`close ${fd}`, () => native.fdClose(fd));
}

function checkWord(buffer, byteOffset) {
  check(buffer instanceof ArrayBuffer, 'buffer must be an ArrayBuffer from mapMemory');
  checkInteger(byteOffset, 0, buffer.byteLength - 4, 'byteOffset');
  check(byteOffset % 4 === 0, 'byteOffset must be a multiple of 4');
}

export function futexWake(buffer, byteOffset, count = 1) {
  checkWord(buffer, byteOffset);
  checkInteger(count, 1, 0x7fffffff, 'count');
  return attempt('futex wake', () => native.futexWake(buffer, byteOffset, count));
}

export class FutexWaiter extends Handle {
  #native;

  constructor(buffer, byteOffset, onWake, { keepLoop = true } = {}) {
    super('the futex waiter');
    checkWord(buffer, byteOffset);
    check(typeof onWake === 'function', 'onWake must be a function');
    this.#native = attempt('futex waiter', () => native.waiterOpen(buffer, byteOffset, onWake));
    if (!keepLoop) this.unref();
    running.add(this);
  }

  arm(expected, timeoutMs) {
    this.checkOpen();
    checkInteger(expected, -0x80000000, 0xffffffff, 'expected');
    if (timeoutMs !== undefined) {
      check(timeoutMs >= 0 && timeoutMs <= 1e9, 'timeoutMs must be from 0 to 1e9');
    }
    native.waiterArm(this.#native, expected >>> 0, timeoutMs ?? -1);
  }

  disarm() {
    this.checkOpen();
    native.waiterDisarm(this.#native);
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
    native.threadClose(this.#native);
  }
}
