/* diff.ts: what changed between two reports: verdict and reasons, sources that came or went, calls
 * that were made more or less often, or failed more or less often.
 * The rule: equal reports differ in nothing; times are no difference, they never repeat. */
import type { JsonReport } from './json.js';

export interface Change<T> {
  readonly name: string;
  /** Null: it was not there. */
  readonly before: T | null;
  readonly after: T | null;
}

export interface CallCount {
  readonly count: number;
  readonly errors: number;
}

export interface Difference {
  /** Null: the same. */
  readonly verdict: { readonly before: string; readonly after: string } | null;
  readonly reasons: { readonly gone: readonly string[]; readonly new: readonly string[] };
  /** Kinds of sources and their counts. */
  readonly sources: readonly Change<number>[];
  /** Ways sources got in: `time clock_gettime`. */
  readonly causes: readonly Change<number>[];
  readonly calls: readonly Change<CallCount>[];
}

export function difference(before: JsonReport, after: JsonReport): Difference {
  const verdict = before.verdict === after.verdict
    ? null : { before: before.verdict, after: after.verdict };
  const without = (these: readonly string[], those: readonly string[]): string[] =>
    these.filter((one) => !those.includes(one));
  return {
    verdict,
    reasons: {
      gone: without(before.reasons, after.reasons), new: without(after.reasons, before.reasons),
    },
    sources: changes(sourceCounts(before), sourceCounts(after), Object.is, (count) => count),
    causes: changes(causeCounts(before), causeCounts(after), Object.is, (count) => count),
    calls: changes(
      callCounts(before), callCounts(after),
      (a, b) => a.count === b.count && a.errors === b.errors, ({ count }) => count,
    ),
  };
}

export const isSame = ({ verdict, reasons, sources, causes, calls }: Difference): boolean =>
  verdict === null && reasons.gone.length + reasons.new.length === 0 &&
  sources.length + causes.length + calls.length === 0;

const sourceCounts = ({ sources }: JsonReport): Map<string, number> =>
  new Map(sources.map(({ title, count }) => [title, count]));

/** What is not counted counts as 1: it is there. */
const causeCounts = ({ sources }: JsonReport): Map<string, number> =>
  new Map(sources.flatMap(({ kind, causes }) =>
    causes.map(({ name, by, count }) => [`${kind} ${name} (${by})`, count ?? 1] as const)));

const callCounts = ({ syscalls }: JsonReport): Map<string, CallCount> =>
  new Map(Object.entries(syscalls).map(([name, { count, errors }]) => [name, { count, errors }]));

/** What came or went first, then what changed the most for its size. */
function changes<T>(
  before: ReadonlyMap<string, T>, after: ReadonlyMap<string, T>,
  isEqual: (a: T, b: T) => boolean, size: (value: T) => number,
): Change<T>[] {
  const weight = ({ before: from, after: to }: Change<T>): number => {
    if (from === null || to === null) return Infinity;
    return Math.abs(Math.log((size(to) + 1) / (size(from) + 1)));
  };
  return [...new Set([...before.keys(), ...after.keys()])]
    .map((name) => ({
      name, before: before.get(name) ?? null, after: after.get(name) ?? null,
    }))
    .filter(({ before: from, after: to }) => from === null || to === null || !isEqual(from, to))
    .sort((a, b) => {
      const [x, y] = [weight(a), weight(b)];
      return x === y ? a.name.localeCompare(b.name) : y - x;
    });
}
