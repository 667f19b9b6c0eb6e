/* pump-messages.ts: what the main thread and the worker that moves records say to each other, and
 * the board of numbers the worker keeps for `status`. Types, and the board's two accessors.
 * The rule: nothing here is on the way of a record; a message is sent when something happened. */
import type { Manifest, ProcessStart } from '../channel/index.js';
import type { Detection, Endpoint } from '../config-values.js';
import type { DivergenceDetail, EndingCode } from '../errors.js';
import type { Processor } from './processor.js';

/** What is done when the two hosts cannot hear each other; docs/decisions/partition.md. */
export const partitionPolicies = ['primary-continues', 'backup-takes-over', 'stop'] as const;
export type OnPartition = (typeof partitionPolicies)[number];

/** Descriptors are numbers of this process: the worker maps them again for itself. */
export interface SharedFds {
  sessionFd: number;
  ringBytes: number;
  /** Of the enforcement program's map `settings`; null without a network. */
  settingsFd: number | null;
}

interface PumpBase {
  name: string;
  key: Uint8Array;
  tableHash: string;
  instance: bigint;
  detect: Detection;
  logDir: string | null;
  board: SharedArrayBuffer;
}

export interface PrimaryPumpConfig extends PumpBase, SharedFds {
  role: 'primary';
  /** The enforcement program's map `slots`; null without a network. */
  slotsFd: number | null;
  dev: string;
  listen: Endpoint;
  manifest: Manifest;
  process: ProcessStart;
  onPartition: OnPartition;
  lagPolicy: 'slow-primary' | 'drop-backup';
  maxLagRecords: number;
  maxLagMs: number;
  maxLagBytes: number;
}

export interface BackupPumpConfig extends PumpBase {
  role: 'backup';
  connect: Endpoint;
  dev: string;
  attempts: number;
}

export type PumpConfig = PrimaryPumpConfig | BackupPumpConfig;

/** An error as it crosses threads. */
export interface PlainError {
  code: EndingCode;
  reason?: string;
  message: string;
}

/** When the steps of a takeover happened: CLOCK_MONOTONIC of the backup, in nanoseconds. */
export interface TakeoverTimes {
  cause: 'lost' | 'silent' | 'handover';
  /** The peer's last byte, as far as it is known. */
  heardNs: number;
  detectedNs: number;
  /** Role, ARP switch and first gratuitous ARP are done. */
  addressNs: number;
  /** Every byte received is in the ring, and the end is marked. */
  storedNs: number;
  /** The shim says that the program is live. */
  liveNs: number;
  /** New connections are let in. */
  openNs: number;
}

export type ToPump =
  /** Primary: the program has ended; send the rest, then `stop`. */
  | { kind: 'ended'; reason: string }
  /** Primary: no copy of this program can be trusted any more: go on without one. */
  | { kind: 'distrust'; why: string }
  /** Primary: answers to clients that the BPF program keeps back (bpf/event.h, hs_net_held). */
  | { kind: 'openings'; held: Uint8Array }
  /** Primary: hand the program over to the backup. */
  | { kind: 'handover' }
  /** Backup: the program may be fed. */
  | ({ kind: 'go'; vip: string | null } & SharedFds)
  /** Backup: the primary's offer is refused. */
  | { kind: 'refuse'; message: string }
  /** Backup: ask the primary to stop the pair. */
  | { kind: 'stop'; reason: string };

export type FromPump =
  | { kind: 'listening'; address: Endpoint }
  /** Primary: a backup has checked everything and waits for records. */
  | { kind: 'ready'; peer: string }
  | { kind: 'protected'; peer: string }
  | { kind: 'unprotected'; why: string; divergence?: DivergenceDetail }
  | { kind: 'rejected'; message: string }
  | { kind: 'fenced'; is: boolean }
  /** The peer's operator wants the pair stopped, or the primary is done. */
  | { kind: 'stop'; reason: string }
  /** The other host is the primary now. */
  | { kind: 'lostRole'; message: string }
  /** Backup: what the primary runs. */
  | {
    kind: 'offer'; peer: string; processor: Processor; manifest: Manifest; process: ProcessStart;
  }
  /** The copy did something else than the record: all of it has to end. */
  | { kind: 'diverged' }
  | { kind: 'takingOver'; cause: TakeoverTimes['cause'] }
  | { kind: 'live'; times: TakeoverTimes }
  /** Nothing more will be moved. */
  | { kind: 'finished' }
  | { kind: 'failed'; error: PlainError };

/** Numbers the worker keeps up to date, one double each. */
export const boardFields = [
  'receivedSeq', 'replayedSeq', 'storedSeq', 'headSeq', 'lagMs', 'isProtected', 'protectedSinceMs',
  'isFenced', 'rejected', 'sentBytes', 'receivedBytes', 'claims',
] as const;
export type BoardField = (typeof boardFields)[number];

export class Board {
  readonly #fields: Float64Array;

  constructor(readonly shared = new SharedArrayBuffer(boardFields.length * 8)) {
    this.#fields = new Float64Array(shared);
  }

  get(field: BoardField): number {
    return this.#fields[boardFields.indexOf(field)]!;
  }

  set(field: BoardField, value: number): void {
    this.#fields[boardFields.indexOf(field)] = value;
  }
}
