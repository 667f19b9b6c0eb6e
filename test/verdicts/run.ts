/* run.ts: one row of the truth table: what hs-trace says of a subject, and what record and replay
 * make of it. A subject runs four times: native, watched, recorded, replayed.
 * It holds when the recorded run ends as the native one did, and the replay comes to the log's end
 * without a divergence and with equal memory.
 * The rule: whatever goes wrong in a run is that run's result; nothing is tried again. */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Verdict } from '../../src/trace/report.js';
import { jsonReport } from '../../src/trace/show/json.js';
import { programUnder, start, until, type Ended } from './processes.js';
import { builtIn, type Prepared, type Subject } from './subjects.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const runBoundMs = 60_000;

export interface Row {
  name: string;
  what: string;
  verdict: Verdict | 'none';
  /** Why, in hs-trace's words, or why there is no verdict. */
  because: string[];
  holds: boolean;
  /** What came out of recording and replaying. */
  outcome: string;
  /** right; careful: it holds although hs-trace says no; FALSE: the other way round. */
  judgement: 'right' | 'careful' | 'FALSE';
}

function cli(name: string, ...args: string[]): string[] {
  if (existsSync(join(root, 'dist'))) {
    return [process.execPath, join(root, 'bin', `hs-${name}.js`), ...args];
  }
  const tsx = join(root, 'node_modules', 'tsx', 'dist', 'esm', 'index.mjs');
  return [process.execPath, '--import', tsx, join(root, 'src', 'cli', `${name}.ts`), ...args];
}

interface Ran extends Ended {
  /** Why the server could not be used. */
  fault?: string;
}

/** Runs a command that starts the subject; a server is used and then ended by SIGTERM. */
async function runSubject(
  command: string[], { use }: Prepared, cwd: string, isDirect: boolean,
): Promise<Ran> {
  const running = start(command, cwd, runBoundMs);
  if (!use) return running.ended;
  const program = (): number | undefined => (isDirect ? running.pid : programUnder(running.pid));
  let fault = '';
  try {
    await until('the program runs', 20_000, () => running.isOver() || program() !== undefined);
    if (!running.isOver()) await use();
  } catch (error) {
    fault = error instanceof Error ? error.message : String(error);
  }
  const pid = running.isOver() ? undefined : program();
  if (pid !== undefined) process.kill(pid, 'SIGTERM');
  const ended = await running.ended;
  return fault === '' ? ended : { ...ended, code: null, signal: null, fault };
}

/** The last line of stdout, where it is JSON. */
function lastJson({ stdout }: Ended): unknown {
  const line = stdout.trimEnd().split('\n').at(-1) ?? '';
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

const lastLine = ({ stderr, code, signal, fault }: Ran): string =>
  fault ?? (stderr.trimEnd().split('\n').at(-1) || `status ${code ?? signal}`);

/** As a shell and our commands give it. */
const statusOf = ({ code, signal }: Ran): number | null =>
  code ?? (signal === null ? null : 128 + constants.signals[signal]);

interface Outcome {
  holds: boolean;
  outcome: string;
}

async function recordAndReplay(
  prepared: Prepared, native: Ran, place: string, cwd: string,
): Promise<Outcome> {
  const log = join(place, 'log');
  const fails = (outcome: string): Outcome => ({ holds: false, outcome });
  const record = cli('replicate', 'record', '--json', '-o', log, '--', ...prepared.command);
  const recorded = await runSubject(record, prepared, cwd, false);
  if (recorded.code !== statusOf(native)) {
    return fails(`ends otherwise when recorded: ${lastLine(recorded)}`);
  }
  const replay = cli('replicate', 'replay', '--json', log);
  const replayed = await start(replay, cwd, runBoundMs).ended;
  const result = lastJson(replayed) as {
    records?: number; replayed?: number; divergence?: { call: string; expected: string } | null;
    memory?: { equal: boolean; bytes: number };
  } | undefined;
  if (result?.records === undefined) return fails(`no replay: ${lastLine(replayed)}`);
  if (result.divergence) {
    return fails(`diverges at ${result.divergence.call}`);
  }
  if (result.replayed !== result.records) {
    return fails(`replayed ${result.replayed} of ${result.records} records`);
  }
  if (!result.memory?.equal || result.memory.bytes === 0) return fails('memory differs');
  return { holds: true, outcome: `${result.records} records, memory equal` };
}

/** The places of this machine are no part of what came out. */
const withoutPaths = (text: string, folder: string): string =>
  text.replaceAll(`${folder}/`, '').replaceAll(builtIn, '');

/** One row of the table. */
export async function judgeSubject(subject: Subject): Promise<Row> {
  const place = mkdtempSync(join(tmpdir(), 'hs-verdict-'));
  try {
    const folder = join(place, 'subject');
    mkdirSync(folder);
    const prepared = await subject.prepare(folder);
    const native = await runSubject(prepared.command, prepared, folder, true);
    if (native.fault !== undefined || (!prepared.use && native.code !== 0)) {
      throw new Error(`${subject.name} does not work here: ${lastLine(native)}`);
    }
    const watch = cli('trace', '--json', '--', ...prepared.command);
    const watched = await runSubject(watch, prepared, folder, false);
    const report = jsonReport.safeParse(lastJson(watched));
    const verdict = report.success ? report.data.verdict : 'none';
    const because = (report.success ? report.data.reasons : [lastLine(watched)])
      .map((text) => withoutPaths(text, folder));
    const { holds, outcome } = await recordAndReplay(prepared, native, place, folder);
    const isYes = verdict.startsWith('replicable');
    return {
      name: subject.name, what: subject.what, verdict, because, holds,
      outcome: withoutPaths(outcome, folder),
      judgement: isYes === holds ? 'right' : holds ? 'careful' : 'FALSE',
    };
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}
