/* demo.ts: `hs-replicate demo`: a real redis as a pair on a bed of three hosts, a client with many
 * connections, the death of the primary in the middle of it all, and what the client has seen.
 * The rule: it says ok only if nothing at all was lost, and leaves nothing behind either way. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Bed } from '../bed/bed.js';
import type { LoadReport } from '../bed/redis-client/report.js';
import type { SubjectKind } from '../bed/subject.js';
import { runTrial, type Fault, type TrialResult, type TrialStep } from '../bed/trial.js';
import { DemoScreen } from './demo-screen.js';

export interface DemoOptions {
  json: boolean;
  /** Aborted on SIGINT, SIGTERM and SIGHUP. */
  signal: AbortSignal;
  /** What is shown dying; `native` is the control: one redis, with nobody to take over. */
  subject?: SubjectKind;
  fault?: Fault;
  connections?: number;
  seed?: number;
  beforeMs?: number;
  afterMs?: number;
}

export interface DemoResult {
  ok: boolean;
  connections: number;
  lost: number;
  errors: number;
  bytesWrong: number;
  /** The longest that any connection had to wait across the kill. */
  blackoutMs: number;
  ops: number;
  ackedLost: number;
  dataEqual: boolean;
  /** Where the logs are, if it did not go well. */
  logDir?: string;
}

/** Shows itself on stdout, unless `json`; the result's line is printed by the command. */
export async function demo(options: DemoOptions): Promise<DemoResult> {
  const screen = new DemoScreen(options.json);
  screen.title();
  const logDir = mkdtempSync(join(tmpdir(), 'hotswap-demo-'));
  let result: DemoResult | undefined;
  let bed: Bed | undefined;
  try {
    const startMs = performance.now();
    bed = await Bed.create();
    screen.done('three hosts and two networks, in namespaces', performance.now() - startMs);
    const trial = await run(bed, options, logDir, screen);
    result = resultOf(trial, logDir);
    screen.report(trial.report, result);
    return result;
  } finally {
    screen.stop();
    await bed?.close();
    // Logs of a demo that went well are of no use to anybody; those of another are.
    if (result?.ok || options.signal.aborted) rmSync(logDir, { recursive: true, force: true });
    else screen.note(`logs of all processes are in ${logDir}`);
  }
}

function run(bed: Bed, options: DemoOptions, logDir: string, screen: DemoScreen) {
  const { subject = 'logged', fault = 'power', signal } = options;
  let stepMs = performance.now();
  const onStep = (step: TrialStep) => {
    const tookMs = performance.now() - stepMs;
    stepMs = performance.now();
    screen.step(step, tookMs);
  };
  return interruptible(signal, runTrial(bed, {
    subject, fault, signal, logDir, onStep,
    load: { connections: options.connections ?? 24, seed: options.seed ?? Date.now() % 1e9 },
    beforeMs: options.beforeMs ?? 5000,
    afterMs: options.afterMs ?? 5000,
  }));
}

/** What is pending when the interruption comes fails later, with the bed: nobody listens then. */
async function interruptible<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  work.catch(() => undefined);
  let onAbort: () => void = () => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function resultOf({ report, twoHosts }: TrialResult, logDir: string): DemoResult {
  const { connections, bytes, ops, writes, data } = report;
  const errors = countErrors(report) + (twoHosts ? 1 : 0);
  const ok = report.ok && errors === 0;
  return {
    ok,
    connections: connections.opened,
    lost: connections.lost,
    errors,
    bytesWrong: bytes.wrong,
    blackoutMs: report.blackoutMs.all?.max ?? 0,
    ops,
    ackedLost: writes.lost,
    dataEqual: data.isEqual,
    ...(ok ? {} : { logDir }),
  };
}

function countErrors({ errors }: LoadReport): number {
  return errors.resets + errors.closes + errors.stalls + errors.protocol;
}
