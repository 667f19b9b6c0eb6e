// verdicts.ts: the truth table of hs-trace: each subject of test/verdicts/ is watched, recorded and
// replayed; docs/verdicts.md says what came out. `npm run verdicts` writes it; with names, only
// these subjects are run and nothing is written. Takes some minutes.
// The rule: the page holds what happened in this run, and a false verdict makes the run fail.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { judgeSubject, type Row } from '../test/verdicts/run.js';
import { buildPrograms, subjects } from '../test/verdicts/subjects.js';

const page = fileURLToPath(new URL('../docs/verdicts.md', import.meta.url));

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

function line({ name, what, verdict, because, holds, outcome, judgement }: Row): string {
  const why = because.length === 0 ? verdict : `${verdict}: ${because.join('; ')}`;
  const cells = [name, what, why, `${holds ? 'yes' : 'no'}: ${outcome}`, judgement];
  return `| ${cells.map(cell).join(' | ')} |`;
}

function document(rows: readonly Row[]): string {
  const count = (judgement: Row['judgement']): number =>
    rows.filter((row) => row.judgement === judgement).length;
  return [
    '# Is the verdict of hs-trace true?',
    '',
    '<!-- Written by tools/verdicts.ts; do not edit. -->',
    '',
    'Each subject was run native, watched by `hs-trace`, recorded and replayed. It *holds* when',
    'the recorded run ended as the native one, and the replay came to the end of the log without',
    'a divergence and with equal memory. *careful*: it holds, although `hs-trace` says that it',
    'would not; *FALSE*: the other way round. What a run does not do, no verdict can know.',
    '',
    `${rows.length} subjects: ${count('right')} right, ${count('careful')} careful, ` +
      `${count('FALSE')} false. Again with \`npm run verdicts\`.`,
    '',
    '| subject | what it is | hs-trace says | it holds | so the verdict is |',
    '|---|---|---|---|---|',
    ...rows.map(line),
    '',
  ].join('\n');
}

async function main(): Promise<void> {
  const wanted = process.argv.slice(2);
  const chosen = subjects.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
  await buildPrograms();
  const rows: Row[] = [];
  for (const subject of chosen) {
    const row = await judgeSubject(subject);
    rows.push(row);
    console.log(line(row));
  }
  if (wanted.length === 0) writeFileSync(page, document(rows));
  const isFalse = rows.some(({ judgement }) => judgement === 'FALSE');
  console.log(`${rows.length} subjects${isFalse ? ', some verdicts are FALSE' : ''}`);
  process.exitCode = isFalse ? 1 : 0;
}

await main();
