/* run.ts: `npm run bench`: measures, and prints one JSON line per figure:
 * {"bench","subject","metric","value","unit","native","ratio","runs"}. `value` and `native` are
 * medians over the runs; `ratio` is value / native.
 * The rule: standard output holds nothing but those lines; progress goes to standard error. */
import { parseArgs } from 'node:util';
import { Bed } from '../../src/bed/bed.js';
import { subjectKinds, type SubjectKind } from '../../src/bed/subject.js';
import { UserError, exitCodeOf } from '../../src/errors.js';
import { measureRedis, type Sample } from './redis.js';

interface Settings {
  runs: number;
  requests: number;
  clients: number;
  subjects: SubjectKind[];
}

const help = `Usage: npm run bench -- [--runs N] [--requests N] [--clients N] [--subjects A,B]
  --runs N         turns of each subject; medians are shown (default 3; HOTSWAP_BENCH_RUNS)
  --requests N     requests per figure without a pipeline (default 40000)
  --clients N      connections of redis-benchmark (default 50)
  --subjects A,B   of ${subjectKinds.join(', ')} (default record,async,logged)
Example: npm run bench -- --runs 5 --subjects logged`;

function readSettings(): Settings {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: { runs: text, requests: text, clients: text, subjects: text, json: { type: 'boolean' },
      help: { type: 'boolean' } },
  });
  if (values.help) {
    process.stdout.write(`${help}\n`);
    process.exit(0);
  }
  const subjects = (values.subjects ?? 'record,async,logged').split(',').map((name) => {
    const kind = subjectKinds.find((each) => each === name);
    if (kind) return kind;
    throw new UserError(`--subjects ${name} is none of ${subjectKinds.join(', ')}`);
  });
  return {
    runs: count('runs', values.runs ?? process.env['HOTSWAP_BENCH_RUNS'] ?? '3'),
    requests: count('requests', values.requests ?? '40000'),
    clients: count('clients', values.clients ?? '50'),
    subjects,
  };
}

function count(name: string, text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new UserError(`--${name} ${text} is not a whole number above 0`);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}

/** All turns, native first in every run. A subject that fails is left out from then on. */
async function measure(settings: Settings) {
  const order: SubjectKind[] = [...new Set<SubjectKind>(['native', ...settings.subjects])];
  const samples = new Map<SubjectKind, Sample[]>(order.map((kind) => [kind, []]));
  const failed = new Set<SubjectKind>();
  await using bed = await Bed.create();
  for (let run = 1; run <= settings.runs; run++) {
    for (const kind of order.filter((each) => !failed.has(each))) {
      process.stderr.write(`run ${run}/${settings.runs}: ${kind}\n`);
      try {
        samples.get(kind)?.push(await measureRedis(bed, kind, settings));
      } catch (error) {
        failed.add(kind);
        const why = error instanceof Error ? error.message : String(error);
        process.stderr.write(`${kind} could not be measured: ${why}\n`);
      }
    }
  }
  return { samples, failed };
}

function print(samples: Map<SubjectKind, Sample[]>): void {
  const medianOf = (kind: SubjectKind, metric: string) => {
    const turns = samples.get(kind) ?? [];
    return median(turns.map((turn) => turn.get(metric)?.value ?? NaN));
  };
  for (const [subject, turns] of samples) {
    for (const [metric, { unit }] of turns[0] ?? []) {
      const value = round(medianOf(subject, metric));
      const native = round(medianOf('native', metric));
      const ratio = round(value / native);
      const line = { bench: 'redis', subject, metric, value, unit, native, ratio,
        runs: turns.length };
      process.stdout.write(`${JSON.stringify(line)}\n`);
    }
  }
}

async function main(): Promise<number> {
  const { samples, failed } = await measure(readSettings());
  print(samples);
  return failed.size === 0 ? 0 : 1;
}

main().then(
  (status) => process.exit(status),
  (error: unknown) => {
    process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(exitCodeOf(error));
  },
);
