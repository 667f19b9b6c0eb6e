/* tracers.ts: the tracers that hs-trace is measured against, and hs-trace itself at each level: how
 * each is put on a process that runs, when it is ready, and whether it is there at all.
 * Those that need tracefs get it in a mount namespace of their own.
 * The rule: equal detail: what each of a group gives is the same table of calls. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../../src/bed/bed.js';
import { withTracefs } from '../support/tracefs.js';

export interface Tracer {
  readonly name: string;
  /** What it gives: calls and errors; and their times. */
  readonly detail: 'counts' | 'latencies' | 'full';
  /** Command line that watches a process that runs. */
  readonly argv: (pid: number) => string[];
  /** What it prints, on either stream, or when it is on the process otherwise. */
  readonly isReady: RegExp | ((pid: number, tracer: ChildProcess) => boolean);
  /** Package that has it, for those that may be missing. */
  readonly from?: string;
}

const readyBoundMs = 30_000;
const endBoundMs = 60_000;

const isTraced = (pid: number): boolean => /^TracerPid:\t[1-9]/m.test(statusOf(pid));
const statusOf = (pid: number): string =>
  spawnSync('cat', [`/proc/${pid}/status`], { encoding: 'utf8' }).stdout;

/** Most say nothing before their end, or keep it in a buffer: what they hold open tells. */
const holds = (kind: string, least: number) => (_pid: number, { pid }: ChildProcess): boolean => {
  const { stdout } = spawnSync('sh', ['-c', `ls -l /proc/${pid}/fd`], { encoding: 'utf8' });
  return stdout.split(`anon_inode:${kind}`).length > least;
};

const own = (detail: Tracer['detail']): Tracer => ({
  name: `hs-trace ${detail}`, detail,
  // The tree's three, the walk, and what is on the way of a call.
  isReady: holds('bpf_link', { counts: 5, latencies: 6, full: 7 }[detail]),
  argv: (pid) => [process.execPath, join(repositoryRoot(), 'bin/hs-trace.js'),
    '--detail', detail, '--json', '-p', String(pid)],
});

const script = {
  counts: (pid: number) =>
    `BEGIN { printf("ready\\n") } tracepoint:raw_syscalls:sys_exit /pid == ${pid}/ `
      + '{ @[args->id] = count(); if (args->ret < 0) { @e[args->id] = count() } }',
  latencies: (pid: number) =>
    `BEGIN { printf("ready\\n") } tracepoint:raw_syscalls:sys_enter /pid == ${pid}/ `
      + '{ @t[tid] = nsecs } '
      + `tracepoint:raw_syscalls:sys_exit /pid == ${pid}/ `
      + '{ @[args->id] = count(); @h[args->id] = hist(nsecs - @t[tid]); '
      + 'if (args->ret < 0) { @e[args->id] = count() } }',
};

export const tracers: readonly Tracer[] = [
  own('counts'),
  own('latencies'),
  own('full'),
  {
    name: 'syscount', detail: 'counts', from: 'libbpf-tools', isReady: holds('bpf_link', 1),
    argv: (pid) => withTracefs(['syscount', '-p', String(pid)]),
  },
  {
    name: 'syscount -L', detail: 'latencies', from: 'libbpf-tools', isReady: holds('bpf_link', 2),
    argv: (pid) => withTracefs(['syscount', '-L', '-p', String(pid)]),
  },
  {
    name: 'bpftrace counts', detail: 'counts', from: 'bpftrace', isReady: /ready/,
    argv: (pid) => withTracefs(['bpftrace', '-B', 'none', '-e', script.counts(pid)]),
  },
  {
    name: 'bpftrace latencies', detail: 'latencies', from: 'bpftrace', isReady: /ready/,
    argv: (pid) => withTracefs(['bpftrace', '-B', 'none', '-e', script.latencies(pid)]),
  },
  {
    name: 'perf trace -s', detail: 'latencies', from: 'linux-perf',
    isReady: holds('[perf_event]', 1),
    argv: (pid) => withTracefs(['perf', 'trace', '-s', '-p', String(pid)]),
  },
  {
    name: 'strace -f -c', detail: 'latencies', from: 'strace', isReady: isTraced,
    argv: (pid) => ['strace', '-f', '-c', '-p', String(pid)],
  },
];

export function isInstalled(name: string): boolean {
  return (process.env['PATH'] ?? '').split(':').some((dir) => existsSync(join(dir, name)));
}

/** Runs `work` while the tracer is on the process. Throws when it could not be put on it. */
export async function traced<T>(
  tracer: Tracer, pid: number, work: () => Promise<T>,
): Promise<T> {
  const [file, ...args] = tracer.argv(pid);
  const child = spawn(file!, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  child.stdout.on('data', (data: Buffer) => { said += data.toString(); });
  child.stderr.on('data', (data: Buffer) => { said += data.toString(); });
  const ended = once(child, 'exit');
  try {
    const { isReady } = tracer;
    const untilMs = performance.now() + readyBoundMs;
    while (!(isReady instanceof RegExp ? isReady.test(said) : isReady(pid, child))) {
      if (child.exitCode !== null || performance.now() > untilMs) {
        throw new Error(`${tracer.name} is not ready: ${said.trim().split('\n')[0] ?? ''}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return await work();
  } finally {
    child.kill('SIGINT');
    const timer = setTimeout(() => child.kill('SIGKILL'), endBoundMs);
    if (child.exitCode === null && child.signalCode === null) await ended;
    clearTimeout(timer);
  }
}
