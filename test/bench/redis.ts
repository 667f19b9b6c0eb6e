/* redis.ts: what replication costs a redis: redis-benchmark on the client host of a bed, against
 * the service address; the same server plain, recorded, and as a pair, in turns.
 * The rule: subjects take turns within a run and never run side by side, so that what else the
 * machine does hits all of them alike; each gets fresh hosts. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { plan, type Bed } from '../../src/bed/bed.js';
import { redisPort, startSubject, type SubjectKind } from '../../src/bed/subject.js';
import { Gathered, messageOf, type BenchContext, type Figure } from './figures.js';

export interface RedisBenchOptions {
  requests: number;
  clients: number;
}

/** Metric → value, of one turn of one subject. */
export type Sample = Map<string, { value: number; unit: string }>;

/** Requests that are sent before the server has answered the first, by name of the metric. */
export const depths = [1, 16] as const;

/** All turns, native first in every run. A subject that fails is left out from then on. */
export async function benchRedis(
  context: BenchContext,
  bed: Bed,
  options: RedisBenchOptions & { subjects: readonly SubjectKind[] },
): Promise<{ figures: Figure[]; failed: number }> {
  const order: SubjectKind[] = [...new Set<SubjectKind>(['native', ...options.subjects])];
  const gathered = new Gathered('redis');
  const failed = new Set<SubjectKind>();
  for (let run = 1; run <= context.runs; run++) {
    let native: Sample | undefined;
    for (const kind of order.filter((each) => !failed.has(each))) {
      context.progress(`redis ${run}/${context.runs}: ${kind}`);
      try {
        const sample = await measureRedis(bed, kind, options);
        if (kind === 'native') native = sample;
        for (const [metric, { value, unit }] of sample) {
          gathered.add(kind, metric, unit, value, native?.get(metric)?.value);
        }
      } catch (error) {
        failed.add(kind);
        context.progress(`${kind} could not be measured: ${messageOf(error)}`);
      }
    }
  }
  return { figures: gathered.all(), failed: failed.size };
}

/** One turn: starts the subject on fresh hosts, measures, and ends it. */
export async function measureRedis(
  bed: Bed,
  kind: SubjectKind,
  options: RedisBenchOptions,
  more: readonly string[] = [],
): Promise<Sample> {
  const logDir = mkdtempSync(join(tmpdir(), `hotswap-bench-${kind}-`));
  await bed.reset();
  const subject = await startSubject(
    bed, kind, { logDir, primaryOptions: more, backupOptions: more });
  const sample: Sample = new Map();
  for (const depth of depths) {
    // Pipelines are an order of magnitude faster: as many more requests take as long.
    const all = { ...options, requests: options.requests * (depth === 1 ? 1 : 8) };
    // A service runs for months: the engines' code is compiled before it is measured.
    await bed.run('client', benchmarkCommand(all, depth));
    const csv = await bed.run('client', benchmarkCommand(all, depth));
    for (const [metric, entry] of parse(csv, metricSuffix(depth))) sample.set(metric, entry);
  }
  const alone = { requests: Math.ceil(options.requests / 8), clients: 1 };
  const csv = await bed.run('client', benchmarkCommand(alone, 1));
  for (const [metric, entry] of parse(csv, ' 1 client')) sample.set(metric, entry);
  const ended = subject.unexpectedEnd();
  if (ended) throw new Error(ended);
  // Kept only when something above has thrown: then they say why.
  rmSync(logDir, { recursive: true });
  return sample;
}

/** redis-benchmark of the bed; `tests` are those it knows. */
export function benchmarkCommand(
  { requests, clients }: RedisBenchOptions,
  depth: number,
  tests = 'set,get',
): string[] {
  return [
    'redis-benchmark', '-h', plan.vip, '-p', String(redisPort), '-t', tests, '--csv',
    '-n', String(requests), '-c', String(clients), '-P', String(depth), '-r', '10000', '-d', '64',
  ];
}

export function metricSuffix(depth: number): string {
  return depth === 1 ? '' : ` pipeline ${depth}`;
}

/** redis-benchmark --csv: "test","rps","avg_latency_ms",…,"p50_latency_ms",…,"p99_latency_ms". */
export function parse(csv: string, suffix: string): Sample {
  const rows = csv.trim().split('\n').map((line) => line.replaceAll('"', '').split(','));
  const header = rows.find((row) => row[0] === 'test') ?? [];
  const sample: Sample = new Map();
  for (const row of rows) {
    const name = row[0]?.toLowerCase();
    if (name !== 'set' && name !== 'get') continue;
    const column = (title: string) => Number(row[header.indexOf(title)]);
    const metric = `${name}${suffix}`;
    sample.set(metric, { value: column('rps'), unit: '1/s' });
    sample.set(`${metric} p50`, { value: column('p50_latency_ms'), unit: 'ms' });
    sample.set(`${metric} p99`, { value: column('p99_latency_ms'), unit: 'ms' });
  }
  return sample;
}
