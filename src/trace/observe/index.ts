/* index.ts: watches a command, or a process that runs, and gives an Observation of it. Order:
 * load the programs, hook them in, start or mark what is to be watched, wait for its end, take the
 * programs off, read what they counted.
 * The rule: after observe() has returned or thrown, nothing of it is left in the kernel, and
 * nothing that it started runs. */
import type { Detail, Observation } from '../observation.js';
import { TimelineRecorder, readCalls } from './counters.js';
import { decidingRules } from './deciding.js';
import { streamEvents, type ObservedEvent } from './events.js';
import { Kernel } from './kernel.js';
import { Notes } from './notes.js';
import { Sampler } from './sampler.js';
import { attachSubject, startSubject, type Subject, type SubjectEnd } from './subject.js';

export type { ObservedEvent } from './events.js';
export { statusOf } from './subject.js';

export interface ObserveOptions {
  /** A command line, or the id of a process. */
  readonly subject: readonly string[] | number;
  readonly detail: Detail;
  /** Undefined: until everything watched has ended. */
  readonly durationMs?: number | undefined;
  /** Aborted: the end of the watching, not a failure. */
  readonly signal: AbortSignal;
  /** Given every call as it returns, some milliseconds late and in batches. */
  readonly onEvents?: ((events: readonly ObservedEvent[]) => void) | undefined;
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
  const { subject: what, detail, onEvents } = options;
  const pid = typeof what === 'number' ? what : undefined;
  const isStreaming = onEvents !== undefined;
  const rules = detail === 'full' ? decidingRules : [];
  const kernel = new Kernel({ detail, isStreaming, pid, rules });
  const notes = new Notes(kernel, detail);
  let subject: Subject | undefined;
  let sampler: Sampler | undefined;
  let timeline: TimelineRecorder | null = null;
  const startedMs = Date.now();
  try {
    const facts = kernel.facts((view, at) => notes.tree.take(view, at));
    // More events than can be printed keep timers from their turn: the end is looked for here too.
    let endsAt = Infinity;
    const events = onEvents && streamEvents(kernel, (batch) => {
      if (performance.now() > endsAt) kernel.detach('calls');
      onEvents(batch);
    });
    sampler = new Sampler(kernel);
    subject = typeof what === 'number'
      ? attachSubject(kernel, what) : await startSubject(kernel, what, detail === 'full');
    await facts.flush();
    if (typeof what !== 'number') await notes.prepare(kernel.state('root'));
    timeline = detail === 'full' ? new TimelineRecorder(kernel) : null;
    const beganAt = performance.now();
    endsAt = beganAt + (options.durationMs ?? Infinity);
    subject.begin();
    const because = await endOf(subject, options);
    const durationMs = performance.now() - beganAt;
    notes.lookAgain();
    // What is forked while it is being ended must be known, to be ended too.
    kernel.detach('calls');
    if (because !== 'end') await subject.terminate(() => notes.runningPids());
    kernel.detach('all');
    sampler.stop();
    timeline?.stop();
    await facts.flush();
    await events?.flush();
    const calls = readCalls(kernel, detail);
    const observation: Observation = {
      command: typeof what === 'number' ? null : what,
      detail, startedMs, durationMs, calls, ...notes.finish(),
      timeline: timeline?.finish() ?? null,
      events: calls.reduce((sum, { count }) => sum + count, 0),
      lostPerCpu: kernel.lostPerCpu(), nsPerEvent: sampler.nsPerCall(),
    };
    return { observation, because, end: subject.end() };
  } catch (error) {
    await subject?.terminate(() => notes.runningPids());
    throw error;
  } finally {
    subject?.release();
    sampler?.stop();
    timeline?.stop();
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
