/* terminal.ts: the report on a terminal: verdict first, then the sources, a few lines each, then
 * what the watching itself cost. 80 columns unless there are more; colour only where asked.
 * The rule: short. Who wants everything asks for --json or --html. */
import { createColors } from 'picocolors';
import type { CallStats } from '../observation.js';
import type { Cause, Finding, Report, Source } from '../report.js';
import { account, duration, extent, number, place, subject } from './words.js';

export interface TerminalOptions {
  columns?: number;
  isColor?: boolean;
}

type Colors = ReturnType<typeof createColors>;

const causesShown = 4;
const callsShown = 8;
const narrowest = 48;
const widest = 100;

/** The report as text that ends with a new line. */
export function renderTerminal(report: Report, options: TerminalOptions = {}): string {
  const width = Math.min(Math.max(options.columns ?? 80, narrowest), widest);
  const colors = createColors(options.isColor ?? false);
  const lines = [
    `${colors.bold(cut(subject(report.observation), width))}`,
    colors.dim(cut(extent(report.observation), width)),
    '',
    ...verdictLines(report, width, colors),
    '',
    ...report.sources.flatMap((source) => sourceLines(source, width, colors)),
    ...slowestLines(report.observation.calls, width, colors),
    ...noteLines(report.findings, width, colors),
    ...wrap(account(report.observation), width).map(colors.dim),
  ];
  return `${lines.join('\n')}\n`;
}

function verdictLines({ verdict, findings }: Report, width: number, colors: Colors): string[] {
  const paint = verdict === 'replicable' ? colors.green
    : verdict === 'not replicable' ? colors.red : colors.yellow;
  const decisive = verdict === 'not replicable' ? 'prevents' : 'serial';
  const reasons = findings.filter(({ effect }) => effect === decisive);
  const head = paint(colors.bold(verdict.toUpperCase().replace('--SCHEDULE SERIAL',
    '--schedule serial')));
  if (reasons.length === 0) return [head];
  return [
    `${head} because`,
    ...reasons.flatMap(({ because, change }) => [
      ...bullet('-', because, width),
      ...change === null ? [] : bullet('  >', change, width).map(colors.cyan),
    ]),
  ];
}

function sourceLines(source: Source, width: number, colors: Colors): string[] {
  const { title, count, causes } = source;
  const counted = causes.some((cause) => cause.count !== null);
  const head = columns(width, [title, counted ? number(count) : '']);
  const shown = causes.slice(0, causesShown);
  return [
    colors.bold(head),
    ...shown.map((cause) => causeLine(cause, width)),
    ...causes.length > shown.length ? [colors.dim(`  … ${causes.length - shown.length} more`)] : [],
    ...wrap(shown[0]!.how, width - 2).map((line) => colors.dim(`  ${line}`)),
    '',
  ];
}

/** Name, where it comes from, what is done about it, how often. */
function causeLine({ name, count, treatment, places }: Cause, width: number): string {
  const where = places[0] ? place(places[0]) : '';
  const done = treatment === 'none' ? '-' : treatment;
  const right = `${done.padEnd(12)}${(count === null ? 'there' : number(count)).padStart(11)}`;
  const left = `  ${cut(name, 24).padEnd(24)} ${where}`;
  return columns(width, [cut(left, width - right.length - 1), right]);
}

function slowestLines(calls: readonly CallStats[], width: number, colors: Colors): string[] {
  const timed = calls.filter(({ ns }) => ns > 0).sort((a, b) => b.ns - a.ns).slice(0, callsShown);
  if (timed.length === 0) return [];
  const row = (cells: readonly string[]): string =>
    `  ${cells[0]!.padEnd(24)}${cells.slice(1).map((cell) => cell.padStart(13)).join('')}`
      .slice(0, width);
  return [
    colors.bold('time in calls'),
    colors.dim(row(['', 'in all', 'each', 'calls', 'errors'])),
    ...timed.map(({ name, ns, count, errors }) =>
      row([cut(name, 24), duration(ns), duration(ns / count), number(count), number(errors)])),
    '',
  ];
}

function noteLines(findings: readonly Finding[], width: number, colors: Colors): string[] {
  const notes = findings.filter(({ effect }) => effect === 'note');
  if (notes.length === 0) return [];
  return [
    colors.bold('notes'),
    ...notes.flatMap(({ because }) => bullet('-', because, width)),
    '',
  ];
}

const bullet = (mark: string, text: string, width: number): string[] => {
  const indent = ' '.repeat(mark.length + 3);
  return wrap(text, width - indent.length)
    .map((line, at) => (at === 0 ? `  ${mark} ${line}` : `${indent}${line}`));
};

/** Two cells, the second at the right edge. */
function columns(width: number, [left, right]: readonly [string, string]): string {
  if (right === '') return cut(left, width);
  return `${cut(left, width - right.length - 1).padEnd(width - right.length)}${right}`;
}

const cut = (text: string, width: number): string =>
  [...text].length <= width ? text : `${[...text].slice(0, width - 1).join('')}…`;

/** Lines of at most `width` columns, broken at blanks; a longer word is cut in pieces. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const whole of text.split(/\s+/).filter((word) => word !== '')) {
    for (const word of whole.match(new RegExp(`.{1,${Math.max(width, 1)}}`, 'gu')) ?? []) {
      if (line !== '' && line.length + 1 + word.length > width) {
        lines.push(line);
        line = '';
      }
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return line === '' ? lines : [...lines, line];
}
