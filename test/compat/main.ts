/* main.ts: what `npm run compat` runs: the programs of the list, each recorded and replayed, killed
 * as a pair, and measured, as the options say; results/ and docs/COMPATIBILITY.md with --save.
 * The rule: a run follows from its seed; the last line sums up, and a failure is the status. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Bed } from '../../src/bed/bed.js';
import { UserError, exitCodeOf } from '../../src/errors.js';
import { interruption } from '../support/interruption.js';
import { measureOverhead, pairAndKill, recordAndReplay, type Plan } from './engine.js';
import { install, versionOf } from './hosts.js';
import { document, pagePath } from './page.js';
import type { Program } from './program.js';
import { allPrograms, programNamed } from './programs/index.js';
import { readResults, saveResult, type Result } from './results.js';

const help = `Usage: npm run compat [-- OPTIONS]
  --program NAME   only this one; may be given more than once (default: all)
  --runs N         how often it is recorded and replayed (default 1; 0: not at all)
  --kills N        how often its primary dies (default 1; 0: not at all)
  --turns N        how often its rate is measured, native and recorded (default 0)
  --seed S         from which all follows (default: the time)
  --seconds N      load of each run (default: as the program's row says, mostly 10)
  --after MS       load after the kill (default 4000)
  --save           keeps the results and writes docs/COMPATIBILITY.md
  --page           only writes docs/COMPATIBILITY.md again
  --list           only lists the programs
  --keep           keeps the logs also when all is well
  --json           only the last line
Example: npm run compat -- --program redis --runs 2 --kills 5 --seed 7`;

interface Settings {
  programs: Program[];
  runs: number;
  kills: number;
  turns: number;
  seed: number;
  seconds: number | undefined;
  afterMs: number;
  isSaved: boolean;
  isKept: boolean;
  isJson: boolean;
}

function readOptions() {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  return parseArgs({
    options: {
      program: { type: 'string', multiple: true }, runs: text, kills: text, turns: text,
      seed: text, seconds: text, after: text, save: flag, page: flag, list: flag, keep: flag,
      json: flag, help: flag,
    },
  }).values;
}

async function settingsOf(values: ReturnType<typeof readOptions>): Promise<Settings> {
  const whole = (name: string, given: string | undefined, otherwise: number): number => {
    if (given === undefined) return otherwise;
    if (/^\d{1,10}$/.test(given)) return Number(given);
    throw new UserError(`--${name} ${given} is not a whole number`);
  };
  return {
    programs: values.program ? await Promise.all(values.program.map(programNamed))
      : await allPrograms(),
    runs: whole('runs', values.runs, 1),
    kills: whole('kills', values.kills, 1),
    turns: whole('turns', values.turns, 0),
    seed: whole('seed', values.seed, Date.now() % 2 ** 31),
    seconds: values.seconds === undefined ? undefined : whole('seconds', values.seconds, 0),
    afterMs: whole('after', values.after, 4000),
    isSaved: values.save === true,
    isKept: values.keep === true,
    isJson: values.json === true,
  };
}

/** The command that makes one program's figures again. */
function commandOf({ name }: Program, settings: Settings, part: string): string {
  const { seed, seconds } = settings;
  const more = seconds === undefined ? '' : ` --seconds ${seconds}`;
  return `npm run compat -- --program ${name} ${part} --seed ${seed}${more}`;
}

async function runProgram(
  bed: Bed, program: Program, settings: Settings, logDir: string, signal: AbortSignal,
): Promise<Result> {
  const { runs, kills, turns, seed, afterMs } = settings;
  const plan = (part: string): Plan => ({
    bed, program, seed, afterMs, logDir, signal,
    seconds: settings.seconds ?? program.seconds ?? 10,
    command: commandOf(program, settings, part),
    say: (words) => {
      if (!settings.isJson) process.stdout.write(`${program.name}: ${words}\n`);
    },
  });
  const result: Result = { name: program.name, version: versionOf(program) };
  if (runs > 0) {
    result.record = await recordAndReplay(plan(`--runs ${runs} --kills 0`), runs);
  }
  if (kills > 0) result.pair = await pairAndKill(plan(`--runs 0 --kills ${kills}`), kills);
  if (turns > 0 && program.hasOverhead !== false) {
    result.overhead = await measureOverhead(plan(`--runs 0 --kills 0 --turns ${turns}`), turns);
  }
  return result;
}

const isGood = ({ record, pair }: Result): boolean =>
  (!record || record.good === record.runs) && (!pair || pair.good === pair.kills);

async function writePage(): Promise<void> {
  writeFileSync(pagePath, document(await allPrograms(), readResults()));
}

async function runAll(settings: Settings): Promise<number> {
  const evidence = mkdtempSync(join(tmpdir(), 'hotswap-compat-'));
  const signal = interruption();
  const results: Result[] = [];
  install(settings.programs);
  const bed = await Bed.create();
  try {
    for (const program of settings.programs) {
      const logDir = join(evidence, program.name);
      const result = await runProgram(bed, program, settings, logDir, signal);
      results.push(result);
      if (settings.isSaved) saveResult(result);
      if (isGood(result) && !settings.isKept) rmSync(logDir, { recursive: true, force: true });
      else process.stderr.write(`${program.name}: its logs are in ${logDir}\n`);
    }
  } finally {
    await bed.close();
    if (results.every(isGood) && !settings.isKept) rmSync(evidence, { recursive: true });
  }
  if (settings.isSaved) await writePage();
  const failed = results.filter((result) => !isGood(result)).map(({ name }) => name);
  const { seed } = settings;
  const sum = { programs: results.length, failed, seed, ...(settings.isJson ? { results } : {}) };
  process.stdout.write(`${JSON.stringify(sum)}\n`);
  return failed.length === 0 ? 0 : 1;
}

async function main(): Promise<number> {
  const values = readOptions();
  if (values.help) {
    process.stdout.write(`${help}\n`);
    return 0;
  }
  const settings = await settingsOf(values);
  if (values.list) {
    for (const { name, what } of settings.programs) process.stdout.write(`${name}: ${what}\n`);
    return 0;
  }
  if (!values.page) return await runAll(settings);
  await writePage();
  return 0;
}

main().then(
  (status) => process.exit(status),
  (error: unknown) => {
    process.stderr.write(`compat: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(exitCodeOf(error));
  },
);
