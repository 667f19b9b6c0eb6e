/* options.ts: what the commands ask of the engine, and what it answers: the contract between
 * src/cli and src/engine. The command line has been parsed and validated when these are made.
 * The rule: types only; anything optional here has no default in the engine either. */
import type { Detection, Endpoint, ServiceAddress } from '../config-values.js';
import type { Settings } from '../config.js';
import type { DivergenceDetail } from '../errors.js';

/** Aborted on SIGINT, SIGTERM and SIGHUP with an Interrupted as its reason. */
export interface Interruptible {
  signal: AbortSignal;
}

/** The program and the surroundings it starts in. */
export interface ProgramStart {
  command: string[];
  cwd: string;
  env: Record<string, string>;
}

/** How the program ended: one of the two is null. */
export interface ProgramEnd {
  exitCode: number | null;
  exitSignal: NodeJS.Signals | null;
}

export interface RecordOptions extends ProgramStart, Interruptible {
  outDir: string;
  schedule: Settings['schedule'];
  /** Seconds between comparisons of memory; none without it. */
  memoryCheck?: Settings['memoryCheck'];
  /** All memory of each process goes into the log at its end: see `memory.difference`. */
  evidence?: boolean;
  json: boolean;
}

export interface RecordResult extends ProgramEnd {
  records: number;
  bytes: number;
  threads: number;
  processes: number;
  /** How often each row of the call table was recorded, by the row's name. */
  calls: Record<string, number>;
}

export interface ReplayOptions extends Interruptible {
  dir: string;
}

export interface ReplayResult {
  records: number;
  replayed: number;
  divergence: DivergenceDetail | null;
  /** Whether the log reaches the program's end; a program that was cut off is not compared. */
  complete: boolean;
  /** Where the log was cut in the middle of a block, and its rest left out. */
  torn: { file: string; offset: number; cutBytes: number } | null;
  /** Writable memory, compared by digest per mapping at each process's end. */
  memory: {
    bytes: number;
    equal: boolean;
    /** Comparisons while it ran (`--memory-check`); a difference there is a divergence. */
    checks: number;
    /** Where the first difference lies, if the log was recorded with `evidence`. */
    difference: string | null;
  };
}

/** What a primary and a backup have in common. */
export interface PairOptions extends Interruptible {
  name: string;
  runtimeDir: string;
  keyFile?: string;
  logDir?: string;
  dev: string;
  detect: Detection;
  audit: Settings['audit'];
}

export interface PrimaryOptions extends PairOptions, ProgramStart {
  listen: Endpoint;
  vip: ServiceAddress;
  commit: Settings['commit'];
  schedule: Settings['schedule'];
  /** Seconds between comparisons of memory; none without it. */
  memoryCheck?: Settings['memoryCheck'];
  maxLagRecords: number;
  maxLagMs: number;
  lagPolicy: Settings['lagPolicy'];
  onPartition: Settings['onPartition'];
  waitBackup: boolean;
}

/** Command, environment, cwd and service address come from the primary. */
export interface BackupOptions extends PairOptions {
  /** Whether the primary's processor may be another one. Default: the same. */
  processors?: Settings['processors'];
  connect: Endpoint;
}

/** The program's end: both null when the pair was stopped instead. A lost role is thrown. */
export type PairResult = ProgramEnd;
