/* index.ts: what the commands ask of the engine. Each function runs to the end of the program, or
 * of the pair, and owns everything that it starts. */
import { UserError } from '../errors.js';
import type {
  BackupOptions, PairResult, PrimaryOptions, RecordOptions, RecordResult, ReplayOptions,
  ReplayResult,
} from './options.js';

const notYet = (what: string): UserError =>
  new UserError(`"${what}" is not part of this version yet`, { reason: 'not-yet' });

/** Runs a program under the shim, its records going to a new directory. */
export async function record(_options: RecordOptions): Promise<RecordResult> {
  throw notYet('record');
}

/** Runs a recorded program again from its log, and compares. Divergence is a result. */
export async function replay(_options: ReplayOptions): Promise<ReplayResult> {
  throw notYet('replay');
}

/** Runs a program as the primary of a pair. */
export async function primary(_options: PrimaryOptions): Promise<PairResult> {
  throw notYet('primary');
}

/** Follows a primary, and takes over when it dies. */
export async function backup(_options: BackupOptions): Promise<PairResult> {
  throw notYet('backup');
}
