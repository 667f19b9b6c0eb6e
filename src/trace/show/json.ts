/* json.ts: the report as data: the last line of `hs-trace --json`, and what `hs-trace diff` reads.
 * The rule: fields are added, never taken away or given another meaning; diff parses what it gets,
 * because a file may be older than the program. */
import { z } from 'zod';
import { lostOf, reasonsOf, verdicts, type Report } from '../report.js';
import { sourceKinds, type SourceKind } from '../../calls/sources.js';

/** What `toJson` gives. */
export function toJson(report: Report): JsonReport {
  const { observation, sources, verdict, sentence, findings } = report;
  return {
    command: observation.command,
    detail: observation.detail,
    startedMs: observation.startedMs,
    durationMs: observation.durationMs,
    processes: observation.processes.length,
    threads: observation.processes.reduce((sum, { threadsEver }) => sum + threadsEver, 0),
    syscalls: Object.fromEntries(observation.calls
      .filter(({ count }) => count > 0)
      .map(({ name, count, errors, ns }) => [name, { count, errors, ns }])),
    sources: sources.map(({ kind, title, count, causes }) => ({
      kind, title, count, causes: causes.map((cause) => ({ ...cause, places: [...cause.places] })),
    })),
    verdict,
    sentence,
    reasons: reasonsOf(report).map(({ because }) => because),
    findings: findings.map((each) => ({ ...each })),
    events: observation.events,
    lost: lostOf(observation),
    lostPerCpu: [...observation.lostPerCpu],
    nsPerEvent: observation.nsPerEvent,
  };
}

const count = z.number().int().nonnegative();
const place = z.object({
  file: z.string(), symbol: z.string().nullable(), offset: z.number(), count,
});
const cause = z.object({
  by: z.enum(['call', 'function', 'instruction', 'signal', 'memory', 'path']),
  name: z.string(),
  count: count.nullable(),
  errors: count,
  treatment: z.enum(['replayed', 'ordered', 're-executed', 'refused', 'none']),
  how: z.string(),
  places: z.array(place),
});
const kinds = Object.keys(sourceKinds) as [SourceKind, ...SourceKind[]];

export const jsonReport = z.object({
  command: z.array(z.string()).readonly().nullable(),
  detail: z.enum(['counts', 'latencies', 'full']),
  startedMs: z.number(),
  durationMs: z.number(),
  processes: count,
  threads: count,
  syscalls: z.record(z.string(), z.object({ count, errors: count, ns: z.number() })),
  sources: z.array(z.object({
    kind: z.enum(kinds), title: z.string(), count, causes: z.array(cause),
  })),
  verdict: z.enum(verdicts),
  sentence: z.string(),
  reasons: z.array(z.string()),
  findings: z.array(z.object({
    rule: z.string(), effect: z.enum(['prevents', 'serial', 'note']), because: z.string(),
    change: z.string().nullable(),
  })),
  events: z.number(),
  lost: z.number(),
  lostPerCpu: z.array(z.number()),
  nsPerEvent: z.number().nullable(),
});
export type JsonReport = z.infer<typeof jsonReport>;
