/* host.ts: one host of the test bed: a long-lived holder process that is PID 1 of its own network,
 * mount, PID, UTS and IPC namespaces, with an overlay of the real root: its files are its own.
 * Nothing of a host has a name outside of it: when the holder ends, the kernel removes all.
 * The rule: the holder reads its standard input and ends with it, so that the death of the
 * process that made the bed, by whatever signal, takes every host along. */
import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { OperatingError } from '../errors.js';

/** Set-up of the holder, run by bash as PID 1. `$1` is the host name, the rest is to be visible. */
const holderScript = String.raw`
set -eu
name=$1; shift
hostname "$name"
ip link set lo up
if [ "$name" != switch ]; then
  mount --make-rprivate /
  mount -t tmpfs -o mode=755 bed /mnt
  mkdir /mnt/upper /mnt/work /mnt/root
  mount -t overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work overlay /mnt/root
  cd /mnt/root
  mount -t proc proc proc
  mount -t sysfs sysfs sys
  mount -t tmpfs -o mode=755 dev dev
  mount -t tmpfs -o mode=755 run run
  mount -t tmpfs -o mode=1777 tmp tmp
  mkdir dev/pts dev/shm dev/net
  mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
  mount -t tmpfs -o mode=1777 shm dev/shm
  for node in null:1:3 zero:1:5 full:1:7 random:1:8 urandom:1:9 tty:5:0; do
    IFS=: read -r file major minor <<<"$node"
    mknod -m 666 dev/$file c $major $minor
  done
  mknod -m 600 dev/net/tun c 10 200
  ln -s pts/ptmx dev/ptmx; ln -s /proc/self/fd dev/fd
  ln -s fd/0 dev/stdin; ln -s fd/1 dev/stdout; ln -s fd/2 dev/stderr
  # Each is a convenience for programs under test; a kernel without it is no reason to stop.
  mount -t bpf bpf sys/fs/bpf 2>/dev/null || :
  mount -t tracefs tracefs sys/kernel/tracing 2>/dev/null || :
  mount -t cgroup2 cgroup2 sys/fs/cgroup 2>/dev/null || :
  # The overlay shows the root file system only: what lies on another, or under a tmpfs of ours,
  # is bound in, read-only.
  for dir in "$@"; do
    if [ ! -e ".$dir" ] || [ "$(stat -c %d "$dir")" != "$(stat -c %d /)" ]; then
      mkdir -p ".$dir"
      mount --bind "$dir" ".$dir"
      mount -o remount,bind,ro ".$dir"
    fi
  done
  pivot_root . mnt
  cd /
  umount -l /mnt
fi
for setting in net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 \
  net.core.somaxconn=65535 net.ipv4.tcp_max_syn_backlog=65535 \
  net.ipv4.tcp_congestion_control=reno net.ipv4.conf.default.arp_notify=0; do
  sysctl -qw $setting 2>/dev/null || :
done
echo ready
while read -r order; do
  # kill(-1) is one pass over the namespace in the kernel: everything dies at the same moment.
  case $order in kill) kill -KILL -1 2>/dev/null || :; echo killed;; esac
done
`;

/** Marks a holder on its command line; the sweep of stale beds reads it back. */
export function holderTag(ownerPid: number, ownerStart: string, bedId: string, host: string) {
  return `hs-bed:${ownerPid}:${ownerStart}:${bedId}:${host}`;
}

/** Start time of a process in clock ticks since boot (proc(5), field 22), or undefined if gone. */
export function processStart(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

function childrenOf(pid: number): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1');
    return text.trim().split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** Sends a signal; false if the process is gone. */
export function signalPid(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/**
 * The pid, as seen by the maker of the bed, of a program that was started inside a host: nsenter
 * forks to enter a PID namespace, so `child.pid` is nsenter's and the program is its only child.
 */
export function programPid(child: ChildProcess): number | undefined {
  return child.pid === undefined ? undefined : childrenOf(child.pid)[0];
}

/** The program that `hs-start` has started below a process: number 2 in the PID namespace that was
 * made for it. Its /proc/PID/exe does not tell: that may be the launcher's own. */
export function launchedUnder(pid: number): number | undefined {
  const outside = namespacePids(pid).length;
  const search = (parent: number): number | undefined => {
    for (const child of childrenOf(parent)) {
      const pids = namespacePids(child);
      const found = pids.length > outside && pids.at(-1) === 2 ? child : search(child);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return search(pid);
}

/** Its numbers, from this process's namespace to its own; none when it has ended. */
function namespacePids(pid: number): number[] {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return (/^NSpid:\s+(.*)$/m.exec(status)?.[1] ?? '').split(/\s+/).map(Number);
  } catch {
    return []; // it has ended
  }
}

export class Host {
  private constructor(
    readonly name: string,
    /** PID 1 of the host, as seen from outside. */
    readonly pid: number,
    private readonly holder: ChildProcess,
    private readonly exited: Promise<void>,
  ) {}

  /** Makes a host. `visible` lists directories that must be readable inside at the same path. */
  static async create(name: string, tag: string, visible: readonly string[]): Promise<Host> {
    const flags = ['--net', '--mount', '--pid', '--uts', '--ipc', '--fork', '--kill-child'];
    const script = ['bash', '-c', holderScript, tag, name, ...visible];
    const holder = spawn('unshare', [...flags, ...script], {
      stdio: ['pipe', 'pipe', 'pipe'],
      cwd: '/',
      detached: true, // a terminal's Ctrl-C is for the maker of the bed, who closes it in order
    });
    const exited = new Promise<void>((resolve) => {
      holder.once('exit', () => resolve());
      holder.once('error', () => resolve());
    });
    holder.stdin.on('error', () => undefined); // EPIPE: the holder is gone, `exited` tells
    try {
      await firstLine(holder, 'ready');
    } catch (cause) {
      holder.kill('SIGKILL');
      await exited;
      throw cause;
    }
    const pid = childrenOf(holder.pid ?? 0)[0];
    if (pid === undefined) throw new OperatingError(`host ${name} of the test bed died at once`);
    // Holders must not keep the maker's event loop alive when all else is done.
    holder.unref();
    return new Host(name, pid, holder, exited);
  }

  /** Command and arguments that run `argv` inside all namespaces of this host. */
  enter(argv: readonly string[], cwd = '/'): string[] {
    const flags = ['--net', '--mount', '--pid', '--uts', '--ipc', `--wdns=${cwd}`];
    return ['nsenter', `--target=${this.pid}`, ...flags, '--', ...argv];
  }

  /**
   * Starts a program on the host. `kill()` of the result signals the program itself and not the
   * nsenter in front of it; the exit code and signal are the program's.
   */
  spawn(argv: readonly string[], options: SpawnOptions = {}): ChildProcess {
    const { cwd, ...rest } = options;
    const [command = '', ...args] = this.enter(argv, cwd === undefined ? '/' : String(cwd));
    const child = spawn(command, args, { detached: true, ...rest, cwd: '/' });
    const killNsenter = child.kill.bind(child);
    child.kill = (signal = 'SIGTERM') => {
      const pid = programPid(child);
      const name = signal as NodeJS.Signals;
      return pid === undefined ? killNsenter(signal) : signalPid(pid, name);
    };
    return child;
  }

  /** A path inside the host, as the maker of the bed can open it. */
  path(inside: string): string {
    return `/proc/${this.pid}/root${inside}`;
  }

  /** SIGKILL for every process of the host but the holder, in one system call. */
  async killAll(): Promise<void> {
    const done = firstLine(this.holder, 'killed');
    this.holder.stdin?.write('kill\n');
    await done;
  }

  /** Ends the host and everything in it; resolves when the kernel has removed its processes. */
  async close(): Promise<void> {
    this.closeNow();
    this.holder.ref();
    await this.exited;
  }

  /** The same without waiting, for exit handlers. */
  closeNow(): void {
    if (this.holder.exitCode === null && this.holder.signalCode === null) {
      signalPid(this.pid, 'SIGKILL');
    }
  }
}

/** Waits until the holder has printed `wanted` on a line of its own. */
function firstLine(holder: ChildProcess, wanted: string): Promise<void> {
  const limitMs = 20_000;
  return new Promise((resolve, reject) => {
    let out = '';
    let complaints = '';
    const finish = (error?: Error) => {
      clearTimeout(timer);
      holder.stdout?.off('data', onOut);
      holder.stderr?.off('data', onErr);
      holder.off('exit', onExit);
      holder.off('error', onError);
      if (error) reject(error);
      else resolve();
    };
    const onOut = (chunk: Buffer) => {
      out += chunk.toString();
      if (out.split('\n').includes(wanted)) finish();
    };
    const onErr = (chunk: Buffer) => (complaints += chunk.toString());
    const onExit = () => {
      const why = complaints.trim().split('\n').pop() ?? '';
      finish(new OperatingError(`a host of the test bed could not be made: ${why}`));
    };
    const onError = (cause: Error) => {
      finish(new OperatingError(`cannot run unshare, of util-linux: ${cause.message}`));
    };
    const timer = setTimeout(() => {
      finish(new OperatingError(`a host of the test bed gave no answer in ${limitMs} ms`));
    }, limitMs);
    holder.stdout?.on('data', onOut);
    holder.stderr?.on('data', onErr);
    holder.once('exit', onExit);
    holder.once('error', onError);
  });
}
