/* subject.ts: what is watched: a command started for it, or a process that runs already; and when
 * that comes to its end. A command is born marked: the kernel half takes this process's next child
 * and counts from the end of its execve on, so nothing of it is missed and nothing before counts.
 * The rule: what was started here is ended here, also when the watching failed. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { OperatingError, UserError, errnoOf } from '../../errors.js';
import { findProgram } from '../../program-file.js';
import type { Kernel } from './kernel.js';

/** How often it is looked whether anything watched still runs: one load from mapped memory. */
const lookMs = 5;
const startBoundMs = 10_000;
const endBoundMs = 3_000;

export interface SubjectEnd {
  readonly exitCode: number | null;
  readonly exitSignal: NodeJS.Signals | null;
}

export interface Subject {
  /** Called once everything is in place: a command that was stopped goes on. */
  begin(): void;
  /** Resolves when the last watched thread has ended. */
  readonly ended: Promise<void>;
  /** Ends what was started here, with all that `running` names, also what is forked meanwhile;
   * nothing for what ran before. */
  terminate(running: () => readonly number[]): Promise<void>;
  /** The command's own end; null while it runs, and for a process that was not started here. */
  end(): SubjectEnd | null;
  release(): void;
}

/** Threads and descendants of a process that runs. Throws UserError where there is none. */
export function attachSubject(kernel: Kernel, pid: number): Subject {
  if (pid === process.pid) throw new UserError(`process ${pid} is hs-trace itself: name another`);
  kernel.attach();
  if (kernel.markAll() === 0) {
    throw new UserError(`there is no process ${pid}: see "ps -e" for those there are`);
  }
  const watch = watchLive(kernel);
  return {
    begin: () => {},
    ended: watch.ended,
    terminate: async () => {},
    end: () => null,
    release: watch.release,
  };
}

/** Starts a command. It is stopped at its first instruction if the kernel half was set to. */
export async function startSubject(
  kernel: Kernel, command: readonly string[], isStopped: boolean,
): Promise<Subject> {
  findProgram(command[0]!);
  kernel.attach();
  kernel.arm();
  const child = spawn(command[0]!, command.slice(1), { stdio: 'inherit' });
  const ended = new Promise<SubjectEnd>((resolve) => {
    child.once('exit', (exitCode, exitSignal) => resolve({ exitCode, exitSignal }));
  });
  let end: SubjectEnd | null = null;
  void ended.then((it) => { end = it; });
  try {
    await hasStarted(child, command[0]!);
    // A child that was killed on its way never came to the end of its execve.
    await until(() => kernel.state('root') !== 0 || end !== null, startBoundMs, 'did not start');
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  const watch = watchLive(kernel);
  return {
    begin: () => {
      if (isStopped) child.kill('SIGCONT');
    },
    ended: watch.ended.then(async () => { await ended; }),
    terminate: async (running) => {
      const all = () => (end === null ? [...running(), child.pid!] : running());
      await endAll(all, () => kernel.state('live') === 0);
      await ended;
    },
    end: () => end,
    release: watch.release,
  };
}

async function hasStarted(child: ChildProcess, file: string): Promise<void> {
  if (child.pid !== undefined) return;
  const error = await new Promise<Error>((resolve) => child.once('error', resolve));
  const reason = errnoOf(error) ?? 'unknown';
  throw new OperatingError(`${file} cannot be executed (${reason}): check what kind of file it is`,
    { reason, cause: error });
}

function watchLive(kernel: Kernel): { ended: Promise<void>; release: () => void } {
  let timer: NodeJS.Timeout;
  const ended = new Promise<void>((resolve) => {
    timer = setInterval(() => {
      if (kernel.state('live') !== 0) return;
      clearInterval(timer);
      resolve();
    }, lookMs);
  });
  return { ended, release: () => clearInterval(timer) };
}

/** SIGTERM to each as it becomes known, and SIGKILL to those that are still there after a while. */
async function endAll(
  running: () => readonly number[], areAllOver: () => boolean,
): Promise<void> {
  const told = new Set<number>();
  const isOver = () => {
    for (const pid of running()) {
      if (told.has(pid)) continue;
      told.add(pid);
      send(pid, 'SIGTERM');
      // What is stopped would take it only when it goes on.
      send(pid, 'SIGCONT');
    }
    // The kernel half knows of a fork before its record is here.
    return areAllOver() && ![...told].some(isThere);
  };
  if (await holdsWithin(isOver, endBoundMs)) return;
  for (const pid of told) send(pid, 'SIGKILL');
  await holdsWithin(isOver, endBoundMs);
}

function send(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if (errnoOf(error) === 'ESRCH') return false;
    throw error;
  }
}

/** A child that nobody has waited for yet is still in /proc, but runs no more. */
const isThere = (pid: number): boolean => existsSync(`/proc/${pid}/exe`) && send(pid, 0);

async function holdsWithin(condition: () => boolean, boundMs: number): Promise<boolean> {
  const untilMs = performance.now() + boundMs;
  while (!condition()) {
    if (performance.now() > untilMs) return false;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return true;
}

async function until(condition: () => boolean, boundMs: number, what: string): Promise<void> {
  if (await holdsWithin(condition, boundMs)) return;
  throw new OperatingError(
    `the command ${what} within ${boundMs / 1000} s: try it without hs-trace`);
}

/** The status a shell would give. */
export function statusOf({ exitCode, exitSignal }: SubjectEnd): number {
  return exitCode ?? (exitSignal === null ? 0 : 128 + constants.signals[exitSignal]);
}
