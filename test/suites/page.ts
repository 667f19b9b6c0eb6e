/* page.ts: docs/suites.md, made from the committed results.
 * The rule: every figure on the page is counted from results/; nothing is written by hand. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { causeOf } from './causes.js';
import { groupsOf, readResults, type Group } from './results.js';
import { suites } from './suites.js';
import type { Trial } from './trial.js';

export const pageFile = fileURLToPath(new URL('../../docs/suites.md', import.meta.url));

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

/** The page as the committed results have it. */
export function pageText(): string {
  const known = suites.flatMap((suite) => {
    const results = readResults(suite.name);
    return results ? [{ ...results, suite }] : [];
  });
  const rows = known.map(({ suite, version, programs, trials }) => {
    const count = (outcome: string): number =>
      trials.filter((trial) => trial.outcome === outcome).length;
    return `| [${suite.title}](${suite.url}) | ${version} | ${programs} | ${trials.length} | ` +
      `${count('skip')} | ${count('pass')} | ${count('fail')} |`;
  });
  const parts = known.flatMap(({ suite, trials }) => [
    `## ${suite.title}`, '',
    ...table('fails', failures(suite.name, trials)),
    ...table('skipped', groupsOf(trials, 'skip')),
  ]);
  return [
    '# Public test suites', '',
    '<!-- Written by test/suites/page.ts; do not edit. -->', '',
    'Programs that other projects wrote to test the system calls of Linux, run native, recorded',
    'and replayed. *Passes*: the recorded run ends and prints as the native one, and the replay',
    'comes to the end of the log without a divergence and with equal memory. *Skipped*: it cannot',
    'be built here, or it does not succeed natively in the namespaces it is run in.', '',
    '| suite | version | has | run | skipped | pass | fail |',
    '|---|---|---|---|---|---|---|',
    ...rows, '',
    'Again with `npm run suites -- --suite NAME --from DIR --save`, where DIR is a copy of the',
    "upstream project's repository (`git clone` of its address above); its programs are built in",
    "the user's cache directory, and nothing of it is part of this repository. A suite of which",
    '*run* is less than *has* was run in part.', '',
    ...parts,
  ].join('\n');
}

/** By cause; where none is known, by what was seen. */
function failures(suite: string, trials: readonly Trial[]): Group[] {
  return groupsOf(trials, 'fail', (name) => causeOf(suite, name)).map(({ reason, names }) => {
    const isKnown = names.every((name) => causeOf(suite, name) !== undefined);
    return { reason: isKnown ? reason : `not followed yet: ${reason}`, names };
  });
}

function table(what: string, groups: readonly Group[]): string[] {
  if (groups.length === 0) return [];
  return [
    `| ${what} | programs | which |`, '|---|---|---|',
    ...groups.map(({ reason, names }) =>
      `| ${cell(reason)} | ${names.length} | ${cell(names.join(' '))} |`), '',
  ];
}

export function writePage(): void {
  writeFileSync(pageFile, pageText());
}
