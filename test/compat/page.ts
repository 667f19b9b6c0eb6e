/* page.ts: docs/COMPATIBILITY.md from the list of programs and what results/ holds of each.
 * The rule: the page says nothing that neither a program's row nor a result says. */
import { fileURLToPath } from 'node:url';
import type { Program } from './program.js';
import type { PairPart, RecordPart, Result } from './results.js';

export const pagePath = fileURLToPath(new URL('../../docs/COMPATIBILITY.md', import.meta.url));

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
const row = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;
const many = (count: number): string => count.toLocaleString('en-US');

function recordCell(part: RecordPart | undefined): string {
  if (!part) return 'not run';
  const what = `${many(part.records)} records of ${many(part.exchanges)} exchanges`;
  return `${part.good} of ${part.runs} equal; ${what}`;
}

function pairCell(part: PairPart | undefined): string {
  if (!part) return 'not run';
  const pause = part.pauseMs ? `; pause at most ${Math.round(part.pauseMs.max)} ms` : '';
  return `${part.good} of ${part.kills} kills; ${part.clients - part.lost} of ${part.clients} `
    + `connections kept${pause}`;
}

function lossCell(part: PairPart | undefined): string {
  if (!part) return '';
  const writes = part.acknowledged > 0
    ? `${many(part.acknowledgedLost)} of ${many(part.acknowledged)} writes lost` : '';
  return [`${part.resets} resets`, `${part.wrong} wrong replies`, writes]
    .filter(Boolean).join(', ');
}

function missing(program: Program, result: Result | undefined): string[] {
  const unaccepted = result?.pair && result.pair.unaccepted > 0
    ? [`${result.pair.unaccepted} visitors were refused before they were accepted`] : [];
  const failed = [...(result?.record?.faults ?? []), ...(result?.pair?.faults ?? [])];
  return [...(program.limits ?? []), ...unaccepted, ...failed];
}

function commands(result: Result): string[] {
  return [...new Set([result.record, result.pair, result.overhead]
    .flatMap((part) => (part ? [part.command] : [])))];
}

/** The whole page. */
export function document(programs: readonly Program[], results: readonly Result[]): string {
  const resultOf = new Map(results.map((result) => [result.name, result]));
  const head = ['program', 'version', 'record → replay', `pair, commit \`logged\``,
    'lost at the client', 'native ÷ recorded rate', 'missing'];
  const lines = programs.map((program) => {
    const result = resultOf.get(program.name);
    const gaps = missing(program, result);
    return row([
      `[${program.name}](#${program.name})`, result?.version ?? '', recordCell(result?.record),
      pairCell(result?.pair), lossCell(result?.pair),
      result?.overhead ? result.overhead.ratio.toFixed(2) : '',
      gaps.length > 0 ? `${gaps.length}, below` : 'nothing known',
    ]);
  });
  const sections = programs.flatMap((program) => {
    const result = resultOf.get(program.name);
    const made = result ? commands(result).map((command) => `\`${command}\``).join(', ') : '';
    return [
      `### ${program.name}`, '', program.what, '',
      ...(program.first ? [`At first sight: ${program.first}`, ''] : []),
      ...(made ? [`Figures: ${made}.`, ''] : []),
      ...missing(program, result).flatMap((words) => [`- ${words}`]),
      ...(missing(program, result).length > 0 ? [''] : []),
    ];
  });
  return [
    '# Which programs were tried', '',
    '<!-- Written by npm run compat from test/compat/; do not edit. -->', '',
    'Each program ran unmodified, under a load whose client verifies every byte of every reply.',
    '*Record → replay*: recorded under load, then run again from its log alone; equal: no',
    'divergence, every record replayed, all writable memory the same. *Pair*: as a primary and a',
    'backup on two hosts of the test bed, the primary\'s host losing its power at a moment of the',
    'load that the seed chose; the clients went on for some seconds and every confirmed write was',
    'then asked for. Kept: the very same connections, TLS sessions too. The last rate is of turns,',
    'native and recorded, with the client on the same two cores: an impression.', '',
    'Again with `npm run compat -- --program NAME`; `-- --help` has the rest.', '',
    row(head), row(head.map(() => '---')).replaceAll(' ', ''), ...lines, '',
    '## Each of them', '', ...sections,
  ].join('\n').replace(/\n+$/, '\n');
}
