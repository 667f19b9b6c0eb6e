/* fuzz.ts: `npm run fuzz:programs -- --seeds N --seed S [--json]`: N random programs, each recorded
 * and replayed: no divergence, every output and all memory equal. Natively such a program prints
 * something else each time; that is no fault. The rule: seeds are S, S+1, ...; a failing one is
 * printed with the command that repeats it, and `--reduce` makes it smaller. */
import { parseArgs } from 'node:util';
import { UserError } from '../../src/errors.js';
import { Lanes, type Verdict } from '../support/lanes.js';
import { Progress } from '../support/progress.js';
import { build, commandOf, planOf, repeatOf, type Plan } from './programs.js';
import { reduce } from './reduce.js';

const help = `Usage: npm run fuzz:programs -- [--seeds N] [--seed S] [--json]
  --seeds N         how many (default 100)
  --seed S          the first (default: from the time; it is printed)
  --lanes N         how many at once (default 2)
  --seconds N       no new program after so long
  --threads N, --operations N, --without A,B   a smaller program, as printed by --reduce
  --only A,B        instead of the operations that the seed chooses
  --reduce          make the first failing program smaller
  --tries N         how often the smaller program is run until it counts as good (default 10)
  --keep DIR        keep logs of failing runs in DIR
  --json            only the last line`;

interface Job extends Plan {
  command: string[];
  keep?: string;
}

function whole(name: string, text: string): number {
  if (/^\d{1,10}$/.test(text)) return Number(text);
  throw new UserError(`--${name} ${text} is not a whole number`);
}

function readSettings() {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: {
      seeds: text, seed: text, lanes: text, seconds: text, threads: text, operations: text,
      without: text, only: text, keep: text, tries: text, json: { type: 'boolean' },
      reduce: { type: 'boolean' }, help: { type: 'boolean' },
    },
  });
  if (values.help) {
    process.stdout.write(`${help}\n`);
    process.exit(0);
  }
  return {
    seeds: whole('seeds', values.seeds ?? '100'),
    seed: whole('seed', values.seed ?? String(Date.now() % 2 ** 31)),
    lanes: Math.max(1, whole('lanes', values.lanes ?? '2')),
    seconds: whole('seconds', values.seconds ?? '0'),
    threads: whole('threads', values.threads ?? '0'),
    operations: whole('operations', values.operations ?? '0'),
    without: values.without?.split(',') ?? [],
    only: values.only?.split(',') ?? [],
    tries: whole('tries', values.tries ?? '10'),
    keep: values.keep,
    reduces: values.reduce === true,
    isJson: values.json === true,
  };
}

function* jobsOf(settings: ReturnType<typeof readSettings>): Generator<Job> {
  const { seeds, seed: first, seconds, keep } = settings;
  const endMs = seconds > 0 ? Date.now() + seconds * 1000 : Infinity;
  for (let seed = first; seed < first + seeds && Date.now() < endMs; seed++) {
    const { threads, operations, without, only } = settings;
    const plan = { ...planOf(seed), threads, operations, without, only };
    const job: Job = { ...plan, command: commandOf(plan) };
    yield keep === undefined ? job : { ...job, keep: `${keep}/${seed}` };
  }
}

async function main(): Promise<void> {
  const settings = readSettings();
  const interrupted = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => interrupted.abort());
  await build();
  const lanes = new Lanes(settings.lanes);
  const progress = new Progress(settings.isJson ? 0 : settings.seeds);
  const failures: { plan: Plan; verdict: Verdict }[] = [];
  let runs = 0;
  try {
    if (!settings.isJson) console.log(`from seed ${settings.seed}`);
    await lanes.runAll(jobsOf(settings), (plan, verdict) => {
      progress.step(++runs, failures.length);
      if (verdict.kind === 'equal') return;
      failures.push({ plan, verdict });
      const { kind, what } = verdict;
      if (!settings.isJson) progress.say(`${kind}: ${what}\n  again: ${repeatOf(plan)}`);
    }, interrupted.signal);
    progress.end();
    const [first] = failures;
    if (settings.reduces && first && !interrupted.signal.aborted) {
      const smaller = await reduce(first.plan, lanes, settings.tries, (text) => console.log(text));
      console.log(`smallest: ${repeatOf(smaller)}`);
    }
  } finally {
    await lanes.close();
  }
  const failed = failures.map(({ plan, verdict }) => ({ seed: plan.seed, ...verdict }));
  console.log(JSON.stringify({ runs, seed: settings.seed, failed: failed.length,
    ...(settings.isJson ? { failures: failed } : {}) }));
  process.exitCode = interrupted.signal.aborted ? 130 : failed.length > 0 ? 1 : 0;
}

await main().catch((error: unknown) => {
  if (!(error instanceof UserError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
});
