/* observation.ts: what was seen of a program while it was watched: plain data between the part
 * that watches (observe/), the part that judges (judge/) and the pages that show it (show/).
 * The rule: facts only, as the kernel and the files gave them; what they mean, judge/ says. */

/** Buckets of a latency histogram: bucket i counts calls of [2^i, 2^(i+1)) nanoseconds. */
export const HISTOGRAM_BUCKETS = 40;

/** How much is observed. Each level has all of the one before. */
export const details = ['counts', 'latencies', 'full'] as const;
/** counts: calls and errors; latencies: and their time; full: and sites, arguments, libraries. */
export type Detail = (typeof details)[number];

/** One system call of all processes together. */
export interface CallStats {
  readonly nr: number;
  /** The call table's name, or `syscall_N` for a number it has no row for. */
  readonly name: string;
  readonly count: number;
  /** Calls that returned -4095…-1. */
  readonly errors: number;
  /** Time in the call, nanoseconds in all; 0 when the level is `counts`. */
  readonly ns: number;
  /** HISTOGRAM_BUCKETS numbers; empty when the level is `counts`. */
  readonly histogram: readonly number[];
}

/** Where a call came from: the file that the instruction pointer lies in. Level `full`. */
export interface CallSite {
  readonly nr: number;
  /** Path of the mapped file; `[anonymous]`, `[vdso]`, … for memory that is no file's. */
  readonly file: string;
  /** Of the instruction, in the file. */
  readonly offset: number;
  /** The nearest symbol at or before it; null where the file has none, or it ends before. */
  readonly symbol: string | null;
  readonly count: number;
}

/** What a call was made with, where that decides what it means. Level `full`. */
export interface CallArgument {
  readonly nr: number;
  /** Which argument or property, as the call table labels it: `flags`, `family`, `path`, … */
  readonly label: string;
  /** In words or numbers: `AF_INET`, `/dev/urandom`, `MAP_SHARED|PROT_WRITE`, `0x5413`. */
  readonly value: string;
  readonly count: number;
}

/** A function, or an instruction that nothing intercepts, which gives nondeterminism without a
 * system call, by uprobe. Level `full`. */
export interface LibraryCall {
  /** clock_gettime, gettimeofday, time, getcpu, clock_getres, …; rdpmc, xbegin */
  readonly name: string;
  readonly file: string;
  readonly count: number;
}

/** Counted in windows over the whole time, for the plot. Level `full`. */
export interface Timeline {
  readonly windowMs: number;
  /** By call number: one count per window. */
  readonly calls: Readonly<Record<number, readonly number[]>>;
}

export interface MappedFile {
  readonly path: string;
  readonly isExecutable: boolean;
}

/** Memory that more than one process can write, or that something else than the program can. */
export interface SharedMapping {
  /** File, `memfd:NAME`, `sysv:KEY`, `anonymous`. */
  readonly what: string;
  readonly bytes: number;
  /** Processes that had it mapped writable at one time or another. */
  readonly pids: readonly number[];
}

export interface ObservedProcess {
  readonly pid: number;
  readonly parent: number;
  /** Program file at its last exec; null when it was gone before it could be read. */
  readonly exe: string | null;
  readonly comm: string;
  /** Most threads at one time, its first included, and all there ever were. */
  readonly threadsMax: number;
  readonly threadsEver: number;
  readonly execs: number;
  /** Null: it still ran at the end. `signal` 0: it exited by itself. */
  readonly exit: { readonly code: number; readonly signal: number } | null;
  readonly signals: Readonly<Record<number, number>>;
  /** Files mapped at any time that could be seen; the program and its libraries are among them. */
  readonly files: readonly MappedFile[];
}

export interface Observation {
  /** What was started, or null when a running process was watched. */
  readonly command: readonly string[] | null;
  readonly detail: Detail;
  /** Milliseconds since 1970 of the start, and how long it was watched. */
  readonly startedMs: number;
  readonly durationMs: number;
  readonly processes: readonly ObservedProcess[];
  readonly calls: readonly CallStats[];
  readonly sites: readonly CallSite[];
  readonly arguments: readonly CallArgument[];
  readonly library: readonly LibraryCall[];
  readonly timeline: Timeline | null;
  readonly shared: readonly SharedMapping[];
  /** Events the BPF programs had to tell, and those that found no room, by CPU: exact. */
  readonly events: number;
  readonly lostPerCpu: readonly number[];
  /** What could not be watched, a sentence each: a uprobe refused, a process gone too soon. */
  readonly gaps: readonly string[];
  /** Nanoseconds the BPF programs took per event, measured by the kernel; null: not measured. */
  readonly nsPerEvent: number | null;
}
