/* engine.ts: what is done with a program of the list: it is recorded under load and replayed; run
 * as a pair whose primary dies in the middle of the load; measured in turns, native and recorded.
 * The rule: whatever goes wrong is that run's finding, in words; nothing is tried again. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Bed } from '../../src/bed/bed.js';
import { Random } from '../../src/bed/redis-client/random.js';
import { repositoryRoot } from '../../src/bed/bed.js';
import { startSubject, type Subject, type SubjectKind } from '../../src/bed/subject.js';
import { runTrialOf } from '../../src/bed/trial.js';
import { median } from '../bench/figures.js';
import { furnish, openLoad } from './hosts.js';
import type { CompatReport } from './load.js';
import { folder, type Program } from './program.js';
import type { OverheadPart, PairPart, RecordPart } from './results.js';

export interface Plan {
  bed: Bed;
  program: Program;
  seed: number;
  /** Seconds of load when recorded; before the kill it is a part of it, after it `afterMs`. */
  seconds: number;
  afterMs: number;
  logDir: string;
  /** The command line that makes these figures. */
  command: string;
  say: (words: string) => void;
  signal: AbortSignal;
}

const endMs = 60_000;
const commit = 'logged';

const server = ({ command, startMs = 60_000 }: Program) => ({
  // The client asks until the program answers, in the program's own language.
  command, startMs, cwd: folder, isReady: () => Promise.resolve(true),
});

const wordsOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** A number of its own for each run, from which all of it follows. */
const seedOf = (first: number, index: number): number =>
  index === 0 ? first : Math.floor(new Random(first).fork(index).next() * 2 ** 31);

/** Runs the load against one subject on fresh hosts. */
async function underLoad(
  plan: Plan, kind: SubjectKind, seed: number, name: string,
): Promise<{ report: CompatReport; subject: Subject }> {
  const { bed, program, signal } = plan;
  await bed.reset();
  await furnish(bed, program);
  const logDir = join(plan.logDir, name);
  mkdirSync(logDir, { recursive: true });
  const subject = await startSubject(bed, kind, { ...server(program), logDir, signal });
  const load = await openLoad(bed, program, seed).catch((error: unknown) => {
    throw new Error(subject.unexpectedEnd() ?? wordsOf(error));
  });
  load.start();
  await Promise.race([delay(plan.seconds * 1000, undefined, { signal }), load.ended]);
  const report = await load.stop();
  return { report, subject };
}

interface Replayed {
  records?: number;
  replayed?: number;
  divergence?: { call: string; expected: string; got: string; record: number } | null;
  memory?: { equal: boolean; bytes: number };
}

interface Recorded {
  records?: number;
  processes?: number;
  threads?: number;
}

/** What `--json` printed: the last line of it that is an object. */
function lastJson<T>(text: string): T | undefined {
  for (const line of text.trimEnd().split('\n').reverse()) {
    try {
      const value: unknown = JSON.parse(line);
      if (typeof value === 'object' && value !== null && 'records' in value) return value as T;
    } catch {
      // a line of the program's
    }
  }
  return undefined;
}

/** Replays the log that is on the primary. Returns what is wrong, or nothing. */
async function replayFault(plan: Plan): Promise<string | undefined> {
  const command = [process.execPath, join(repositoryRoot(), 'bin/hs-replicate.js'), 'replay',
    '--json', '/tmp/record'];
  // Its status is not zero at a divergence: the output is wanted all the same.
  const script = `"$@" 2>/tmp/replay.err; echo; tail -n 3 /tmp/replay.err | tr '\\n' ' '`;
  const output = await plan.bed.run('primary', ['sh', '-c', script, 'sh', ...command],
    { cwd: folder });
  const result = lastJson<Replayed>(output);
  if (!result) return `no replay: ${output.trim().slice(-400)}`;
  if (result.divergence) return `diverges: ${JSON.stringify(result.divergence)}`;
  if (result.replayed !== result.records) {
    return `replayed ${result.replayed} of ${result.records} records`;
  }
  if (!result.memory?.equal || result.memory.bytes === 0) return 'memory differs';
  return undefined;
}

export function clientFaults(report: CompatReport): string[] {
  const { losses, mismatches, writes } = report;
  return [
    ...losses, ...mismatches,
    ...(writes.lost > 0 ? [`${writes.lost} acknowledged writes lost`] : []),
    ...(report.ok || losses.length + mismatches.length + writes.lost > 0 ? [] : ['not ok']),
  ];
}

/** Part (a): records the program under load and replays it, `runs` times. */
export async function recordAndReplay(plan: Plan, runs: number): Promise<RecordPart> {
  const part: RecordPart = {
    command: plan.command, runs, good: 0, records: 0, processes: 0, threads: 0, exchanges: 0,
    faults: [],
  };
  for (let run = 0; run < runs; run++) {
    const seed = seedOf(plan.seed, run);
    const faults: string[] = [];
    try {
      const { report, subject } = await underLoad(plan, 'record', seed, `record-${run + 1}`);
      part.exchanges += report.exchanges;
      faults.push(...clientFaults(report));
      const end = await subject.endProgram(plan.program.endSignal ?? 'SIGTERM', endMs);
      const recorded = lastJson<Recorded>(end.log);
      part.records += recorded?.records ?? 0;
      part.processes = Math.max(part.processes, recorded?.processes ?? 0);
      part.threads = Math.max(part.threads, recorded?.threads ?? 0);
      if (!recorded) faults.push(`no end of the record: ${end.log.trim().slice(-300)}`);
      const fault = await replayFault(plan);
      if (fault) faults.push(fault);
    } catch (error) {
      plan.signal.throwIfAborted();
      faults.push(wordsOf(error));
    }
    if (faults.length === 0) part.good++;
    part.faults.push(...faults.map((words) => `seed ${seed}: ${words}`));
    plan.say(`record ${run + 1}/${runs} seed ${seed}: `
      + `${faults.length === 0 ? `ok, ${part.records} records so far` : faults.join('; ')}`);
  }
  return part;
}

/** Part (b): a pair under load, whose primary's host dies at a moment that the seed chooses. */
export async function pairAndKill(plan: Plan, kills: number): Promise<PairPart> {
  const part: PairPart = {
    command: plan.command, commit, kills, good: 0, clients: 0, lost: 0, resets: 0, wrong: 0,
    acknowledged: 0, acknowledgedLost: 0, unaccepted: 0, exchanges: 0, pauseMs: null, faults: [],
  };
  const pauses: number[] = [];
  for (let kill = 0; kill < kills; kill++) {
    const seed = seedOf(plan.seed, kill);
    const beforeMs = new Random(seed).between(300, Math.max(400, plan.seconds * 1000));
    const faults: string[] = [];
    try {
      const report = await killOnce(plan, seed, beforeMs, `pair-${kill + 1}`, faults);
      addReport(part, report);
      if (report.pauseMs) pauses.push(report.pauseMs.max);
    } catch (error) {
      plan.signal.throwIfAborted();
      faults.push(wordsOf(error));
    }
    if (faults.length === 0) part.good++;
    part.faults.push(...faults.map((words) => `seed ${seed}: ${words}`));
    plan.say(`kill ${kill + 1}/${kills} seed ${seed} at ${beforeMs} ms: `
      + `${faults.length === 0 ? `ok, pause ${pauses.at(-1)} ms` : faults.join('; ')}`);
  }
  if (pauses.length > 0) part.pauseMs = { p50: median(pauses), max: Math.max(...pauses) };
  return part;
}

async function killOnce(
  plan: Plan, seed: number, beforeMs: number, name: string, faults: string[],
): Promise<CompatReport> {
  const { bed, program, signal, afterMs } = plan;
  await bed.reset();
  await furnish(bed, program);
  const logDir = join(plan.logDir, name);
  const ended: { why?: () => string | undefined } = {};
  const result = await runTrialOf<CompatReport>(bed, {
    subject: commit, fault: 'power', beforeMs, afterMs, logDir, signal, server: server(program),
    onStep: (step) => {
      if (step.step === 'ready') ended.why = step.subject.unexpectedEnd;
    },
  }, () => openLoad(bed, program, seed)).catch((error: unknown) => {
    throw new Error([wordsOf(error), ended.why?.()].filter(Boolean).join('; '));
  });
  if (!result.hasTakenOver) faults.push('the backup did not take over');
  if (result.twoHosts) faults.push('two hosts spoke at once');
  faults.push(...clientFaults(result.report));
  return result.report;
}

function addReport(part: PairPart, report: CompatReport): void {
  part.clients += report.clients.opened;
  part.lost += report.clients.opened - report.clients.kept;
  part.resets += report.resets;
  part.wrong += report.wrong;
  part.acknowledged += report.writes.acknowledged;
  part.acknowledgedLost += report.writes.lost;
  part.unaccepted += report.unaccepted;
  part.exchanges += report.exchanges;
}

/** Part (c): the rate of the same clients, native and recorded, in turns. */
export async function measureOverhead(plan: Plan, turns: number): Promise<OverheadPart> {
  const rates: Record<'native' | 'record', number[]> = { native: [], record: [] };
  for (let turn = 0; turn < turns; turn++) {
    for (const kind of ['native', 'record'] as const) {
      const name = `${kind}-turn-${turn + 1}`;
      const { report, subject } = await underLoad(plan, kind, plan.seed + turn, name);
      if (!report.ok) throw new Error(`${kind}: ${clientFaults(report).join('; ')}`);
      rates[kind].push(report.exchanges / report.seconds);
      await subject.endProgram('SIGKILL', endMs);
      plan.say(`overhead ${turn + 1}/${turns} ${kind}: ${Math.round(rates[kind].at(-1)!)}/s`);
    }
  }
  const ratios = rates.native.map((rate, turn) => rate / rates.record[turn]!);
  return {
    command: plan.command, turns,
    native: Math.round(median(rates.native)), recorded: Math.round(median(rates.record)),
    ratio: Math.round(median(ratios) * 100) / 100,
  };
}
