/* place.ts: runs one program of a suite in namespaces of its own (pid, mount, ipc, net, uts), in
 * an empty folder, within a bound. Programs of suites fork wildly, leave queues and shared memory
 * behind, mount, rename the host: all of that ends with the namespaces.
 * The rule: when a run is over nothing of it is left, whatever the program did. */
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';

export interface Ended {
  /** As a shell gives it: 128 + N for signal N. */
  status: number;
  stdout: string;
  stderr: string;
  isLate: boolean;
}

/** What no program may change of the machine that runs the suite. */
const dropped = ['sys_time', 'sys_boot', 'sys_module', 'sys_rawio', 'syslog', 'wake_alarm'];

/** The init of the namespace stays above the program, which may be killed by any signal; and it
 * is in a process group above the program's, which a program may kill too: a group reaches out of
 * its PID namespace. The program does not lead its group, as under any launcher. */
const init = [
  'mount -o bind,ro /proc/sys /proc/sys; mount -o remount,bind,ro /proc/sys',
  'mount -t sysfs -o ro none /sys',
  'mount -t tmpfs none /dev/shm; mount -t mqueue none /dev/mqueue',
  'ip link set lo up',
].join('\n');
const inner = `sh -c '"$@" 2>&3 3>&-; exit $?' sh`;
const script = `exec 3>&2 2>/dev/null\n(${init}) >/dev/null\nset -m\n${inner} "$@"\nexit $?`;

const unshare = ['--pid', '--fork', '--kill-child', '--mount', '--mount-proc', '--ipc', '--net',
  '--uts'];

/** More than this of a program's output is not kept. */
const maxOutput = 4 << 20;

/** Makes a folder empty, undoing what a program made of it. */
export function emptyFolder(path: string): string {
  rmSync(path, { recursive: true, force: true, maxRetries: 3 });
  mkdirSync(path, { recursive: true });
  return path;
}

/** Runs a command to its end, or to its bound. */
export async function runIn(
  cwd: string, command: readonly string[], boundMs: number, signal: AbortSignal,
): Promise<Ended> {
  const bounding = dropped.map((name) => `-${name}`).join(',');
  const args = [...unshare, 'setpriv', `--bounding-set=${bounding}`, 'bash', '-c', script,
    'bash', ...command];
  const child = spawn('unshare', args, {
    cwd,
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: cwd, TMPDIR: cwd, LC_ALL: 'C',
      NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('latin1').on('data', (text: string) => {
      output[name] = (output[name] + text).slice(-maxOutput);
    });
  }
  let isLate = false;
  const kill = (): void => { child.kill('SIGKILL'); };
  const timer = setTimeout(() => { isLate = true; kill(); }, boundMs);
  signal.addEventListener('abort', kill, { once: true });
  try {
    const status = await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => resolve(code ?? 137));
    });
    signal.throwIfAborted();
    return { status, ...output, isLate };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', kill);
  }
}
