/* host.ts: the probes of the machine itself: processor, kernel, rights, what is installed and
 * what is built. What each needs is measured on Debian 12 with Linux 6.1 and 6.18. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { arch, endianness, release } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { getSystemErrorName } from 'node:util';
import { missing, ok, warn, type Finding, type Probe } from './probe.js';

/** Capabilities the system uses, by the bit in CapEff (capabilities(7)). */
const capabilities: Record<string, number> = {
  CAP_NET_ADMIN: 12, // TCP_REPAIR, addresses, clsact
  CAP_NET_RAW: 13, // hand-made segments
  CAP_SYS_PTRACE: 19, // pidfd_getfd, other processes' memory maps
  CAP_SYS_ADMIN: 21, // namespaces, BPF on kernels that know no CAP_BPF for it
};

/** A kernel's release as a number that compares: 6.1 → 6001. */
export function releaseNumber(text: string): number {
  const [, major = '0', minor = '0'] = /^(\d+)\.(\d+)/.exec(text) ?? [];
  return Number(major) * 1000 + Number(minor);
}

/** The names of `wanted` that a CapEff line of /proc/PID/status lacks. */
export function lackingCapabilities(status: string, wanted = capabilities): string[] {
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0'}`);
  return Object.keys(wanted).filter((name) => (effective >> BigInt(wanted[name]!) & 1n) === 0n);
}

/** What the kernel answers when hs-probe arms syscall user dispatch, by exit status. */
const notDispatched = 255;

/** Tries it: a kernel's release says little, and a container's seccomp filter may forbid it. */
export function syscallUserDispatch(): Finding {
  const kernel = `Linux ${release()}`;
  const probe = join(projectRoot(), 'shim', 'build', 'hs-probe');
  const { error, status, signal } = spawnSync(probe, { stdio: 'ignore', timeout: 5000 });
  if (error) return warn(`not tried: ${error.message}`, 'run "npm run setup" in the checkout');
  if (status === 0) return ok(`works, ${kernel}`);
  if (releaseNumber(release()) < 5011) return missing(kernel, 'boot Linux 5.11 or later');
  const how = status === notDispatched ? 'a call was not dispatched'
    : signal ?? getSystemErrorName(-status!);
  return missing(`does not work (${how}), ${kernel}`,
    'boot Linux 5.11 or later for x86-64, and leave prctl to a container\'s seccomp filter');
}

function privileges(): Finding {
  const lacking = lackingCapabilities(readFileSync('/proc/self/status', 'utf8'));
  if (lacking.length === 0) return ok(process.getuid!() === 0 ? 'root' : 'all capabilities');
  return missing(`without ${lacking.join(', ')}`, 'run as root, or grant these capabilities');
}

function presence(path: string, fix: string): () => Finding {
  return () => (existsSync(path) ? ok(path) : missing(`no ${path}`, fix));
}

/** Leaving repair mode without a window probe (TCP_REPAIR_OFF_NO_WP) came with 4.19. */
function tcpRepair(): Finding {
  if (releaseNumber(release()) < 4019) return missing(release(), 'boot Linux 4.19 or later');
  const lacks = lackingCapabilities(readFileSync('/proc/self/status', 'utf8'), {
    CAP_NET_ADMIN: 12,
  });
  return lacks.length === 0 ? ok('allowed') : missing('without CAP_NET_ADMIN', 'run as root');
}

/** The checkout: two levels above dist/src and above src, so look for package.json. */
function projectRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'tools', 'packages.txt')) && folder !== '/') {
    folder = dirname(folder);
  }
  return folder;
}

/** The packages of the section `# to run` in tools/packages.txt. */
export function packagesToRun(list: string): string[] {
  const section = /^# to run\n([\s\S]*?)(?:\n#|\n*$(?![\s\S]))/m.exec(list)?.[1] ?? '';
  return section.split('\n').map((line) => line.replace(/#.*/, '').trim()).filter(Boolean);
}

function packages(): Finding {
  const wanted = packagesToRun(
    readFileSync(join(projectRoot(), 'tools', 'packages.txt'), 'utf8'));
  const format = '${Package} ${db:Status-Status}\n';
  const query = spawnSync('dpkg-query', ['-W', '-f', format, ...wanted], { encoding: 'utf8' });
  if (query.error) return warn('no Debian system', `have these: ${wanted.join(' ')}`);
  const lines = new Set(query.stdout.split('\n'));
  const lacking = wanted.filter((name) => !lines.has(`${name} installed`));
  if (lacking.length === 0) return ok(wanted.join(' '));
  return missing(`without ${lacking.join(' ')}`, `apt-get install ${lacking.join(' ')}`);
}

function nativeParts(): Finding {
  const root = projectRoot();
  const parts = [
    'shim/build/hs-start', 'shim/build/hs-probe',
    'bpf/build/enforce.bpf.o', 'addon/build/Release/bpf_loader.node',
  ];
  const lacking = parts.filter((part) => !existsSync(join(root, part)));
  if (lacking.length === 0) return ok('built');
  return missing(`not built: ${lacking.join(' ')}`, 'run "npm run setup" in the checkout');
}

function runtimeDirectory(dir: string): Finding {
  let folder = dir;
  while (!existsSync(folder)) folder = dirname(folder);
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return ok(dir);
  } catch {
    return missing(`${folder} cannot be written`, 'choose another with --runtime-dir');
  }
}

/** What no program can be started without; quick enough to be asked at each start. */
export function startProbes(): Probe[] {
  return [
    {
      name: 'processor',
      look: () => arch() === 'x64' && endianness() === 'LE'
        ? ok('x86-64')
        : missing(arch(), 'use a machine with an x86-64 processor'),
    },
    { name: 'native parts', look: nativeParts },
    { name: 'privileges', look: privileges },
    { name: 'syscall user dispatch', look: syscallUserDispatch },
    {
      name: 'choosing process ids',
      look: presence('/proc/sys/kernel/ns_last_pid', 'boot a kernel with CHECKPOINT_RESTORE'),
    },
    { name: 'process id namespaces', look: presence('/proc/self/ns/pid', 'boot one with PID_NS') },
  ];
}

/** The probes that concern no particular program or pair. */
export function hostProbes(runtimeDir: string): Probe[] {
  return [
    ...startProbes(),
    { name: 'TCP_REPAIR', look: tcpRepair },
    {
      name: 'BPF type format',
      look: presence('/sys/kernel/btf/vmlinux', 'boot a kernel with CONFIG_DEBUG_INFO_BTF'),
    },
    { name: 'packages', look: packages },
    { name: 'runtime directory', look: () => runtimeDirectory(runtimeDir) },
  ];
}
