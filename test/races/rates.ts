/* rates.ts: what came out of runs of the programs with planted races: kept per schedule, added up
 * over any number of runs, in results/SCHEDULE.json; docs/races.md is written from that.
 * The rule: every run of every program is counted, under what it was: equal, diverged or failed. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { Kind, Schedule } from '../support/lanes.js';
import type { RaceProgram } from './programs.js';

export const schedules = ['serial', 'parallel'] as const satisfies readonly Schedule[];

const count = z.number().int().min(0);
const rate = z.strictObject({ equal: count, diverged: count, failed: count });
const ratesSchema = z.record(z.string(), rate);
export type Rate = z.output<typeof rate>;
export type Rates = z.output<typeof ratesSchema>;

const page = fileURLToPath(new URL('../../docs/races.md', import.meta.url));
const fileOf = (schedule: Schedule): string =>
  fileURLToPath(new URL(`results/${schedule}.json`, import.meta.url));

/** Of no program anything when there is no file. */
export function readRates(schedule: Schedule): Rates {
  let text: string;
  try {
    text = readFileSync(fileOf(schedule), 'utf8');
  } catch {
    return {};
  }
  return ratesSchema.parse(JSON.parse(text));
}

/**
 * Counts one run. A difference that a replay reports is a divergence, be it at a call or in the
 * memory at the end; anything else that is not equal has failed.
 */
export function note(rates: Rates, { name }: RaceProgram, kind: Kind): void {
  const row = rates[name] ??= { equal: 0, diverged: 0, failed: 0 };
  if (kind === 'equal') row.equal++;
  else if (kind === 'divergence' || kind === 'memory') row.diverged++;
  else row.failed++;
}

/** What is kept already and this. */
export function addRates(a: Rates, b: Rates): Rates {
  const sum: Rates = structuredClone(a);
  for (const [name, { equal, diverged, failed }] of Object.entries(b)) {
    const row = sum[name] ??= { equal: 0, diverged: 0, failed: 0 };
    row.equal += equal;
    row.diverged += diverged;
    row.failed += failed;
  }
  return sum;
}

export function saveRates(schedule: Schedule, rates: Rates): void {
  const names = Object.keys(rates).sort();
  const sorted = Object.fromEntries(names.map((name) => [name, rates[name]]));
  mkdirSync(dirname(fileOf(schedule)), { recursive: true });
  writeFileSync(fileOf(schedule), `${JSON.stringify(sorted, null, 2)}\n`);
}

const cells = (row: Rate | undefined): string[] =>
  row === undefined ? ['', '', '', '']
    : [row.equal + row.diverged + row.failed, row.equal, row.diverged, row.failed].map(String);

export function pageOf(programs: readonly RaceProgram[], all: Record<Schedule, Rates>): string {
  const line = (words: readonly string[]): string => `| ${words.join(' | ')} |`;
  const head = ['program', 'what it is',
    ...schedules.flatMap((name) => [`${name}: runs`, 'equal', 'diverged, told so', 'failed'])];
  return [
    '# Data races, repeated',
    '',
    '<!-- Written by `npm run fuzz:races -- --write` from test/races/results/; do not edit. -->',
    '',
    'Programs with planted data races and lock-free structures, recorded and replayed. *Equal*:',
    'the same calls with the same arguments, the same output, the same memory at the end.',
    '*Diverged*: the replay said so. *Failed*: it neither came to its end nor said why, or a',
    'difference would have stayed unseen.',
    '',
    'With `--schedule serial` all of them have to be equal. `--schedule parallel` is not for them:',
    'none shares by locks alone. What is shown there is that a race never passes unseen.',
    '',
    line(head),
    line(head.map(() => '---')),
    ...programs.map((program) => line([program.name, program.what,
      ...schedules.flatMap((schedule) => cells(all[schedule][program.name]))])),
    '',
  ].join('\n');
}

export function writePage(programs: readonly RaceProgram[]): void {
  const all = { serial: readRates('serial'), parallel: readRates('parallel') };
  writeFileSync(page, pageOf(programs, all));
}
