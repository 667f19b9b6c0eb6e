/* main.ts: `npm run sight`: commands that nobody had in mind, each recorded and replayed once.
 * The rule: equal means that every record was replayed and all writable memory is the same. */
import { rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { install } from '../compat/hosts.js';
import { Lanes, type Verdict } from '../support/lanes.js';
import { Progress } from '../support/progress.js';
import { sights, type Sight } from './programs.js';

const help = `Usage: npm run sight -- [options]
  --only TEXT   those whose command contains it
  --save        write docs/first-sight.md (all of them)`;
const page = fileURLToPath(new URL('../../docs/first-sight.md', import.meta.url));
const boundMs = 180_000;
const built = '/tmp/hotswap-sight';

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ');
const shortened = (text: string): string => (text.length > 110 ? `${text.slice(0, 107)}...` : text);

function row({ command, first }: Sight, { kind, what }: Verdict): string {
  const now = kind === 'equal' ? 'equal' : `${kind}: ${cell(shortened(what))}`;
  return `| \`${cell(shortened(command))}\` | ${first ?? 'equal'} | ${now} |`;
}

function document(rows: readonly string[]): string {
  return [
    '# Programs at first sight', '',
    '<!-- Written by npm run sight -- --save; do not edit. -->', '',
    'Commands of Debian that nobody had in mind when the shim was written, each recorded and',
    'replayed from its log: equal means that no call, output or byte of writable memory differs.',
    'What did not work when it was first tried stays in the table, with what was missing.', '',
    '| command | when it was first tried | now |', '|---|---|---|', ...rows, '',
  ].join('\n');
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { only: { type: 'string' }, save: { type: 'boolean' }, help: { type: 'boolean' } },
  });
  if (values.help) {
    console.log(help);
    return;
  }
  const chosen = sights.filter(({ command }) => command.includes(values.only ?? ''));
  install(chosen);
  const rows: string[] = [];
  const progress = new Progress(chosen.length);
  const lanes = new Lanes(1, boundMs);
  let failures = 0;
  const jobs = chosen.map((each) => ({ each, command: ['/bin/bash', '-c', each.command] }));
  try {
    await lanes.runAll(jobs, ({ each }, verdict) => {
      rows.push(row(each, verdict));
      if (verdict.kind !== 'equal') {
        failures++;
        progress.say(`${shortened(each.command)}: ${verdict.kind}: ${verdict.what}`);
      }
      progress.step(rows.length, failures);
    });
  } finally {
    await lanes.close();
    rmSync(built, { force: true });
  }
  progress.end();
  if (values.save && chosen.length === sights.length) writeFileSync(page, document(rows));
  const equal = chosen.length - failures;
  console.log(JSON.stringify({ commands: chosen.length, equal, failures }));
  process.exitCode = failures > 0 ? 1 : 0;
}

await main();
