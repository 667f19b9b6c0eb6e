/* diff.ts: `hs-trace diff A B`: reads two outputs of `hs-trace --json` and says what changed.
 * The rule: a file is parsed, not trusted; what it is not is said in one sentence. */
import { readFileSync } from 'node:fs';
import { UserError, errnoOf } from '../../errors.js';
import { difference, isSame, type Change, type Difference } from '../../trace/show/diff.js';
import { jsonReport, type JsonReport } from '../../trace/show/json.js';
import { number } from '../../trace/show/words.js';
import { printJson, printLine, printTable, type CommandSpec } from '../shell.js';

const shownMost = 20;

export const diffCommand: CommandSpec = {
  usage: 'diff <before> <after>',
  summary: 'what changed between two reports of hs-trace --json',
  examples: [
    'hs-trace --json -- redis-server --port 7000 > before.json',
    'hs-trace diff before.json after.json',
  ],
  run: async ({ operands, isJson }) => {
    const [before, after] = operands.map(readReport) as [JsonReport, JsonReport];
    const found = difference(before, after);
    if (isJson) printJson(found);
    else show(found);
  },
};

/** The last line: the lines before it are the program's own output, or events. */
function readReport(file: string): JsonReport {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    const reason = errnoOf(cause);
    if (reason === undefined) throw cause;
    throw new UserError(`cannot read ${file} (${reason}): give an output of hs-trace --json`, {
      reason, cause,
    });
  }
  const last = text.trimEnd().split('\n').at(-1)!;
  let value: unknown;
  try {
    value = JSON.parse(last);
  } catch (cause) {
    throw new UserError(`${file} does not end with a line of JSON: ` +
      'give an output of hs-trace --json', { cause });
  }
  const parsed = jsonReport.safeParse(value);
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0]!;
  throw new UserError(`${file} is no report of hs-trace (${path.join('.') || 'the whole'}: ` +
    `${message}): give an output of hs-trace --json`);
}

function show(found: Difference): void {
  if (isSame(found)) {
    printLine('nothing changed but times');
    return;
  }
  const { verdict, reasons, sources, causes, calls } = found;
  if (verdict) printLine(`verdict: ${verdict.before} → ${verdict.after}`);
  for (const reason of reasons.gone) printLine(`  no longer because ${reason}`);
  for (const reason of reasons.new) printLine(`  now because ${reason}`);
  showChanges('sources', sources, number);
  showChanges('ways in', causes, number);
  showChanges('calls', calls, ({ count, errors }) =>
    errors === 0 ? number(count) : `${number(count)} (${number(errors)} failed)`);
}

function showChanges<T>(
  title: string, changes: readonly Change<T>[], words: (value: T) => string,
): void {
  if (changes.length === 0) return;
  printLine(`${title}:`);
  const cell = (value: T | null): string => (value === null ? '-' : words(value));
  printTable(changes.slice(0, shownMost).map(({ name, before, after }) =>
    [`  ${name}`, cell(before), '→', cell(after)]));
  if (changes.length > shownMost) printLine(`  … ${changes.length - shownMost} more: --json`);
}
