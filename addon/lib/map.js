// A BPF map: typed sizes checked here, bytes moved by the native half. It belongs to its object and
// has no close() of its own.
import { constants } from 'node:buffer';
import { ArgumentError, attempt, check, checkInteger } from './errors.js';
import { native } from './native.js';

/** Names of map types in the kernel's order (enum bpf_map_type). */
const typeNames = [
  'unspec', 'hash', 'array', 'prog_array', 'perf_event_array', 'percpu_hash', 'percpu_array',
  'stack_trace', 'cgroup_array', 'lru_hash', 'lru_percpu_hash', 'lpm_trie', 'array_of_maps',
  'hash_of_maps', 'devmap', 'sockmap', 'cpumap', 'xskmap', 'sockhash', 'cgroup_storage',
  'reuseport_sockarray', 'percpu_cgroup_storage', 'queue', 'stack', 'sk_storage', 'devmap_hash',
  'struct_ops', 'ringbuf', 'inode_storage', 'task_storage', 'bloom_filter', 'user_ringbuf',
  'cgrp_storage', 'arena',
];

const mmapableFlag = 0x400; // BPF_F_MMAPABLE

/** Flags of bpf_map_update_elem by what the caller wants. */
const setFlags = { any: 0, create: 1, exist: 2 };

const roundUpTo8 = (bytes) => (bytes + 7) & ~7;

/** A number or bigint as the little-endian bytes the kernel expects, or the bytes themselves. */
function toBytes(value, bytes, what) {
  if (value instanceof Uint8Array) {
    check(value.length === bytes, `${what} must have ${bytes} bytes, not ${value.length}`);
    return value;
  }
  check(typeof value === 'number' || typeof value === 'bigint',
    `${what} must be bytes, a number or a bigint`);
  check(bytes === 4 || bytes === 8, `${what} has ${bytes} bytes: give them as a Uint8Array`);
  if (typeof value === 'number') check(Number.isSafeInteger(value), `${what} must be an integer`);
  const buffer = Buffer.alloc(bytes);
  if (bytes === 4) buffer.writeUInt32LE(Number(BigInt.asUintN(32, BigInt(value))));
  else buffer.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)));
  return buffer;
}

export class BpfMap {
  #object;
  #native;
  #row;
  #views = new Set();

  constructor(object, handle, row) {
    this.#object = object;
    this.#native = handle;
    this.#row = row;
  }

  /** For the object: takes over sizes and the descriptor from the kernel. */
  describe(row) {
    this.#row = row;
  }

  get name() { return this.#row.name; }
  get type() { return typeNames[this.#row.type] ?? `type ${this.#row.type}`; }
  get keySize() { return this.#row.keySize; }
  get valueSize() { return this.#row.valueSize; }
  get maxEntries() { return this.#row.maxEntries; }
  get isPerCpu() { return this.type.includes('percpu'); }
  get fd() { return this.#fd(); }

  /** Bytes that one get() returns: a per-CPU map gives each CPU's value, padded to 8. */
  get bytesPerEntry() {
    if (!this.isPerCpu) return this.valueSize;
    return roundUpTo8(this.valueSize) * native.possibleCpus();
  }

  #fd() {
    this.#object.checkOpen();
    check(this.#object.loaded, `map ${this.name} is not there before load()`);
    return this.#row.fd;
  }

  #checkUnloaded(what) {
    this.#object.checkOpen();
    check(!this.#object.loaded, `${what} of map ${this.name} is fixed by load()`);
  }

  get(key) {
    const bytes = toBytes(key, this.keySize, `a key of ${this.name}`);
    const fd = this.#fd();
    const value = attempt(`get from ${this.name}`, () =>
      native.mapGet(fd, bytes, this.bytesPerEntry));
    return value ?? undefined;
  }

  set(key, value, { when = 'any' } = {}) {
    check(Object.hasOwn(setFlags, when), `when must be any, create or exist, not ${when}`);
    const keyBytes = toBytes(key, this.keySize, `a key of ${this.name}`);
    const valueBytes = toBytes(value, this.bytesPerEntry, `a value of ${this.name}`);
    const fd = this.#fd();
    attempt(`set in ${this.name}`, () => native.mapSet(fd, keyBytes, valueBytes, setFlags[when]));
  }

  setMany(entries) {
    const fd = this.#fd();
    const list = [...entries];
    const keys = Buffer.concat(
      list.map(([key]) => toBytes(key, this.keySize, `a key of ${this.name}`)));
    const values = Buffer.concat(
      list.map(([, value]) => toBytes(value, this.bytesPerEntry, `a value of ${this.name}`)));
    attempt(`set in ${this.name}`, () => native.mapSetMany(fd, keys, values, list.length));
  }

  delete(key) {
    const bytes = toBytes(key, this.keySize, `a key of ${this.name}`);
    const fd = this.#fd();
    return attempt(`delete from ${this.name}`, () => native.mapDelete(fd, bytes));
  }

  #dump() {
    const fd = this.#fd();
    return attempt(`read ${this.name}`, () =>
      native.mapDump(fd, this.keySize, this.bytesPerEntry, this.maxEntries));
  }

  entries() {
    const { count, keys, values } = this.#dump();
    const { keySize, bytesPerEntry } = this;
    const entryAt = (_, i) => [
      keys.subarray(i * keySize, (i + 1) * keySize),
      values.subarray(i * bytesPerEntry, (i + 1) * bytesPerEntry),
    ];
    return Array.from({ length: count }, entryAt);
  }

  #sum() {
    check(this.isPerCpu, `map ${this.name} is ${this.type}, not a per-CPU map`);
    check(this.valueSize % 8 === 0, `values of ${this.name} are not made of 64-bit words`);
    const { count, keys, values } = this.#dump();
    const words = this.valueSize / 8;
    const sums = native.sumCpus(values, count, words, native.possibleCpus());
    return { count, keys, words, sums };
  }

  perCpuSum() {
    check(this.type === 'percpu_array', `map ${this.name} is ${this.type}, not percpu_array`);
    return this.#sum().sums;
  }

  perCpuSumByKey() {
    const { count, keys, words, sums } = this.#sum();
    const entryAt = (_, i) => [
      keys.subarray(i * this.keySize, (i + 1) * this.keySize),
      sums.subarray(i * words, (i + 1) * words),
    ];
    return Array.from({ length: count }, entryAt);
  }

  mmap() {
    const fd = this.#fd();
    check((this.#row.flags & mmapableFlag) !== 0 && this.type === 'array',
      `map ${this.name} is no array with BPF_F_MMAPABLE`);
    const bytes = roundUpTo8(this.valueSize) * this.maxEntries;
    check(bytes <= constants.MAX_LENGTH, `map ${this.name} is too large for one ArrayBuffer`);
    const buffer = attempt(`mmap ${this.name}`, () => native.memoryMap(fd, 0, bytes, false));
    // Weakly: a view that nobody has any more is unmapped by the garbage collector.
    this.#views.add(new WeakRef(buffer));
    return buffer;
  }

  setMaxEntries(count) {
    this.#checkUnloaded('the size');
    checkInteger(count, 1, 0xffffffff, 'count');
    attempt(`resize ${this.name}`, () => native.mapResize(this.#native, this.name, count));
    this.#row.maxEntries = count;
  }

  initialValue() {
    this.#object.checkOpen();
    return attempt(`first contents of ${this.name}`, () =>
      native.mapInitial(this.#native, this.name));
  }

  setInitialValue(bytes) {
    this.#checkUnloaded('the first value');
    if (!(bytes instanceof Uint8Array)) throw new ArgumentError('bytes must be a Uint8Array');
    check(bytes.length === this.valueSize,
      `the first value of ${this.name} has ${this.valueSize} bytes, not ${bytes.length}`);
    attempt(`first contents of ${this.name}`, () =>
      native.mapSetInitial(this.#native, this.name, bytes));
  }

  /** For the object's close(). */
  unmapAll() {
    for (const view of this.#views) {
      const buffer = view.deref();
      if (buffer !== undefined && buffer.byteLength > 0) native.memoryUnmap(buffer);
    }
    this.#views.clear();
  }
}
