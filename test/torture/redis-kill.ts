/* redis-kill.ts: `npm run torture -- --runs N --seed S [--json]`: a redis pair, a client with many
 * connections, and the death of the primary at a random moment, N times over; half of the runs are
 * killed in the middle of bulk transfers. One line per run; the last line sums up as JSON.
 * The rule: run i follows from its own seed alone: `--runs 1 --seed THAT` does it again. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Bed } from '../../src/bed/bed.js';
import { Random } from '../../src/bed/redis-client/random.js';
import { distribution } from '../../src/bed/redis-client/report.js';
import { subjectKinds, type SubjectKind } from '../../src/bed/subject.js';
import { faults, runTrial, type Fault, type TrialResult } from '../../src/bed/trial.js';
import { UserError, exitCodeOf } from '../../src/errors.js';
import { interruption } from '../support/interruption.js';

interface Settings {
  runs: number;
  seed: number;
  isJson: boolean;
  subject: SubjectKind;
  /** One fault for all runs, or `mixed`: by seed. */
  fault: Fault | 'mixed';
  connections: number;
  afterMs: number;
  maxFailures: number;
}

interface Run {
  seed: number;
  mode: 'mixed' | 'bulk';
  fault: Fault;
  killAfterMs: number;
}

interface Outcome {
  run: Run;
  result?: TrialResult;
  error?: unknown;
  isGood: boolean;
}

const help = `Usage: npm run torture -- [--runs N] [--seed S] [--json]
  --runs N          how often (default 10)
  --seed S          seed of the first run; the others follow from it (default: the time)
  --subject KIND    ${subjectKinds.join(', ')} (default logged; native is the control: it must fail)
  --fault KIND      ${faults.join(', ')} or mixed (default power)
  --connections N   connections of the client (default 24, in bulk runs a third)
  --after MS        traffic after the kill (default 3000)
  --max-failures N  stop after so many (default 5)
  --json            only the last line
Example: npm run torture -- --runs 100 --seed 7`;

function readSettings(): Settings {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: {
      runs: text, seed: text, subject: text, fault: text, connections: text, after: text,
      'max-failures': text, json: { type: 'boolean' }, help: { type: 'boolean' },
    },
  });
  if (values.help) {
    process.stdout.write(`${help}\n`);
    process.exit(0);
  }
  return {
    runs: whole('runs', values.runs ?? '10'),
    seed: whole('seed', values.seed ?? String(Date.now() % 2 ** 31)),
    isJson: values.json === true,
    subject: oneOf('subject', subjectKinds, values.subject ?? 'logged'),
    fault: oneOf('fault', [...faults, 'mixed'] as const, values.fault ?? 'power'),
    connections: whole('connections', values.connections ?? '24'),
    afterMs: whole('after', values.after ?? '3000'),
    maxFailures: whole('max-failures', values['max-failures'] ?? '5'),
  };
}

function whole(name: string, text: string): number {
  if (/^\d{1,10}$/.test(text)) return Number(text);
  throw new UserError(`--${name} ${text} is not a whole number`);
}

function oneOf<const T extends string>(name: string, all: readonly T[], text: string): T {
  const found = all.find((each) => each === text);
  if (found) return found;
  throw new UserError(`--${name} ${text} is none of ${all.join(', ')}`);
}

/** Odd seeds are bulk runs, so that a seed alone says what its run does. */
function planRun(seed: number, { fault, afterMs }: Settings): Run {
  const random = new Random(seed);
  const isBulk = seed % 2 === 1;
  const chosen = random.pick(['power', 'process', 'partition'] as const);
  return {
    seed,
    mode: isBulk ? 'bulk' : 'mixed',
    fault: fault === 'mixed' ? chosen : fault,
    killAfterMs: random.between(500, Math.max(600, afterMs)),
  };
}

function seedOf(first: number, index: number): number {
  if (index === 0) return first;
  const mixed = Math.floor(new Random(first).fork(index).next() * 2 ** 30) * 2;
  return mixed + ((first + index) % 2);
}

async function runOnce(
  bed: Bed,
  run: Run,
  settings: Settings,
  logDir: string,
  signal: AbortSignal,
): Promise<Outcome> {
  const isBulk = run.mode === 'bulk';
  const connections = isBulk ? Math.ceil(settings.connections / 3) : settings.connections;
  try {
    const result = await runTrial(bed, {
      subject: settings.subject, fault: run.fault, logDir, signal,
      load: { connections, seed: run.seed, mode: run.mode, thinkMs: isBulk ? 1 : 4 },
      beforeMs: run.killAfterMs, afterMs: settings.afterMs,
    });
    const isTaken = result.hasTakenOver || settings.subject === 'native' || run.fault === 'none';
    return { run, result, isGood: result.report.ok && !result.twoHosts && isTaken };
  } catch (error) {
    signal.throwIfAborted();
    return { run, error, isGood: false };
  }
}

function describe({ run, result, error, isGood }: Outcome, index: number, runs: number): string {
  const what = `run ${index + 1}/${runs} seed ${run.seed} ${run.mode} ${run.fault}`;
  const head = `${what} at ${run.killAfterMs} ms: ${isGood ? 'ok' : 'FAILED'}`;
  if (!result) return `${head}: ${error instanceof Error ? error.message : String(error)}`;
  const { connections, bytes, writes, blackoutMs, ops, data } = result.report;
  return `${head}: kept ${connections.kept}/${connections.opened}, ${ops} ops, `
    + `wrong bytes ${bytes.wrong}, acknowledged lost ${writes.lost}/${writes.acknowledged}, `
    + `data ${data.isEqual ? 'equal' : 'DIFFERENT'}, blackout ${blackoutMs.all?.max ?? '?'} ms`
    + (result.twoHosts ? ', TWO HOSTS' : '');
}

function keepEvidence(outcome: Outcome, logDir: string): void {
  const error = outcome.error instanceof Error ? outcome.error.stack : outcome.error;
  writeFileSync(join(logDir, 'outcome.json'), JSON.stringify({ ...outcome, error }, null, 2));
}

function summarize(outcomes: readonly Outcome[], settings: Settings): Record<string, unknown> {
  const reports = outcomes.flatMap(({ result }) => (result ? [result.report] : []));
  const sum = (of: (report: TrialResult['report']) => number) => {
    return reports.reduce((total, report) => total + of(report), 0);
  };
  const blackouts = reports.flatMap(({ blackoutMs }) => blackoutMs.all?.max ?? []);
  return {
    runs: outcomes.length,
    failed: outcomes.filter(({ isGood }) => !isGood).length,
    lost: sum(({ connections }) => connections.lost),
    bytesWrong: sum(({ bytes }) => bytes.wrong),
    ackedLost: sum(({ writes }) => writes.lost),
    twoHosts: outcomes.filter(({ result }) => result?.twoHosts).length,
    blackoutMs: distribution(blackouts),
    seed: settings.seed,
  };
}

async function main(): Promise<number> {
  const settings = readSettings();
  const say = (line: string) => {
    if (!settings.isJson) process.stdout.write(`${line}\n`);
  };
  const evidence = mkdtempSync(join(tmpdir(), 'hotswap-torture-'));
  const outcomes: Outcome[] = [];
  const signal = interruption();
  const bed = await Bed.create();
  let failures = 0;
  try {
    for (let index = 0; index < settings.runs && failures < settings.maxFailures; index++) {
      if (index > 0) await bed.reset();
      const run = planRun(seedOf(settings.seed, index), settings);
      const logDir = join(evidence, `run-${index + 1}-seed-${run.seed}`);
      mkdirSync(logDir);
      const outcome = await runOnce(bed, run, settings, logDir, signal);
      outcomes.push(outcome);
      say(describe(outcome, index, settings.runs));
      if (outcome.isGood) {
        rmSync(logDir, { recursive: true });
        continue;
      }
      failures++;
      keepEvidence(outcome, logDir);
      process.stderr.write(`run with --seed ${run.seed} failed; its logs are in ${logDir}\n`);
    }
  } finally {
    await bed.close();
    if (failures === 0) rmSync(evidence, { recursive: true });
  }
  process.stdout.write(`${JSON.stringify(summarize(outcomes, settings))}\n`);
  return failures === 0 ? 0 : 1;
}

main().then(
  (status) => process.exit(status),
  (error: unknown) => {
    process.stderr.write(`torture: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(exitCodeOf(error));
  },
);
