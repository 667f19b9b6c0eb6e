/* bed.ts: the test bed: three hosts (client, primary, backup) on one machine, joined by two bridges
 * in a fourth namespace. `service` is the network the client uses and the VIP lives on; `channel`
 * joins primary and backup only, so that the two can fail apart. Used by the demo, the tests,
 * torture and bench alike. The rule: a bed leaves nothing behind, however its maker ends. */
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NotReplicable, OperatingError } from '../errors.js';
import { Host, holderTag, processStart } from './host.js';
import { BatchShell, ipBatch } from './ip.js';
import { adopt, disown, sweepStale } from './sweep.js';

export type HostName = 'client' | 'primary' | 'backup';
export type LinkName = 'service' | 'channel' | 'all';

export const hostNames: readonly HostName[] = ['client', 'primary', 'backup'];

/** Where everything is; the same in every bed, since beds cannot see each other. */
export const plan = {
  serviceDevice: 'svc0',
  channelDevice: 'chan0',
  vip: '10.77.0.100',
  vipPrefix: '10.77.0.100/24',
  service: { client: '10.77.0.1', primary: '10.77.0.2', backup: '10.77.0.3' },
  channel: { primary: '10.78.0.2', backup: '10.78.0.3' },
  mac: {
    client: '02:48:53:00:00:01',
    primary: '02:48:53:00:00:02',
    backup: '02:48:53:00:00:03',
  },
} as const;

export interface BedOptions {
  /** Directories outside the root file system that hosts must see; the repository always is. */
  visible?: readonly string[];
}

let bedCount = 0;

export class Bed {
  /** `hs-PID-N`: unique among the beds of a machine. */
  readonly id: string;
  private readonly hosts = new Map<HostName, Host>();
  private switchHost: Host | undefined;
  private links: BatchShell | undefined;
  private ports: BatchShell | undefined;
  private closing: Promise<void> | undefined;

  private constructor(private readonly options: BedOptions) {
    this.id = `hs-${process.pid}-${++bedCount}`;
  }

  /** Makes the hosts and networks (about 150 ms). Needs root, iproute2 and util-linux. */
  static async create(options: BedOptions = {}): Promise<Bed> {
    const uid = process.geteuid?.() ?? 0;
    if (uid !== 0) {
      throw new NotReplicable(
        `the test bed needs root to make network namespaces, and this is uid ${uid}: use sudo`,
      );
    }
    sweepStale();
    const bed = new Bed(options);
    adopt(bed);
    try {
      await bed.build();
      return bed;
    } catch (cause) {
      await bed.close();
      throw cause;
    }
  }

  /** Starts a program on a host; `kill()` of the result signals the program itself. */
  spawn(host: HostName, argv: readonly string[], options: SpawnOptions = {}): ChildProcess {
    return this.host(host).spawn(argv, options);
  }

  /** Starts a program in the network namespace that holds the bridges: `service-p` is the port of
   * the primary on the service network, and so on. */
  spawnAtSwitch(argv: readonly string[], options: SpawnOptions = {}): ChildProcess {
    if (!this.switchHost) throw new OperatingError(`bed ${this.id} is closed`);
    return this.switchHost.spawn(argv, options);
  }

  /** Runs a program on a host to its end; resolves with its output, rejects on a bad exit. */
  run(host: HostName, argv: readonly string[], options: SpawnOptions = {}): Promise<string> {
    const stdio = ['ignore', 'pipe', 'pipe'] as const;
    const child = this.spawn(host, argv, { ...options, stdio: [...stdio] });
    return new Promise((resolve, reject) => {
      let out = '';
      let complaints = '';
      child.stdout?.on('data', (chunk: Buffer) => (out += chunk.toString()));
      child.stderr?.on('data', (chunk: Buffer) => (complaints += chunk.toString()));
      child.once('error', reject);
      child.once('close', (code, signal) => {
        if (code === 0) return resolve(out);
        const end = `${argv.join(' ')} on ${host} ended with ${signal ?? code}`;
        reject(new OperatingError(`${end}: ${(complaints || out).trim()}`));
      });
    });
  }

  /** A file of a host, as this process can open it. */
  path(host: HostName, inside: string): string {
    return this.host(host).path(inside);
  }

  async writeFile(host: HostName, inside: string, data: string | Buffer, mode = 0o600) {
    await mkdir(dirname(this.path(host, inside)), { recursive: true });
    await writeFile(this.path(host, inside), data, { mode });
  }

  /** PID 1 of a host, for tools that enter by themselves. */
  pid(host: HostName): number {
    return this.host(host).pid;
  }

  /** Takes the switch's end of a host's cable down; the host sees its carrier go. */
  async cutLink(host: HostName, link: LinkName = 'all'): Promise<void> {
    await this.setLinks(host, link, 'down');
  }

  async restoreLink(host: HostName, link: LinkName = 'all'): Promise<void> {
    await this.setLinks(host, link, 'up');
  }

  /** SIGKILL for every process of a host at once; the host itself and its kernel state stay. */
  async killProcesses(host: HostName): Promise<void> {
    await this.host(host).killAll();
  }

  /**
   * The power cut: no packet leaves any more, and all processes are dead. Cables first, or the
   * dying kernel would say goodbye (FIN, RST) to peers, which a machine without power cannot.
   * Resolves with the monotonic time (ns, process.hrtime) just before.
   */
  async powerCut(host: HostName): Promise<bigint> {
    const at = process.hrtime.bigint();
    // Disabling the switch's ports takes effect at once; `link down` waits for an RCU period.
    await this.ports?.run(portsOf(host).map(disablePort));
    await this.killProcesses(host);
    await this.setLinks(host, 'all', 'down');
    return at;
  }

  /** Replaces hosts by fresh ones: no processes, no files, no kernel state of before. */
  async reset(names: readonly HostName[] = hostNames): Promise<void> {
    await ipBatch(this.switchPid, names.flatMap(portsOf).map((port) => `link del ${port}`));
    await Promise.all(names.map((name) => this.host(name).close()));
    await Promise.all(names.map((name) => this.makeHost(name)));
    await this.connect(names);
  }

  /** Removes everything. Safe to call twice and at any time. */
  close(): Promise<void> {
    this.closing ??= (async () => {
      this.closeShells();
      const all = [...this.hosts.values(), this.switchHost].filter((host) => host !== undefined);
      await Promise.all(all.map((host) => host.close()));
      disown(this);
    })();
    return this.closing;
  }

  /** The same without waiting, for exit handlers. */
  closeNow(): void {
    for (const host of [...this.hosts.values(), this.switchHost]) host?.closeNow();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  private host(name: HostName): Host {
    const host = this.hosts.get(name);
    if (!host) throw new OperatingError(`bed ${this.id} has no host ${name} any more`);
    return host;
  }

  private get switchPid(): number {
    if (!this.switchHost) throw new OperatingError(`bed ${this.id} is closed`);
    return this.switchHost.pid;
  }

  private closeShells(): void {
    this.links?.close();
    this.ports?.close();
  }

  private async build(): Promise<void> {
    const tag = holderTag(process.pid, processStart(process.pid) ?? '0', this.id, 'switch');
    this.switchHost = await Host.create('switch', tag, []);
    await ipBatch(this.switchHost.pid, [
      'link add br-service type bridge stp_state 0 forward_delay 0 mcast_snooping 0',
      'link add br-channel type bridge stp_state 0 forward_delay 0 mcast_snooping 0',
      'link set br-service up',
      'link set br-channel up',
    ]);
    await Promise.all(hostNames.map((name) => this.makeHost(name)));
    await this.connect(hostNames);
  }

  private async makeHost(name: HostName): Promise<void> {
    const tag = holderTag(process.pid, processStart(process.pid) ?? '0', this.id, name);
    const visible = [repositoryRoot(), dirname(process.execPath), ...(this.options.visible ?? [])];
    this.hosts.set(name, await Host.create(name, tag, visible));
  }

  /** Cables and addresses of freshly made hosts. */
  private async connect(names: readonly HostName[]): Promise<void> {
    const cables = names.flatMap((name) => cableCommands(name, this.host(name).pid));
    await ipBatch(this.switchPid, cables);
    this.closeShells();
    this.links = new BatchShell(this.switchPid, 'ip', 'link show lo');
    this.ports = new BatchShell(this.switchPid, 'bridge', 'link show dev service-c');
    await Promise.all(names.map((name) => this.configure(name)));
  }

  private async configure(name: HostName): Promise<void> {
    const { serviceDevice: svc, channelDevice: chan } = plan;
    const lines = [`addr add ${plan.service[name]}/24 dev ${svc}`, `link set ${svc} up`];
    if (name !== 'client') {
      lines.push(`addr add ${plan.channel[name]}/24 dev ${chan}`, `link set ${chan} up`);
    }
    // The backup holds the VIP from the start, silently (as LVS-DR's real servers do): taking
    // over is then a change of arp_ignore and a gratuitous ARP, not a new address.
    if (name === 'primary') lines.push(`addr add ${plan.vipPrefix} dev ${svc}`);
    if (name === 'backup') {
      await this.run(name, ['sysctl', '-qw', 'net.ipv4.conf.all.arp_ignore=1',
        'net.ipv4.conf.all.arp_announce=2']);
      lines.push(`addr add ${plan.vip}/32 dev lo`);
    }
    await ipBatch(this.pid(name), lines);
  }

  private async setLinks(host: HostName, link: LinkName, state: 'up' | 'down'): Promise<void> {
    const ports = portsOf(host).filter((port) => link === 'all' || port.startsWith(link));
    if (!this.links) throw new OperatingError(`bed ${this.id} is closed`);
    if (state === 'down') await this.ports?.run(ports.map(disablePort));
    await this.links.run(ports.map((port) => `link set ${port} ${state}`));
  }
}

function portsOf(host: HostName): string[] {
  return host === 'client' ? ['service-c'] : [`service-${host[0]}`, `channel-${host[0]}`];
}

/** In `bridge` syntax. A port that is taken down and up forwards again. */
function disablePort(port: string): string {
  return `link set dev ${port} state 0`;
}

function cableCommands(host: HostName, pid: number): string[] {
  return portsOf(host).flatMap((port) => {
    const service = port.startsWith('service');
    const device = service ? plan.serviceDevice : plan.channelDevice;
    const mac = service ? plan.mac[host] : plan.mac[host].replace('02:48', '02:49');
    return [
      `link add ${port} type veth peer name ${device} address ${mac} netns ${pid}`,
      `link set ${port} master ${service ? 'br-service' : 'br-channel'} up`,
    ];
  });
}

/** The directory with package.json above this file, be it in src/ or in dist/src/. */
export function repositoryRoot(): string {
  let dir = dirname(fileURLToPath(import.meta.url));
  for (; dir !== '/'; dir = dirname(dir)) {
    if (existsSync(`${dir}/package.json`)) return dir;
  }
  throw new OperatingError('cannot find the package that this test bed belongs to');
}
