// generate.ts: writes everything that is a list of calls from the call table (src/calls/table.ts).
// `npm run generate` writes; with --check it writes nothing and fails when a file would change.
// The rule: an output holds nothing that its table does not say, so that it can be made again.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cTable } from './generate/c-table.js';
import { conformance } from './generate/conformance.js';
import { callsDocument } from './generate/document.js';
import { typescriptTable } from './generate/typescript.js';

/** Every generated file: its path from the root of the project, and what writes it. */
export const outputs: Readonly<Record<string, () => string>> = {
  'shim/core/calls.gen.h': cTable,
  'src/calls/calls.gen.ts': typescriptTable,
  'docs/CALLS.md': callsDocument,
  'test/calls/CONFORMANCE.gen.json': conformance,
};

const root = fileURLToPath(new URL('..', import.meta.url));

function current(file: string): string {
  try {
    return readFileSync(join(root, file), 'utf8');
  } catch {
    return '';
  }
}

/** Paths of the generated files that are not what the table says. */
export function stale(): string[] {
  return Object.entries(outputs)
    .filter(([file, write]) => current(file) !== write())
    .map(([file]) => file);
}

function main(): void {
  const changed = stale();
  if (process.argv.includes('--check')) {
    for (const file of changed) console.error(`stale: ${file}; run: npm run generate`);
    process.exitCode = changed.length === 0 ? 0 : 1;
    return;
  }
  for (const file of changed) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), outputs[file]!());
    console.log(`wrote ${file}`);
  }
  const total = Object.keys(outputs).length;
  console.log(`${changed.length} of ${total} generated files changed`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
