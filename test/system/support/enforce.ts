/* enforce.ts: the BPF programs of bpf/enforce.bpf.c on the hosts of a test bed, and helper programs
 * that are spoken to line by line (test/system/programs). The rule: programs and maps are reached
 * through the host's own bpffs and die with it; nothing is pinned outside. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Bed, plan, repositoryRoot, type HostName } from '../../../src/bed/bed.js';

export const pins = '/sys/fs/bpf/enforce/maps';
const root = repositoryRoot();
const programs = join(root, 'test/system/programs');

export const role = { off: 0, primary: 1, backup: 2, takeover: 3, live: 4 } as const;
export const flag = {
  used: 1, finOk: 2, shutOk: 4, clamped: 8, unrestored: 16, noted: 32, synOk: 64, confirmed: 128,
  reset: 256,
} as const;
export const optionFlags = 0x70000;
/** The vip as the maps hold it: network order, read as a little-endian number. */
export const vip = Buffer.from(plan.vip.split('.').map(Number)).readUInt32LE();

function mustRun(command: string, args: string[], cwd = root): void {
  const done = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (done.status !== 0) {
    throw new Error(`${command} ${args.join(' ')}: ${done.error?.message ?? done.stderr}`);
  }
}

/** Compiles what the network tests run: BPF objects and helper programs. Gives their folder. */
export function buildPrograms(names: string[]): string {
  const out = join(programs, 'build');
  mkdirSync(out, { recursive: true });
  mustRun('make', ['-s', '-C', 'bpf', 'build/enforce.bpf.o']);
  for (const name of names) {
    const source = [join(programs, `${name}.c`), join(root, 'shim/core/repair.c')];
    mustRun('gcc', ['-D_GNU_SOURCE', '-O2', '-Wall', '-Wextra', '-Werror', '-mcrc32',
      '-o', join(out, name), ...source, '-lbpf']);
  }
  return out;
}

/** Loads the programs and hangs them into the host's service interface. */
export async function attachEnforce(bed: Bed, host: HostName): Promise<void> {
  const device = plan.serviceDevice;
  const at = '/sys/fs/bpf/enforce';
  await bed.run(host, ['mkdir', '-p', at]);
  await bed.run(host, ['bpftool', 'prog', 'loadall', join(root, 'bpf/build/enforce.bpf.o'),
    `${at}/progs`, 'pinmaps', pins]);
  await bed.run(host, ['tc', 'qdisc', 'add', 'dev', device, 'clsact']);
  for (const direction of ['egress', 'ingress']) {
    await bed.run(host, ['tc', 'filter', 'add', 'dev', device, direction, 'bpf', 'da', 'pinned',
      `${at}/progs/${direction}`]);
  }
}

/** A helper program: one line of JSON for every line it is given, within a bound. */
export class Hand {
  private readonly waiting: { resolve(line: string): void; reject(error: Error): void }[] = [];
  private complaints = '';

  constructor(readonly child: ChildProcess, private readonly name: string) {
    if (!child.stdout) throw new Error(`${name} has no output`);
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.waiting.shift()?.resolve(line);
    });
    child.stderr?.on('data', (chunk: Buffer) => (this.complaints += chunk.toString()));
    child.stdin?.on('error', () => undefined); // EPIPE: `close` says what happened
    child.once('close', () => {
      for (const one of this.waiting.splice(0)) {
        one.reject(new Error(`${name} ended: ${this.complaints.trim()}`));
      }
    });
  }

  static on(bed: Bed, host: HostName, argv: string[]): Hand {
    const child = bed.spawn(host, argv, { stdio: ['pipe', 'pipe', 'pipe'] });
    return new Hand(child, `${argv[0]} on ${host}`);
  }

  ask<T = Record<string, number>>(line: string, boundMs = 5000): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`${this.name}: no answer to "${line}" in ${boundMs} ms`)), boundMs);
      this.waiting.push({
        resolve: (answer) => {
          clearTimeout(timer);
          resolve(JSON.parse(answer) as T);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      });
      this.child.stdin?.write(`${line}\n`);
    });
  }
}

/** The maps of `host`; `at` is the host whose network it sends from, the same unless said. */
export function enforceHand(bed: Bed, host: HostName, build: string, at: HostName = host): Hand {
  const argv = [join(build, 'enforce-hand'), pins, plan.serviceDevice];
  if (at === host) return Hand.on(bed, host, argv);
  const child = spawn('nsenter', [`--mount=/proc/${bed.pid(host)}/ns/mnt`,
    `--net=/proc/${bed.pid(at)}/ns/net`, '--wdns=/', '--', ...argv]);
  return new Hand(child, `enforce-hand of ${host} at ${at}`);
}

/** Waits until `probe` gives a value that `good` accepts; each probe is a round trip, no sleep. */
export async function until<T>(
  what: string,
  probe: () => Promise<T>,
  good: (value: T) => boolean,
  boundMs = 5000,
): Promise<T> {
  const end = Date.now() + boundMs;
  for (;;) {
    const value = await probe();
    if (good(value)) return value;
    if (Date.now() > end) throw new Error(`${what}: still ${JSON.stringify(value)}`);
  }
}
