/* run-tests.ts: what `npm test` runs: each test file in a process group of its own, one after
 * the other, each with a bound. Usage: run-tests.ts [FILTER...]; a filter is a part of a file's
 * path under test/ (`unit/config`), or a folder and the name of tests in it (`calls/getpid`).
 * The rule: nothing passes by not running: see test-process.ts for what a file is held to. The
 * last line is always `N passed, N failed` (plus `, N skipped`). */
import { readFileSync, readdirSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runTestFile, type FileResult } from './test-process.js';

const root = resolve(fileURLToPath(new URL('..', import.meta.url)));
const testRoot = join(root, 'test');

interface Selection {
  files: string[];
  /** Only tests whose name contains this; given to the test files as TEST_ONLY. */
  only?: string;
}

/** The test files that the filters mean. */
export function select(all: string[], filters: string[]): Selection {
  if (filters.length === 0) return { files: all };
  const files = new Set(filters.flatMap((part) => all.filter((file) => file.includes(part))));
  if (files.size > 0) return { files: all.filter((file) => files.has(file)) };
  const [folder = '', ...rest] = (filters[0] ?? '').split('/');
  const inFolder = all.filter((file) => file.startsWith(`${folder}/`));
  return rest.length > 0 ? { files: inFolder, only: rest.join('/') } : { files: [] };
}

function listTests(): string[] {
  return readdirSync(testRoot, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts') && !file.includes('node_modules'))
    .sort();
}

/** The lines that sum up a run; the last of them is the contract. */
export function summarize(results: FileResult[]): string[] {
  const sum = (count: (result: FileResult) => number): number =>
    results.reduce((total, result) => total + count(result), 0);
  const lines: string[] = [];
  for (const result of results) {
    for (const fault of result.faults) lines.push(`FAILED ${result.file}: ${fault}`);
  }
  const skipped = sum((result) => result.skipped);
  lines.push(
    `${sum((result) => result.passed)} passed, ${sum((result) => result.failed)} failed` +
      (skipped > 0 ? `, ${skipped} skipped` : ''),
  );
  return lines;
}

async function main(): Promise<void> {
  const filters = process.argv.slice(2).map((f) => f.replace(/^(\.\/)?test\//, ''));
  const selection = select(listTests(), filters);
  // Only suites of test/support heed TEST_ONLY: other files would run in full.
  const heeds = (file: string): boolean =>
    /TEST_ONLY|support\/suite/.test(readFileSync(join(testRoot, file), 'utf8'));
  if (selection.only !== undefined) selection.files = selection.files.filter(heeds);
  const interrupted = new AbortController();
  let signal: NodeJS.Signals | undefined;
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      signal = name;
      interrupted.abort();
    });
  }

  const results: FileResult[] = [];
  for (const [index, file] of selection.files.entries()) {
    if (interrupted.signal.aborted) break;
    console.log(`\n== ${file} (${index + 1} of ${selection.files.length})`);
    results.push(await runTestFile({
      path: join(testRoot, file),
      file: relative(root, join(testRoot, file)),
      only: selection.only,
      signal: interrupted.signal,
    }));
  }

  const ran = results.reduce((total, result) => total + result.passed + result.failed, 0);
  if (ran === 0 && signal === undefined) {
    results.push({
      file: filters.join(' ') || 'test/', passed: 0, failed: 1, skipped: 0,
      faults: ['no test matches'],
    });
  }
  process.stdout.write('\n');
  for (const line of summarize(results)) console.log(line);
  if (signal !== undefined) process.exitCode = 130;
  else process.exitCode = results.some((result) => result.failed > 0) ? 1 : 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
