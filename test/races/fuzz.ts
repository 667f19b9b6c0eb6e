/* fuzz.ts: `npm run fuzz:races`: programs with planted data races, each recorded and replayed N
 * times. Whatever came out of a race must come out of it again, or be told as a divergence.
 * The rule: under `serial` a divergence is a failure of ours; under `parallel` silence alone is. */
import { parseArgs } from 'node:util';
import { UserError } from '../../src/errors.js';
import { Lanes, type Kind, type Schedule } from '../support/lanes.js';
import { Progress } from '../support/progress.js';
import { build, programs, type RaceProgram } from './programs.js';
import { addRates, note, readRates, saveRates, schedules, writePage, type Rates } from './rates.js';

const help = `Usage: npm run fuzz:races -- [options]
  --runs N          how often each program is recorded and replayed (default 5; 0: not at all)
  --schedule NAME   ${schedules.join(' or ')} (default serial)
  --only NAME       one program
  --save            add the runs to test/races/results/SCHEDULE.json
  --fresh           with --save: forget the runs that are in there
  --write           write docs/races.md from those results, of both schedules
Example: npm run fuzz:races -- --schedule parallel --runs 20 --save --write`;

interface Settings {
  runs: number;
  schedule: Schedule;
  only: string | undefined;
  isSaved: boolean;
  isFresh: boolean;
  isWritten: boolean;
}

function readSettings(): Settings | undefined {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const { values } = parseArgs({
    options: { runs: text, schedule: text, only: text, save: flag, fresh: flag, write: flag,
      help: flag },
  });
  if (values.help) return undefined;
  const runs = Number(values.runs ?? '5');
  if (!Number.isInteger(runs) || runs < 0) throw new UserError('--runs wants a whole number');
  const schedule = schedules.find((name) => name === (values.schedule ?? 'serial'));
  if (!schedule) throw new UserError(`--schedule wants ${schedules.join(' or ')}`);
  return { runs, schedule, only: values.only, isSaved: values.save ?? false,
    isFresh: values.fresh ?? false, isWritten: values.write ?? false };
}

const boundMs = 90_000;

/** What is no failure of ours, though it need not be equal. */
const isTold = (kind: Kind, schedule: Schedule): boolean =>
  kind === 'equal' || (schedule === 'parallel' && (kind === 'divergence' || kind === 'memory'));

async function runAll(chosen: readonly RaceProgram[], { runs, schedule }: Settings) {
  const jobs = Array.from({ length: runs }, () => chosen).flat()
    .map((program) => ({ program, command: [program.path] }));
  const rates: Rates = {};
  const progress = new Progress(jobs.length);
  const lanes = new Lanes(2, boundMs, schedule);
  let done = 0;
  let failures = 0;
  try {
    await lanes.runAll(jobs, ({ program }, { kind, what }) => {
      note(rates, program, kind);
      if (!isTold(kind, schedule)) {
        failures++;
        progress.say(`${program.name}: ${kind}: ${what}`);
      }
      progress.step(++done, failures);
    });
  } finally {
    await lanes.close();
  }
  progress.end();
  return { rates, done, failures };
}

async function main(): Promise<void> {
  const settings = readSettings();
  if (!settings) {
    console.log(help);
    return;
  }
  const { schedule, only, isSaved, isFresh, isWritten } = settings;
  const all = programs();
  const chosen = all.filter(({ name }) => !only || name === only);
  await build();
  const { rates, done, failures } = await runAll(chosen, settings);
  if (isSaved) saveRates(schedule, addRates(isFresh ? {} : readRates(schedule), rates));
  if (isWritten) writePage(all);
  const sum = (what: 'equal' | 'diverged' | 'failed'): number =>
    Object.values(rates).reduce((total, row) => total + row[what], 0);
  console.log(JSON.stringify({ schedule, programs: chosen.length, runs: done,
    equal: sum('equal'), diverged: sum('diverged'), failed: sum('failed'), failures }));
  process.exitCode = failures > 0 ? 1 : 0;
}

await main().catch((error: unknown) => {
  if (!(error instanceof UserError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
});
