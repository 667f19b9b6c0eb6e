/* trial.ts: one trial on a bed: a subject, a client with many connections, a fault in the middle
 * of its traffic, and what the client found. The demo is one trial with words around it; torture
 * is many of them.
 * The rule: a trial ends with a report or an error, in bounded time, whatever the subject does. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Bed } from './bed.js';
import type { LoadHandle } from './load-handle.js';
import { openRedisLoad } from './redis-client/handle.js';
import type { LoadOptions } from './redis-client/load.js';
import type { LoadReport } from './redis-client/report.js';
import { startSubject, type Subject, type SubjectKind, type SubjectOptions } from './subject.js';
import { Witness } from './witness.js';

/**
 * `power`: cables and processes of the primary at the same moment, as when the machine loses its
 * power. `process`: SIGKILL for all its processes, while its kernel lives on. `partition`: its
 * cables are cut and restored later, while it lives. `none`: a control.
 */
export const faults = ['power', 'process', 'partition', 'none'] as const;
export type Fault = (typeof faults)[number];

export interface TrialOptions<Report = LoadReport> {
  subject: SubjectKind;
  fault: Fault;
  /** Traffic before and after the fault. */
  beforeMs: number;
  afterMs: number;
  logDir: string;
  primaryOptions?: readonly string[];
  backupOptions?: readonly string[];
  /** What else startSubject() is to be told. */
  server?: Pick<SubjectOptions, 'command' | 'cwd' | 'isReady' | 'startMs'>;
  signal?: AbortSignal;
  onStep?: (step: TrialStep<Report>) => void;
}

export type TrialStep<Report = LoadReport> =
  | { step: 'starting' }
  | { step: 'ready'; subject: Subject }
  | { step: 'connected'; load: LoadHandle<Report> }
  | { step: 'fault'; fault: Fault }
  | { step: 'after'; load: LoadHandle<Report> }
  | { step: 'verifying' };

export interface TrialResult<Report = LoadReport> {
  report: Report;
  twoHosts: boolean;
  /** Whether the backup was seen to speak for the service address. */
  hasTakenOver: boolean;
}

/** A host that is cut off must not be believed dead for ever: then the cable is put back. */
const partitionMs = 1500;

/** A trial of a redis with its load client. */
export function runTrial(
  bed: Bed, options: TrialOptions & { load: Partial<LoadOptions> },
): Promise<TrialResult> {
  return runTrialOf(bed, options, () => openRedisLoad(bed, options.load));
}

/** A trial of any server; `open` opens the connections of its client. */
export async function runTrialOf<Report>(
  bed: Bed, options: TrialOptions<Report>, open: () => Promise<LoadHandle<Report>>,
): Promise<TrialResult<Report>> {
  const { signal, onStep = () => undefined } = options;
  onStep({ step: 'starting' });
  const subject = await startSubject(bed, options.subject, { ...options, ...options.server });
  onStep({ step: 'ready', subject });
  const witness = await Witness.create(bed);
  let verdict: ReturnType<Witness['close']> | undefined;
  try {
    const load = await open();
    onStep({ step: 'connected', load });
    load.start();
    await pass(options.beforeMs, load, signal);
    // The kill must fall into traffic: not before the first replies have come.
    await load.until(({ ops }) => ops > 0, 10_000);
    onStep({ step: 'fault', fault: options.fault });
    await inflict(bed, options.fault, load, witness);
    onStep({ step: 'after', load });
    await pass(options.afterMs, load, signal);
    if (options.fault === 'partition') {
      await bed.restoreLink('primary');
      await pass(partitionMs, load, signal);
    }
    onStep({ step: 'verifying' });
    const report = await load.stop();
    verdict = witness.close();
    return { report, ...verdict };
  } finally {
    if (!verdict) witness.close();
  }
}

async function inflict<Report>(
  bed: Bed, fault: Fault, load: LoadHandle<Report>, witness: Witness,
): Promise<void> {
  if (fault === 'none') return;
  const atNs = process.hrtime.bigint();
  if (fault === 'power') await bed.powerCut('primary');
  if (fault === 'process') await bed.killProcesses('primary');
  if (fault === 'partition') await bed.cutLink('primary');
  load.markKill(atNs);
  await witness.fault();
}

/** Lets time pass, but not past an interruption or the end of the client. */
async function pass<Report>(
  ms: number, load: LoadHandle<Report>, signal?: AbortSignal,
): Promise<void> {
  await Promise.race([delay(ms, undefined, { signal, ref: true }), load.ended]);
  signal?.throwIfAborted();
}
