/* run.ts: `npm run bench`: runs the parts of the benchmark one after the other, and prints their
 * figures (figures.ts), one JSON line each, as soon as a part is done.
 * The rule: standard output holds nothing but those lines; progress goes to standard error. */
import { parseArgs } from 'node:util';
import { Bed } from '../../src/bed/bed.js';
import { subjectKinds, type SubjectKind } from '../../src/bed/subject.js';
import { UserError, exitCodeOf } from '../../src/errors.js';
import { benchAudit } from './audit.js';
import { benchBlackout } from './blackout.js';
import { benchCalls } from './calls.js';
import { lineOf, messageOf, type BenchContext, type Figure } from './figures.js';
import { benchGroups } from './groups.js';
import { benchLag } from './lag.js';
import { benchLog } from './log.js';
import { benchRedis } from './redis.js';
import { benchThreads } from './threads.js';
import { benchTrace } from './trace.js';

const parts = [
  'calls', 'groups', 'trace', 'log', 'redis', 'threads', 'lag', 'blackout', 'audit',
] as const;
type Part = (typeof parts)[number];

interface Settings {
  only: Part[];
  runs: number;
  calls: number;
  rounds: number;
  requests: number;
  clients: number;
  subjects: SubjectKind[];
  kills: number;
  many: number;
}

const help = `Usage: npm run bench -- [options]
  --only A,B       parts of ${parts.join(', ')} (default: all)
  --runs N         turns of each part; medians are shown (default 3; HOTSWAP_BENCH_RUNS)
  --calls N        calls of each class (default 50000)
  --rounds N       rounds of two processes that compute (default 200)
  --requests N     requests per figure without a pipeline (default 40000)
  --clients N      connections of redis-benchmark (default 50)
  --subjects A,B   of redis: ${subjectKinds.join(', ')} (default record,async,logged)
  --kills N        takeovers with 20 connections (default 3)
  --many N         connections of one more takeover (default 1000; 0: none)
Example: npm run bench -- --only redis,lag --runs 5
Prints one JSON line per figure: value and native are medians over the runs, ratio is
value / native; what there is no native figure of has null there.`;

function readSettings(): Settings {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: { only: text, runs: text, calls: text, rounds: text, requests: text, clients: text,
      subjects: text, kills: text, many: text, json: { type: 'boolean' },
      help: { type: 'boolean' } },
  });
  if (values.help) {
    process.stdout.write(`${help}\n`);
    process.exit(0);
  }
  return {
    only: values.only === undefined ? [...parts] : chosen('only', values.only, parts),
    runs: count('runs', values.runs ?? process.env['HOTSWAP_BENCH_RUNS'] ?? '3'),
    calls: count('calls', values.calls ?? '50000'),
    rounds: count('rounds', values.rounds ?? '200'),
    requests: count('requests', values.requests ?? '40000'),
    clients: count('clients', values.clients ?? '50'),
    subjects: chosen('subjects', values.subjects ?? 'record,async,logged', subjectKinds),
    kills: count('kills', values.kills ?? '3'),
    many: values.many === '0' ? 0 : count('many', values.many ?? '1000'),
  };
}

function chosen<T extends string>(option: string, list: string, known: readonly T[]): T[] {
  return list.split(',').map((name) => {
    const found = known.find((each) => each === name);
    if (found) return found;
    throw new UserError(`--${option} ${name} is none of ${known.join(', ')}`);
  });
}

function count(name: string, text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new UserError(`--${name} ${text} is not a whole number above 0`);
}

function progress(words: string): void {
  process.stderr.write(`${words}\n`);
}

/** One part to its end: its figures, and how much of it could not be measured. */
async function measure(part: Part, settings: Settings) {
  const context: BenchContext = { runs: settings.runs, progress };
  const done = (figures: Figure[]) => ({ figures, failed: 0 });
  if (part === 'calls') return done(await benchCalls(context, settings.calls));
  if (part === 'groups') return done(await benchGroups(context, settings.rounds));
  if (part === 'trace') return benchTrace(context, settings);
  await using bed = await Bed.create();
  switch (part) {
    case 'log':
      return done(await benchLog(context, bed, settings));
    case 'audit':
      return done(await benchAudit(context, bed, settings));
    case 'redis':
      return await benchRedis(context, bed, settings);
    case 'threads':
      return done(await benchThreads(context, bed, settings));
    case 'lag':
      return done(await benchLag(context, bed, settings));
    case 'blackout':
      return done(await benchBlackout(context, bed,
        { kills: settings.kills, manyConnections: settings.many }));
  }
}

async function main(): Promise<number> {
  const settings = readSettings();
  let failures = 0;
  for (const part of parts.filter((each) => settings.only.includes(each))) {
    try {
      const { figures, failed } = await measure(part, settings);
      for (const figure of figures) process.stdout.write(`${lineOf(figure)}\n`);
      failures += failed;
    } catch (error) {
      // The other parts are worth having all the same.
      failures++;
      progress(`${part} could not be measured: ${messageOf(error)}`);
    }
  }
  return failures === 0 ? 0 : 1;
}

main().then(
  (status) => process.stdout.write('', () => process.exit(status)),
  (error: unknown) => {
    process.stderr.write(`bench: ${messageOf(error)}\n`);
    process.exit(exitCodeOf(error));
  },
);
