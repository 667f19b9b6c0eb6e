/* index.ts: watches a command, or a process that runs, and gives an Observation of it. Order:
 * load the programs, hook them in, start or mark what is to be watched, wait for its end, take the
 * programs off, read what they counted.
 * The rule: after observe() has returned or thrown, nothing of it is left in the kernel, and
 * nothing that it started runs. */
import type { Detail, Observation } from '../observation.js';
import { TimelineRecorder, readCalls } from './counters.js';
import { Kernel } from './kernel.js';
import { Sampler } from './sampler.js';
import { attachSubject, startSubject, type Subject, type SubjectEnd } from './subject.js';
import { Tree } from './tree.js';

export { statusOf } from './subject.js';

export interface ObserveOptions {
  /** A command line, or the id of a process. */
  readonly subject: readonly string[] | number;
  readonly detail: Detail;
  /** Undefined: until everything watched has ended. */
  readonly durationMs?: number | undefined;
  /** Aborted: the end of the watching, not a failure. */
  readonly signal: AbortSignal;
}

export interface Observed {
  readonly observation: Observation;
  /** What ended the watching. */
  readonly because: 'end' | 'duration' | 'interruption';
  /** The command's own end; null when a running process was watched. */
  readonly end: SubjectEnd | null;
}

/** Throws UserError, NotReplicable or OperatingError, each with one sentence. */
export async function observe(options: ObserveOptions): Promise<Observed> {
  const { subject: what, detail } = options;
  const pid = typeof what === 'number' ? what : undefined;
  const kernel = new Kernel({ detail, isStreaming: false, pid, rules: [] });
  let subject: Subject | undefined;
  const tree = new Tree({});
  const startedMs = Date.now();
  try {
    const facts = kernel.ring('facts', (view, at) => tree.take(view, at));
    const sampler = new Sampler(kernel);
    subject = typeof what === 'number'
      ? attachSubject(kernel, what) : await startSubject(kernel, what, detail === 'full');
    const timeline = detail === 'full' ? new TimelineRecorder(kernel) : null;
    const beganAt = performance.now();
    subject.begin();
    const because = await endOf(subject, options);
    const durationMs = performance.now() - beganAt;
    kernel.detach();
    sampler.stop();
    timeline?.stop();
    await facts.flush();
    if (because !== 'end') await subject.terminate([...tree.running].map((each) => each.pid));
    const calls = readCalls(kernel, detail);
    const observation: Observation = {
      command: typeof what === 'number' ? null : what,
      detail, startedMs, durationMs, processes: tree.observed(), calls,
      sites: [], arguments: [], library: [], timeline: timeline?.finish() ?? null, shared: [],
      events: calls.reduce((sum, { count }) => sum + count, 0),
      lostPerCpu: kernel.lost('events'), gaps: [], nsPerEvent: sampler.nsPerCall(),
    };
    return { observation, because, end: subject.end() };
  } catch (error) {
    await subject?.terminate([...tree.running].map((each) => each.pid));
    throw error;
  } finally {
    subject?.release();
    kernel.close();
  }
}

/** Waits for the first of what ends the watching. */
async function endOf(
  subject: Subject, { durationMs, signal }: ObserveOptions,
): Promise<Observed['because']> {
  let timer: NodeJS.Timeout | undefined;
  let release = () => {};
  try {
    return await new Promise<Observed['because']>((resolve, reject) => {
      subject.ended.then(() => resolve('end'), reject);
      if (durationMs !== undefined) timer = setTimeout(() => resolve('duration'), durationMs);
      const onAbort = () => resolve('interruption');
      if (signal.aborted) onAbort();
      signal.addEventListener('abort', onAbort);
      release = () => signal.removeEventListener('abort', onAbort);
    });
  } finally {
    clearTimeout(timer);
    release();
  }
}
