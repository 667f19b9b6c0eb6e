/* processes.ts: processes of a run: started, found among the descendants of a command, ended.
 * The rule: every process started here is gone when its run is over. */
import { spawn } from 'node:child_process';
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';

/** Asks until it is so. Throws when it is not within the bound. */
export async function until(
  what: string, boundMs: number, isSo: () => boolean | Promise<boolean>,
): Promise<void> {
  const end = Date.now() + boundMs;
  while (!await isSo()) {
    if (Date.now() > end) throw new Error(`not within ${boundMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface Running {
  pid: number;
  ended: Promise<Ended>;
  isOver: () => boolean;
}

/** Starts a command in a process group of its own, which is killed at the bound. */
export function start(command: readonly string[], cwd: string, boundMs: number): Running {
  const [file = '', ...args] = command;
  const child = spawn(file, args, {
    cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: cwd, LC_ALL: 'C', NO_COLOR: '1' },
  });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('latin1').on('data', (text: string) => { output[name] += text; });
  }
  let isOver = false;
  const killGroup = (): void => {
    try {
      process.kill(-child.pid!, 'SIGKILL');
    } catch {
      // ESRCH: nothing of it is left.
    }
  };
  const timer = setTimeout(killGroup, boundMs);
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      isOver = true;
      clearTimeout(timer);
      killGroup();
      resolve({ code, signal, ...output });
    });
  });
  return { pid: child.pid!, ended, isOver: () => isOver };
}

/** Children of all threads of a process, and theirs, parents first. */
function descendants(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ')
        .filter((text) => text !== '').map(Number).flatMap((child) =>
          [child, ...descendants(child)]));
  } catch {
    return []; // it has ended in the meantime
  }
}

const launchers = new Set(['node', 'hs-start', 'sh', 'dash']);

/** The program under one of our commands: the first process that is none of its launchers. */
export function programUnder(pid: number): number | undefined {
  return descendants(pid).find((each) => {
    try {
      return !launchers.has(basename(readlinkSync(`/proc/${each}/exe`)));
    } catch {
      return false;
    }
  });
}
