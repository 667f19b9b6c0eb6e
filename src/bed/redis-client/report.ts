/* report.ts: what a run of the load client found, as plain JSON, and the arithmetic behind it.
 * The rule: a figure that could not be measured is null, never zero. */
import type { Connection, Mismatch, Traffic } from './connection.js';
import type { Verification } from './verify.js';

export interface Distribution {
  p50: number;
  p99: number;
  max: number;
}

export interface LoadReport {
  ok: boolean;
  seed: number;
  connections: { opened: number; kept: number; lost: number };
  lostConnections: { name: string; reason: string; detail: string }[];
  errors: { resets: number; closes: number; stalls: number; protocol: number };
  bytes: { in: number; out: number; wrong: number };
  mismatches: Mismatch[];
  writes: { acknowledged: number; lost: number };
  data: Verification & { isEqual: boolean };
  ops: number;
  /** The longest wait of each connection that ended after the kill; null without a kill. */
  blackoutMs: Record<Traffic | 'all', Distribution | null>;
  /** The same before the kill: what this machine does without any fault. */
  beforeMs: Record<Traffic | 'all', Distribution | null>;
  /** The longest time for which this client itself did not run, after the kill. */
  clientStallMs: number;
  timeline: { stepMs: number; fromMs: number; ops: number[] } | null;
}

export const timelineStepMs = 50;

/** The p50, p99 and greatest of values, by nearest rank; null of none. */
export function distribution(values: readonly number[]): Distribution | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const rank = (share: number) => {
    return round(sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0);
  };
  return { p50: rank(0.5), p99: rank(0.99), max: rank(1) };
}

export function round(ms: number): number {
  return Math.round(ms * 100) / 100;
}

type GapFilter = (gap: readonly [number, number]) => boolean;

/** Longest gap per connection, by kind of traffic. */
export function longestGaps(
  connections: readonly Connection[],
  isCounted: GapFilter,
): Record<Traffic | 'all', Distribution | null> {
  const longest = (connection: Connection) => {
    const gaps = connection.gaps.filter(isCounted);
    return gaps.reduce((most, [begin, end]) => Math.max(most, end - begin), 0);
  };
  const of = (traffic: Traffic) => {
    return connections.filter((each) => each.traffic === traffic).map(longest);
  };
  const byTraffic = { stream: of('stream'), request: of('request'), waiting: of('waiting') };
  return {
    stream: distribution(byTraffic.stream),
    request: distribution(byTraffic.request),
    waiting: distribution(byTraffic.waiting),
    // Connections that wait for others measure the others' pauses too: not part of the whole.
    all: distribution([...byTraffic.stream, ...byTraffic.request]),
  };
}

/** Operations per step, from two seconds before the kill to the end. */
export class Timeline {
  private readonly counts = new Map<number, number>();

  add(nowMs: number, count: number): void {
    const step = Math.floor(nowMs / timelineStepMs);
    this.counts.set(step, (this.counts.get(step) ?? 0) + count);
  }

  around(killMs: number, endMs: number): LoadReport['timeline'] {
    const kill = Math.floor(killMs / timelineStepMs);
    const first = kill - 2000 / timelineStepMs;
    const last = Math.min(Math.floor(endMs / timelineStepMs) - 1, kill + 8000 / timelineStepMs);
    const ops: number[] = [];
    for (let step = first; step <= last; step++) ops.push(this.counts.get(step) ?? 0);
    const fromMs = Math.round(first * timelineStepMs - killMs);
    return { stepMs: timelineStepMs, fromMs, ops };
  }
}
