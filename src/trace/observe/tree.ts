/* tree.ts: the processes that were watched, from the records of the ring `facts`: who forked whom,
 * what each ran, how it ended, what it mapped.
 * The rule: memory is bounded: beyond the bounds processes and mappings are counted, not kept. */
import { readlinkSync } from 'node:fs';
import { factOffsets, happened, observePath } from '../../../bpf/observe-layout.js';
import { errnoOf } from '../../errors.js';
import type { MappedFile, ObservedProcess } from '../observation.js';

const processesMax = 4096;
const mappingsMax = 65_536;

/** A file in an address space, as mmap or exec put it there. */
export interface Mapping {
  readonly space: number;
  readonly start: number;
  readonly length: number;
  /** Of `start` in the file. */
  readonly offset: number;
  /** Empty for memory that is no file's. */
  readonly path: string;
  readonly isExecutable: boolean;
}

/** Memory mapped shared and writable. */
export interface Sharing {
  readonly what: string;
  readonly bytes: number;
  readonly pids: Set<number>;
}

export interface Process {
  pid: number;
  parent: number;
  exe: string | null;
  comm: string;
  space: number;
  threads: number;
  threadsMax: number;
  threadsEver: number;
  execs: number;
  exit: { code: number; signal: number } | null;
  readonly signals: Record<number, number>;
  readonly files: Map<string, boolean>;
}

interface Fact {
  readonly kind: number;
  readonly pid: number;
  readonly parent: number;
  readonly space: number;
  readonly a: number;
  readonly b: number;
  readonly c: bigint;
  readonly d: bigint;
  readonly comm: string;
  readonly path: string;
}

/** What is told of a process as it happens. */
export interface TreeListener {
  /** A process that ran already; it may not be the first of its threads that is known. */
  onFound?(process: Process): void;
  onFork?(process: Process): void;
  onExec?(process: Process, codeStart: number, loaderBase: number): void;
  onCode?(process: Process, mapping: Mapping): void;
}

export class Tree {
  readonly #running = new Map<number, Process>();
  readonly #all: Process[] = [];
  readonly mappings: Mapping[] = [];
  readonly sharings = new Map<string, Sharing>();
  /** Processes and mappings that were too many to be kept. */
  unkept = 0;
  #anonymous = 0;

  constructor(private readonly listener: TreeListener) {}

  /** Processes of the tree that have not ended. */
  get running(): IterableIterator<Process> {
    return this.#running.values();
  }

  process(pid: number): Process | undefined {
    return this.#running.get(pid);
  }

  /** Takes one record of the ring. */
  take(view: DataView, at: number): void {
    const fact = decode(view, at);
    if (fact.kind === happened.found || fact.kind === happened.fork) this.#born(fact);
    const process = this.#running.get(fact.pid);
    if (!process) return;
    if (fact.comm !== '') process.comm = fact.comm;
    if (fact.kind === happened.exec) this.#exec(process, fact);
    else if (fact.kind === happened.exit) this.#ended(process, fact);
    else if (fact.kind === happened.map) this.#mapped(process, fact);
  }

  #born(fact: Fact): void {
    const isFound = fact.kind === happened.found;
    const known = this.#running.get(fact.pid);
    // A walk may come to a thread before it comes to the first one of its process.
    if (known && (isFound || fact.a === 0)) {
      known.threads++;
      known.threadsEver++;
      known.threadsMax = Math.max(known.threadsMax, known.threads);
      return;
    }
    const parent = this.#running.get(fact.parent);
    const process: Process = {
      pid: fact.pid, parent: fact.parent, exe: isFound ? exeOf(fact.pid) : parent?.exe ?? null,
      comm: '', space: fact.space,
      threads: 1, threadsMax: 1, threadsEver: 1, execs: 0, exit: null, signals: {},
      files: new Map(parent?.files),
    };
    this.#running.set(fact.pid, process);
    if (this.#all.length < processesMax) this.#all.push(process);
    else this.unkept++;
    if (!isFound) {
      for (const { pids } of this.sharings.values()) if (pids.has(fact.parent)) pids.add(fact.pid);
    }
    if (isFound) this.listener.onFound?.(process);
    else this.listener.onFork?.(process);
  }

  #exec(process: Process, fact: Fact): void {
    process.space = fact.space;
    process.exe = fact.path === '' ? null : fact.path;
    process.execs++;
    process.threads = 1;
    process.files.clear();
    if (process.exe !== null) process.files.set(process.exe, true);
    this.listener.onExec?.(process, fact.a, fact.b);
  }

  #ended(process: Process, fact: Fact): void {
    process.threads--;
    if (fact.a === 0) return;
    process.exit = { code: (fact.b >> 8) & 0xff, signal: fact.b & 0x7f };
    this.#running.delete(process.pid);
  }

  #mapped(process: Process, fact: Fact): void {
    const prot = Number(fact.d & 7n);
    const isExecutable = (prot & 4) !== 0;
    const isShared = (fact.d >> 32n & 1n) === 1n;
    const isSegment = fact.d >> 63n === 1n;
    if (fact.path.startsWith('/')) this.addFile(process, fact.path, isExecutable);
    if (isExecutable) {
      const mapping = { space: process.space, start: fact.a, length: fact.b,
        offset: Number(fact.c), path: fact.path, isExecutable };
      this.addMapping(mapping);
      this.listener.onCode?.(process, mapping);
    }
    if (!isShared || (prot & 2) === 0) return;
    const what = isSegment ? `sysv:${fact.c}` : fact.path;
    this.addSharing(process, what, fact.b);
  }

  addFile(process: Process, path: string, isExecutable: boolean): void {
    process.files.set(path, isExecutable || process.files.get(path) === true);
  }

  addMapping(mapping: Mapping): void {
    if (this.mappings.length < mappingsMax) this.mappings.push(mapping);
    else this.unkept++;
  }

  /** Memory without a name is another at each mapping; what has one is the same for everybody. */
  addSharing(process: Process, name: string, bytes: number): void {
    const what = name === '' || name === '/dev/zero' ? 'anonymous' : name;
    const key = what === 'anonymous' ? `anonymous ${++this.#anonymous}` : what;
    const known = this.sharings.get(key);
    if (!known && this.sharings.size >= mappingsMax) {
      this.unkept++;
      return;
    }
    const pids = known?.pids ?? new Set<number>();
    pids.add(process.pid);
    this.sharings.set(key, { what, bytes: Math.max(bytes, known?.bytes ?? 0), pids });
  }

  /** Signals, by process; of a number that was used twice, the later process gets them. */
  addSignals(pid: number, signal: number, count: number): void {
    const process = this.#all.findLast((each) => each.pid === pid);
    if (!process) return;
    const sum = (process.signals[signal] ?? 0) + count;
    if (sum > 0) process.signals[signal] = sum;
    else delete process.signals[signal];
  }

  observed(): ObservedProcess[] {
    return this.#all.map((process) => {
      const { pid, parent, exe, comm, threadsMax, threadsEver, execs, exit, signals } = process;
      const files: MappedFile[] =
        [...process.files].map(([path, isExecutable]) => ({ path, isExecutable }));
      return { pid, parent, exe, comm, threadsMax, threadsEver, execs, exit, signals, files };
    });
  }
}

function decode(view: DataView, at: number): Fact {
  const u32 = (name: keyof typeof factOffsets) => view.getUint32(at + factOffsets[name], true);
  const u64 = (name: keyof typeof factOffsets) => view.getBigUint64(at + factOffsets[name], true);
  const kind = u32('happened');
  const hasPath = kind === happened.exec || (kind === happened.map && u64('d') >> 63n === 0n);
  return {
    kind, pid: u32('pid'), parent: u32('parent'), space: u32('space'),
    a: Number(u64('a')), b: Number(u64('b')), c: u64('c'), d: u64('d'),
    comm: textAt(view, at + factOffsets.comm, 16),
    path: hasPath ? textAt(view, at + factOffsets.path, observePath) : '',
  };
}

/** Null: gone, or a thread of the kernel. */
function exeOf(pid: number): string | null {
  try {
    return readlinkSync(`/proc/${pid}/exe`).replace(/ \(deleted\)$/, '');
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return null;
  }
}

export function textAt(view: DataView, at: number, room: number): string {
  const bytes = Buffer.from(view.buffer, view.byteOffset + at, room);
  const end = bytes.indexOf(0);
  return bytes.toString('utf8', 0, end < 0 ? room : end);
}

