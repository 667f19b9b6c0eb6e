/* Types and documentation of bpf-loader. Linux only.
 * Everything with close() may be closed twice, throws ClosedError when used afterwards, and works
 * with `using`. A wrong argument throws ArgumentError; a refusal by the kernel, libbpf or libc
 * throws NativeError. What is still open when a worker or the process ends is closed then. */

/** The kernel, libbpf or libc refused. */
export class NativeError extends Error {
  /** What was tried, for instance `load observe`. */
  readonly operation: string;
  /** Name of the error number: `EPERM`, `ENOENT`, … */
  readonly code: string;
  readonly errno: number;
  /** What libbpf said about it, one sentence a line. */
  readonly log?: string;
  /** The verifier's log, when it was the verifier that refused. */
  readonly verifierLog?: string;
}

/** The handle was used after close(). */
export class ClosedError extends Error {
  readonly code: 'ERR_CLOSED';
}

/** A wrong argument: type, range, an unknown name, or a call at the wrong time. */
export class ArgumentError extends TypeError {
  readonly code: 'ERR_INVALID_ARGUMENT';
}

/** Anything that can be closed. */
export interface Closable {
  readonly closed: boolean;
  close(): void;
  [Symbol.dispose](): void;
}

// ---------------------------------------------------------------------------------------- BPF

export interface ProgramInfo {
  readonly name: string;
  /** The ELF section, which says what kind it is: `raw_tp/sys_enter`, `tc`, … */
  readonly section: string;
}

export interface MapInfo {
  readonly name: string;
  /** The kernel's number, enum bpf_map_type. */
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
}

/** For `uprobe` and `uretprobe` sections that name no function themselves. */
export interface UprobeTarget {
  /** Path of an executable or library, or a library's name. */
  binary: string;
  /** Function name; `offset` then counts from it. */
  symbol?: string;
  /** Bytes from the symbol, or without one the offset in the file. */
  offset?: number;
  /** Only this process; default: every process. */
  pid?: number;
}

/** For `tc` sections. */
export interface TcTarget {
  ifname: string;
  direction: 'ingress' | 'egress';
  /** 1 to 65535; default: the kernel chooses. Lower ones run first. */
  priority?: number;
  /** Filter handle; default: the kernel chooses. */
  handle?: number;
  /** Take over a filter of the same priority and handle, left by a process that was killed. */
  replace?: boolean;
}

/** For `xdp` sections. */
export interface XdpTarget {
  ifname: string;
}

/** For `cgroup_skb`, `sockops` and `cgroup` sections. */
export interface CgroupTarget {
  /** Path of a cgroup v2 directory. */
  cgroup: string;
}

export type AttachTarget = UprobeTarget | TcTarget | XdpTarget | CgroupTarget;

export interface Link extends Closable {
  readonly program: string;
  /** Detaches. A tc link also removes the clsact qdisc, if this process made it and no other
   * filter is left on it. An interface that is gone counts as detached. */
  close(): void;
  /** For `iter/…` programs: runs it once over all it iterates, on this thread; what it prints is
   * discarded. */
  walk(): void;
}

/** Bytes, or for 4 and 8 byte keys and values a number or bigint (taken modulo their size). */
export type MapBytes = Uint8Array | number | bigint;

export interface BpfMap {
  readonly name: string;
  /** `hash`, `array`, `percpu_array`, `ringbuf`, … */
  readonly type: string;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly isPerCpu: boolean;
  /** Bytes of what get() returns: valueSize; per-CPU maps: valueSize padded to 8, per CPU. */
  readonly bytesPerEntry: number;
  /** Descriptor, owned by the object. Only after load(). */
  readonly fd: number;

  /** The value, a copy; undefined when there is no such key. */
  get(key: MapBytes): Buffer | undefined;
  /** `create` fails with EEXIST on a key that is there, `exist` with ENOENT on one that is not. */
  set(key: MapBytes, value: MapBytes, options?: { when?: 'any' | 'create' | 'exist' }): void;
  /** Many at once, in one system call where the kernel can. */
  setMany(entries: Iterable<readonly [MapBytes, MapBytes]>): void;
  /** Whether there was such a key. An array's entries cannot be deleted (EINVAL). */
  delete(key: MapBytes): boolean;
  /** All keys and values, copied at once; in one system call per 4096 where the kernel can. A map
   * that is written meanwhile is not a snapshot. */
  entries(): [key: Buffer, value: Buffer][];
  /** A percpu_array summed over the CPUs: word w of entry e is at `e * valueSize / 8 + w`. The
   * value must consist of 64-bit words. */
  perCpuSum(): BigUint64Array;
  /** The same for any per-CPU map, with its keys. */
  perCpuSumByKey(): [key: Buffer, sums: BigUint64Array][];
  /** The kernel's own pages of an array with BPF_F_MMAPABLE (also `.bss` and `.data`): entry i is
   * at `i * valueSize padded to 8`. Detached by unmapMemory() and by the object's close(). */
  mmap(): ArrayBuffer;

  /** Before load(): how many entries; for a ring buffer, bytes (a power of two of pages). */
  setMaxEntries(count: number): void;
  /** First contents of a global-variable map (`.rodata`, `.data`, `.bss`). A copy. */
  initialValue(): Buffer;
  /** Before load(): sets them, for instance `const volatile` settings. Exactly valueSize bytes. */
  setInitialValue(bytes: Uint8Array): void;
}

/**
 * Events of one batch: number i is the `lengths[i]` bytes at `offsets[i]` of `batch`, which is on
 * an 8-byte boundary. The memory is the callback's to keep. Throwing from here is an uncaught
 * exception.
 */
export type OnBatch = (batch: ArrayBuffer, offsets: Uint32Array, lengths: Uint32Array) => void;

export interface RingBufferOptions {
  /** How often the native thread drains, in milliseconds, 0.05 to 10000; default 1. */
  pollMs?: number;
  /** Drains at once when the program reserved without BPF_RB_NO_WAKEUP, too: for events that are
   * rare and waited for. Default false. */
  isPrompt?: boolean;
  /** Whether it keeps the event loop alive; default true. */
  keepLoop?: boolean;
}

export interface RingBuffer extends Closable {
  /** Resolves when everything that was in the ring at this call has been given to onBatch. */
  flush(): Promise<void>;
  ref(): void;
  unref(): void;
}

export interface BpfObject extends Closable {
  readonly programs: readonly ProgramInfo[];
  readonly maps: readonly MapInfo[];
  readonly loaded: boolean;
  /** Makes the maps and loads the programs, except those named in `skip` (what features() says
   * this kernel refuses, say). A refusal's NativeError has the verifier's log. Returns itself. */
  load(options?: { skip?: readonly string[] }): this;
  /** Attaches a loaded program. Its section name decides what kind of target it needs; tracing
   * programs take none. The link lasts until its close(), the object's, or the process's end. */
  attach(program: string, target?: AttachTarget): Link;
  /** The map of that name; the same object at each call. `.rodata`, `.data` and `.bss` are the
   * object's global variables, whatever libbpf calls those maps. */
  map(name: string): BpfMap;
  /**
   * Streams a ring buffer map. A native thread drains it every pollMs and hands over all it found
   * as one batch, so the program should reserve with BPF_RB_NO_WAKEUP: a wake-up per event costs
   * the traced process more than the event. When JavaScript lags by 16 batches (of up to 4 MiB)
   * the ring is left to fill: a program that must not lose silently counts failed reservations.
   */
  ringBuffer(map: string, onBatch: OnBatch, options?: RingBufferOptions): RingBuffer;
  /** What the kernel knows of each loaded program: how often it ran and for how long, counted
   * while a measurement is on, and how often it was not run because it ran on that CPU already. */
  statistics(): { name: string; runs: number; runNs: number; missed: number }[];
  /** map(name).perCpuSum() */
  perCpuSum(map: string): BigUint64Array;
  /** Closes its links and ring buffers, detaches its mmap() buffers, unloads. */
  close(): void;
}

/** Opens a BPF object file, or its bytes. Nothing is in the kernel before load(). */
export function open(source: string | URL | Uint8Array, options?: { name?: string }): BpfObject;

/** While it is open the kernel measures the run time of every BPF program (5.8). Measuring itself
 * costs some 40 ns per run. */
export function measureRunTimes(): Closable;

export type FeatureName =
  | 'btf' | 'raw_tp' | 'tp_btf' | 'fentry' | 'fexit' | 'lsm' | 'tracepoint' | 'kprobe' | 'uprobe'
  | 'cgroup_skb' | 'sockops' | 'ringbuf' | 'mmapable_array' | 'tc' | 'xdp';

export type Feature =
  | { available: true }
  | { available: false; code: string; errno: number; reason: string };

/** What this kernel lets this process do, found by loading and attaching trivial programs where
 * nobody notices: its own network namespace, a cgroup of its own, this thread. Takes
 * milliseconds. */
export function features(): Record<FeatureName, Feature>;

// ------------------------------------------------------------------------------- shared memory

/**
 * A memfd of that many bytes, sealed against shrinking; close it with closeFd(). It is closed in
 * children unless `inherit`; given in child_process's `stdio` it is passed on either way.
 */
export function createMemory(name: string, bytes: number, options?: { inherit?: boolean }): number;

/**
 * Maps a range of a descriptor, shared and writable. `doubled` maps it twice in a row: byte i and
 * byte i + length are the same, so a ring of `length` bytes can be read across its end. The
 * descriptor may be closed afterwards. One ArrayBuffer takes up to 4 GiB (buffer.constants), both
 * halves included. It cannot be transferred to another thread: map the descriptor there too.
 * Errors: ArgumentError if offset (or a doubled length) is no multiple of 4096; NativeError ERANGE
 * if the range ends behind the memory, EBADF, ENOMEM.
 */
export function mapMemory(
  fd: number, offset: number, length: number, options?: { doubled?: boolean },
): ArrayBuffer;

/** Detaches the ArrayBuffer (its length is then 0) and unmaps. A merely forgotten buffer is
 * unmapped when it is collected. The pages outlive it as long as a FutexWaiter waits on them. */
export function unmapMemory(buffer: ArrayBuffer): void;

export function closeFd(fd: number): void;

// ---------------------------------------------------------------------------------------- futex

/** FUTEX_WAKE between processes on the 32-bit word there. Returns how many were woken. */
export function futexWake(buffer: ArrayBuffer, byteOffset: number, count?: number): number;

export interface FutexWaiterOptions {
  /** Whether it keeps the event loop alive; default true. */
  keepLoop?: boolean;
}

/**
 * Waits for a 32-bit word of shared memory on a thread of its own, without polling, and calls back
 * on the event loop that made it. Needs Linux 5.16 (futex_waitv).
 */
export class FutexWaiter implements Closable {
  /** @param buffer from mapMemory() or BpfMap.mmap()
   * @param onWake called once for each arm(): `timedOut` is false when the word was woken or did
   * not have the expected value (any more) */
  constructor(
    buffer: ArrayBuffer, byteOffset: number, onWake: (timedOut: boolean) => void,
    options?: FutexWaiterOptions,
  );
  readonly closed: boolean;
  /** FUTEX_WAIT while the word equals `expected` (as from an Int32Array or a Uint32Array). Arming
   * again replaces the wait before; onWake of that one is then not called. */
  arm(expected: number, timeoutMs?: number): void;
  /** No onWake until the next arm(). */
  disarm(): void;
  ref(): void;
  unref(): void;
  /** Ends and joins the thread; no onWake afterwards. */
  close(): void;
  [Symbol.dispose](): void;
}

// -------------------------------------------------------------------------------------- network

export interface PacketSocket extends Closable {
  /** Sends one frame, with its Ethernet header, without waiting (EAGAIN, ENETDOWN, EMSGSIZE). */
  sendFrame(frame: Uint8Array): void;
}

/** A raw socket bound to the interface that sends only. Needs CAP_NET_RAW; for a `mark` (SO_MARK
 * of every frame) CAP_NET_ADMIN. */
export function packetSocket(ifname: string, options?: { mark?: number }): PacketSocket;

/** The interface's hardware address, 6 bytes. NativeError ENODEV if there is none of that name. */
export function interfaceMac(ifname: string): Buffer;

/** The interface's index. NativeError ENODEV if there is none of that name. */
export function interfaceIndex(ifname: string): number;

/** CLOCK_MONOTONIC in nanoseconds: comparable between all processes of a host. */
export function monotonicNs(): bigint;
