/* main.ts: `npm run suites`: programs of a public suite, native, recorded and replayed, one at a
 * time. Prints counts and the groups of what fails. With --save the results are committed ones
 * (results/SUITE.json) and docs/suites.md is written from them.
 * The rule: the suite's own code stays in the cache directory, outside of the repository. */
import { mkdtempSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { writePage } from './page.js';
import { groupsOf, mergeResults, readResults } from './results.js';
import { exportSource, type SuiteProgram } from './suite.js';
import { suites } from './suites.js';
import { Trials, type Trial } from './trial.js';

const usage = `npm run suites -- --suite NAME --from DIR [options]

  --suite NAME    ${suites.map(({ name }) => name).join(', ')}
  --from DIR      a checkout, git directory or unpacked archive of the upstream project
  --filter TEXT   only programs with that in their name; several separated by commas
  --part I/N      only each Nth program, beginning with the Ith
  --missing       only programs that have no result yet, of this version of the suite
  --again         only programs that failed
  --bound S       seconds that a recorded or replayed run may take (default 60); a native one
                  a sixth of it
  --cache DIR     where sources are built (default: the user's cache directory)
  --save          write results/NAME.json and docs/suites.md
  --page          write docs/suites.md from the committed results, and run nothing
  --json          one line of JSON per program instead of text`;

const { values } = parseArgs({
  options: {
    suite: { type: 'string' }, from: { type: 'string' }, filter: { type: 'string' },
    part: { type: 'string' }, missing: { type: 'boolean' }, again: { type: 'boolean' },
    bound: { type: 'string', default: '60' },
    cache: { type: 'string' }, save: { type: 'boolean' }, page: { type: 'boolean' },
    json: { type: 'boolean' }, help: { type: 'boolean' },
  },
});

class UsageError extends Error {}

function chosen(programs: SuiteProgram[], known: readonly Trial[]): SuiteProgram[] {
  const outcomes = new Map(known.map(({ name, outcome }) => [name, outcome]));
  const wanted = values.filter?.split(',');
  const [, index = '1', count = '1'] = /^(\d+)\/(\d+)$/.exec(values.part ?? '1/1') ?? [];
  return programs
    .filter(({ name }) => !wanted || wanted.some((text) => name.includes(text)))
    .filter(({ name }) => !values.missing || !outcomes.has(name))
    .filter(({ name }) => !values.again || outcomes.get(name) === 'fail')
    .filter((_, at) => at % Number(count) === Number(index) - 1);
}

/** One line that is written over on a terminal; every 25 programs a line elsewhere. */
function progress(done: number, all: number, trials: readonly Trial[], name: string): void {
  const count = (outcome: Trial['outcome']): number =>
    trials.filter((trial) => trial.outcome === outcome).length;
  const width = 24;
  const filled = Math.round(width * done / Math.max(all, 1));
  const line = `[${'#'.repeat(filled)}${'.'.repeat(width - filled)}] ${done}/${all} ` +
    `${count('pass')} pass, ${count('fail')} fail, ${count('skip')} skipped ${name}`;
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line.slice(0, 99)}`);
  else if (done % 25 === 0) process.stderr.write(`${line}\n`);
}

function show(trial: Trial): void {
  if (values.json) return console.log(JSON.stringify(trial));
  if (trial.outcome !== 'fail') return;
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  console.log(`${trial.name}: ${trial.reason}\n    ${trial.detail?.replaceAll('\n', '\n    ')}`);
}

function summary(trials: readonly Trial[]): string {
  const lines: string[] = [];
  for (const outcome of ['skip', 'fail'] as const) {
    for (const { reason, names } of groupsOf(trials, outcome)) {
      const few = names.slice(0, 6).join(' ');
      lines.push(`${outcome} ${String(names.length).padStart(4)}  ${reason}: ${few}` +
        (names.length > 6 ? ' ...' : ''));
    }
  }
  const counts = (['pass', 'fail', 'skip'] as const)
    .map((outcome) => trials.filter((trial) => trial.outcome === outcome).length);
  return [...lines, `${counts[0]} passed, ${counts[1]} failed, ${counts[2]} skipped`].join('\n');
}

async function main(signal: AbortSignal): Promise<number> {
  if (values.help) return console.log(usage), 0;
  if (values.page) return writePage(), 0;
  const suite = suites.find(({ name }) => name === values.suite);
  if (!suite || values.from === undefined) throw new UsageError(usage);
  const cache = values.cache ??
    join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'hotswap-suites');
  const { tree, version } = await exportSource(suite, resolve(values.from), resolve(cache));
  const before = readResults(suite.name);
  const known = before?.version === version ? before.trials : [];
  const all = await suite.programs(tree);
  const programs = chosen(all, known);
  const place = mkdtempSync(join(tmpdir(), 'hs-suite-'));
  const recordedMs = Number(values.bound) * 1000;
  const runner = new Trials(place, { nativeMs: recordedMs / 6, recordedMs }, signal);
  const trials: Trial[] = [];
  try {
    for (const program of programs) {
      progress(trials.length, programs.length, trials, program.name);
      const trial = await runner.run(program);
      trials.push(trial);
      show(trial);
    }
  } finally {
    rmSync(place, { recursive: true, force: true });
    if (values.save) mergeResults(suite.name, version, all.length, trials);
  }
  if (values.save) writePage();
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  if (!values.json) console.log(summary(trials));
  return trials.some(({ outcome }) => outcome === 'fail') ? 1 : 0;
}

const abort = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(name, () => abort.abort(new Error(`ended by ${name}`)));
}
try {
  process.exitCode = await main(abort.signal);
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
