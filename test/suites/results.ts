/* results.ts: what came out of a suite, as it is committed: results/SUITE.json. A run of a part
 * replaces the trials of that part and keeps the others.
 * The rule: what is written is what was seen; a place of the machine that ran it is cut out. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { Trial } from './trial.js';

export const resultsFolder = fileURLToPath(new URL('./results', import.meta.url));

const trialSchema = z.object({
  name: z.string(),
  outcome: z.enum(['pass', 'fail', 'skip']),
  reason: z.string().optional(),
  detail: z.string().optional(),
  records: z.number().optional(),
});

const resultsSchema = z.object({
  suite: z.string(),
  /** The upstream commit. */
  version: z.string(),
  /** How many programs it has; fewer of them may have been run. */
  programs: z.number(),
  trials: z.array(trialSchema),
});

export type Results = z.infer<typeof resultsSchema>;

export const resultsFile = (suite: string): string => join(resultsFolder, `${suite}.json`);

export function readResults(suite: string): Results | undefined {
  const file = resultsFile(suite);
  if (!existsSync(file)) return undefined;
  return resultsSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
}

/** Puts the trials of this run into the suite's file; those of another version go. */
export function mergeResults(
  suite: string, version: string, programs: number, trials: readonly Trial[],
): void {
  const before = readResults(suite);
  const kept = before?.version === version ? before.trials : [];
  const all = new Map([...kept, ...trials].map((trial) => [trial.name, trial]));
  const sorted = [...all.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  mkdirSync(dirname(resultsFile(suite)), { recursive: true });
  const lines = sorted.map((trial) => JSON.stringify(committed(trial)));
  writeFileSync(resultsFile(suite), `{"suite": ${JSON.stringify(suite)}, ` +
    `"version": ${JSON.stringify(version)}, "programs": ${programs}, ` +
    `"trials": [\n${lines.join(',\n')}\n]}\n`);
}

/** Only what failed needs its detail, and that without places. */
function committed({ name, outcome, reason, detail }: Trial): Trial {
  if (outcome === 'pass') return { name, outcome };
  if (outcome === 'skip' || detail === undefined) return { name, outcome, reason };
  const lines = detail.split('\n');
  const telling = lines.filter((line) => /TFAIL|TBROK|TCONF/.test(line)).slice(0, 2);
  const kept = telling.length ? telling.join(' ') : detail;
  const clean = kept.replace(/\/(?:[\w.+@-]+\/)+/g, '').replace(/[^\x20-\x7e]+/g, ' ');
  return { name, outcome, reason, detail: clean.slice(0, 240) };
}

export interface Group {
  reason: string;
  names: string[];
}

/** Trials of one outcome by their reason, or by what `cause` knows; largest group first. */
export function groupsOf(
  trials: readonly Trial[], outcome: Trial['outcome'],
  cause: (name: string) => string | undefined = () => undefined,
): Group[] {
  const groups = new Map<string, string[]>();
  for (const { name, reason = '' } of trials.filter((trial) => trial.outcome === outcome)) {
    const why = cause(name) ?? reason;
    groups.set(why, [...groups.get(why) ?? [], name]);
  }
  return [...groups].map(([reason, names]) => ({ reason, names }))
    .sort((a, b) => b.names.length - a.names.length || (a.reason < b.reason ? -1 : 1));
}
