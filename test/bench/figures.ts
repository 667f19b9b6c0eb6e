/* figures.ts: a figure of the benchmark, and the line it is printed as:
 * {"bench","subject","metric","value","unit","native","ratio","runs"}. `value` and `native` are
 * medians over the runs; `ratio` is value / native.
 * The rule: what has no native counterpart, or was not measured, is null, never zero. */

export interface Figure {
  bench: string;
  subject: string;
  metric: string;
  unit: string;
  /** One of each run. */
  values: readonly number[];
  /** The same without replication, where there is such a thing. */
  natives?: readonly number[];
}

/** What the parts of the benchmark share. */
export interface BenchContext {
  runs: number;
  /** Tells a person how far it is; not a part of the result. */
  progress: (words: string) => void;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}

/** The smallest value that `share` of the values do not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? NaN;
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}

/** The line of a figure, without its end. */
export function lineOf({ bench, subject, metric, unit, values, natives = [] }: Figure): string {
  const value = median(values);
  const native = median(natives);
  // JSON has no NaN: it becomes null, which is what is meant.
  return JSON.stringify({
    bench, subject, metric, value: round(value), unit, native: round(native),
    ratio: round(value / native), runs: values.length,
  });
}

/** Requests a second of the only test in redis-benchmark's --csv. */
export function parseRps(csv: string): number {
  const rows = csv.trim().split('\n').map((line) => line.replaceAll('"', '').split(','));
  const at = rows.find((row) => row[0] === 'test')?.indexOf('rps') ?? 1;
  return Number(rows.at(-1)?.[at]);
}

/** Gathers the values of several runs under their names, in the order of their first appearance. */
export class Gathered {
  private readonly figures = new Map<string, Figure & { values: number[]; natives: number[] }>();

  constructor(private readonly bench: string) {}

  add(subject: string, metric: string, unit: string, value: number, native?: number): void {
    const name = `${subject}\n${metric}`;
    const figure = this.figures.get(name)
      ?? { bench: this.bench, subject, metric, unit, values: [], natives: [] };
    this.figures.set(name, figure);
    figure.values.push(value);
    if (native !== undefined) figure.natives.push(native);
  }

  all(): Figure[] {
    return [...this.figures.values()];
  }
}
