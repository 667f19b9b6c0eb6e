/* report.ts: what hs-trace says of a program: the sources of nondeterminism that were seen, what
 * the shim does about each, and whether the program can be replicated. Made by judge/ from an
 * Observation, shown by show/, compared by `hs-trace diff`.
 * The rule: plain data, the same whatever it is shown on; every sentence stands on a fact in it. */
import type { SourceKind } from '../calls/sources.js';
import type { Verdict as Treatment } from '../calls/policies.js';
import type { Observation } from './observation.js';

export type { SourceKind } from '../calls/sources.js';

/** Where something came from: a file's instruction, or as much of it as is known. */
export interface Place {
  readonly file: string;
  readonly symbol: string | null;
  /** In the file. */
  readonly offset: number;
  readonly count: number;
}

/** One way a source got in: a system call, a library function that makes none, an instruction. */
export interface Cause {
  readonly by: 'call' | 'function' | 'instruction' | 'signal' | 'memory' | 'path';
  readonly name: string;
  /** Null: not counted, only known to be there. */
  readonly count: number | null;
  readonly errors: number;
  readonly treatment: Treatment | 'none';
  /** What the shim does about it, in words. */
  readonly how: string;
  /** The most frequent first. */
  readonly places: readonly Place[];
}

export interface Source {
  readonly kind: SourceKind;
  readonly title: string;
  /** Of all causes that are counted. */
  readonly count: number;
  /** Counts per window of the timeline; empty without one. */
  readonly timeline: readonly number[];
  /** By count. */
  readonly causes: readonly Cause[];
}

export const verdicts = [
  'replicable', 'replicable with --schedule serial', 'not replicable',
] as const;
export type Verdict = (typeof verdicts)[number];

/** What a finding means: `prevents` replication, needs one thread at a `serial` time, or is worth
 * knowing only. */
export type Effect = 'prevents' | 'serial' | 'note';

export interface Finding {
  /** The rule that found it, in judge/rules/. */
  readonly rule: string;
  readonly effect: Effect;
  /** Goes on after "because": a clause without a full stop. */
  readonly because: string;
  /** What to do about it, or null. */
  readonly change: string | null;
}

export interface Report {
  readonly observation: Observation;
  readonly sources: readonly Source[];
  readonly verdict: Verdict;
  /** The verdict and why, in one sentence. */
  readonly sentence: string;
  /** Those behind the verdict first, then notes. */
  readonly findings: readonly Finding[];
}

/** The clauses behind the verdict. */
export const reasonsOf = ({ findings }: Pick<Report, 'findings'>): readonly Finding[] =>
  findings.filter(({ effect }) => effect !== 'note');

export const lostOf = ({ lostPerCpu }: Observation): number =>
  lostPerCpu.reduce((sum, count) => sum + count, 0);
