/* fuzz.ts: `npm run fuzz:races -- --runs N`: programs with planted data races, each recorded and
 * replayed N times. Whatever came out of a race must come out of it again, or be told as a
 * divergence. With `--write` the rates go to docs/races.md. The rule: every run of every program
 * is counted, under what it was: equal, diverged, or failed. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { UserError } from '../../src/errors.js';
import { Lanes } from '../support/lanes.js';
import { Progress } from '../support/progress.js';
import { build, programs, type RaceProgram } from './programs.js';

interface Row {
  program: RaceProgram;
  equal: number;
  diverged: number;
  failed: number;
}

const page = fileURLToPath(new URL('../../docs/races.md', import.meta.url));

function document(rows: readonly Row[]): string {
  return [
    '# Data races, repeated',
    '',
    '<!-- Written by `npm run fuzz:races -- --runs N --write`; do not edit. -->',
    '',
    'Programs with planted data races and lock-free structures, recorded and replayed. *equal*:',
    'the same calls with the same arguments, the same output, the same memory at the end.',
    '',
    '| program | what it is | runs | equal | diverged, told so | failed |',
    '|---|---|---|---|---|---|',
    ...rows.map(({ program, equal, diverged, failed }) =>
      `| ${program.name} | ${program.what} | ${equal + diverged + failed} | ${equal} | ` +
      `${diverged} | ${failed} |`),
    '',
  ].join('\n');
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { runs: { type: 'string' }, only: { type: 'string' }, write: { type: 'boolean' } },
  });
  const runs = Number(values.runs ?? '5');
  if (!Number.isInteger(runs) || runs < 1) throw new UserError('--runs wants a whole number');
  const chosen = programs().filter(({ name }) => !values.only || name === values.only);
  await build();
  const rows = chosen.map((program): Row => ({ program, equal: 0, diverged: 0, failed: 0 }));
  const jobs = rows.flatMap((row) =>
    Array.from({ length: runs }, () => ({ row, command: [row.program.path] })));
  const progress = new Progress(jobs.length);
  const lanes = new Lanes(2);
  let done = 0;
  let bad = 0;
  try {
    await lanes.runAll(jobs, ({ row }, { kind, what }) => {
      if (kind === 'equal') row.equal++;
      else if (kind === 'divergence') row.diverged++;
      else row.failed++;
      if (kind !== 'equal') {
        bad++;
        progress.say(`${row.program.name}: ${kind}: ${what}`);
      }
      progress.step(++done, bad);
    });
  } finally {
    await lanes.close();
  }
  progress.end();
  if (values.write) writeFileSync(page, document(rows));
  console.log(JSON.stringify({ programs: rows.length, runs: done, notEqual: bad }));
  process.exitCode = bad > 0 ? 1 : 0;
}

await main().catch((error: unknown) => {
  if (!(error instanceof UserError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
});
