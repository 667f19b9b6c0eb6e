/* cuts.ts: `npm run bed:cuts -- --runs N --seed S [--json]`: power cuts at seeded moments of a
 * client's traffic, one line per run; the last line sums up as JSON.
 * The rule: run i follows from its own seed alone: `--runs 1 --seed THAT` does it again. */
import { parseArgs } from 'node:util';
import { Random } from '../../src/bed/redis-client/random.js';
import { distribution, type LoadReport } from '../../src/bed/redis-client/report.js';
import { UserError } from '../../src/errors.js';
import { powerCut } from './machines.js';
import { detection } from './pair.js';
import { requireNamespaces } from './namespaces.js';
import { secondsSince, type Screen } from './run.js';
import { describe, faultOf, trial } from './trial.js';

interface Outcome {
  seed: number;
  report?: LoadReport;
  fault?: string;
}

function whole(name: string, text: string): number {
  if (/^\d{1,10}$/.test(text)) return Number(text);
  throw new UserError(`--${name} ${text} is not a whole number`);
}

export const seedOf = (first: number, index: number): number =>
  index === 0 ? first : Math.floor(new Random(first).fork(index).next() * 2 ** 31);

/** When the power goes, in ms of traffic. */
export const cutAfterMs = (seed: number): number => new Random(seed).between(500, 6000);

export async function cuts(args: readonly string[], screen: Screen): Promise<boolean> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: { runs: text, seed: text, connections: text, json: { type: 'boolean' } },
  });
  const runs = whole('runs', values.runs ?? '20');
  const first = whole('seed', values.seed ?? String(Date.now() % 2 ** 31));
  const connections = whole('connections', values.connections ?? '10');
  const outcomes: Outcome[] = [];
  for (let index = 0; index < runs; index++) {
    const startMs = performance.now();
    const outcome = await once(seedOf(first, index), connections, screen);
    outcomes.push(outcome);
    const { seed, report, fault } = outcome;
    screen.say(`run ${index + 1}/${runs} seed ${seed}, power cut after ${cutAfterMs(seed)} ms: `
      + `${fault === undefined ? 'ok' : `FAILED: ${fault}`}${report ? `: ${describe(report)}` : ''}`
      + ` (${secondsSince(startMs)})`);
  }
  process.stdout.write(`${JSON.stringify(summary(outcomes, first))}\n`);
  return outcomes.every(({ fault }) => fault === undefined);
}

async function once(seed: number, connections: number, screen: Screen): Promise<Outcome> {
  try {
    const onStep = (what: string): void => screen.moment(`  … ${what}`);
    const report = await trial({ seed, connections, beforeMs: cutAfterMs(seed), onStep },
      async (load) => {
        load.markKill();
        await powerCut('primary');
      });
    return { seed, report, fault: faultOf(report) };
  } catch (error) {
    return { seed, fault: error instanceof Error ? error.message : String(error) };
  }
}

function summary(outcomes: readonly Outcome[], seed: number): Record<string, unknown> {
  const reports = outcomes.flatMap(({ report }) => report ?? []);
  const sum = (of: (report: LoadReport) => number): number =>
    reports.reduce((total, report) => total + of(report), 0);
  return {
    runs: outcomes.length,
    failed: outcomes.filter(({ fault }) => fault !== undefined).length,
    connections: sum(({ connections }) => connections.opened),
    lost: sum(({ connections }) => connections.lost),
    resets: sum(({ errors }) => errors.resets),
    bytesWrong: sum(({ bytes }) => bytes.wrong),
    ackedLost: sum(({ writes }) => writes.lost),
    acked: sum(({ writes }) => writes.acknowledged),
    blackoutMs: distribution(reports.flatMap(({ blackoutMs }) => blackoutMs.all?.max ?? [])),
    accelerator: requireNamespaces().accelerator,
    detect: detection(),
    seed,
  };
}
