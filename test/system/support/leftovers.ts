/* leftovers.ts: everything a command could leave behind on a host of the bed: processes, addresses,
 * packet filters, BPF programs and maps, namespaces, files under /run. A snapshot before and one
 * after must be equal. The rule: a thing the kernel numbers is asked for by its number, because
 * other tests of this machine make and remove the like all the time. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readlinkSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { plan, type Bed, type HostName } from '../../../src/bed/bed.js';
import { until } from './command.js';

/** What a host shows of itself, as text. */
async function shownBy(bed: Bed, host: HostName): Promise<string> {
  const device = plan.serviceDevice;
  const script = `
    ps -e -o args= | grep -vE '^(ps |grep |sh -c|bash -c )' | sed 's/^/process: /'
    ip -o addr show | sed -E 's/ +valid_lft.*//; s/^/address: /'
    tc qdisc show dev ${device} | sed -E 's/^/qdisc: /'
    for side in ingress egress; do tc filter show dev ${device} $side; done | sed 's/^/filter: /'
    for file in all/arp_ignore ${device}/arp_ignore; do
      echo "setting: $file $(cat /proc/sys/net/ipv4/conf/$file)"
    done
    find /run/hotswap -mindepth 1 2>/dev/null | sed 's/^/file: /'
    ls -A /dev/shm /sys/fs/bpf | sed 's/^/file: /'`;
  return bed.run(host, ['sh', '-c', script]);
}

const namespaceKinds = ['pid', 'mnt', 'uts'] as const;

/** The namespaces of all processes that share a host's network. */
function namespacesOf(bed: Bed, host: HostName): Set<string> {
  const net = readlinkSync(`/proc/${bed.pid(host)}/ns/net`);
  const found = new Set<string>();
  for (const pid of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      if (readlinkSync(`/proc/${pid}/ns/net`) !== net) continue;
      for (const kind of namespaceKinds) found.add(readlinkSync(`/proc/${pid}/ns/${kind}`));
    } catch {
      // It ended while we looked.
    }
  }
  return found;
}

function namespacesOfAll(): Set<string> {
  const found = new Set<string>();
  for (const pid of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      for (const kind of namespaceKinds) found.add(readlinkSync(`/proc/${pid}/ns/${kind}`));
    } catch {
      // It ended while we looked.
    }
  }
  return found;
}

/** Ids of the BPF programs on the service device, and of their maps. */
async function bpfOf(bed: Bed, host: HostName): Promise<{ programs: string[]; maps: string[] }> {
  const shown = await bed.run(host, ['sh', '-c',
    `for side in ingress egress; do tc filter show dev ${plan.serviceDevice} $side; done`]);
  const programs = [...new Set([...shown.matchAll(/ id (\d+) /g)].map((match) => match[1]!))];
  const maps = programs.flatMap((id) => {
    const text = execFileSync('bpftool', ['-j', 'prog', 'show', 'id', id], { encoding: 'utf8' });
    return (JSON.parse(text) as { map_ids?: number[] }).map_ids?.map(String) ?? [];
  });
  return { programs, maps: [...new Set(maps)] };
}

const isThere = (kind: 'prog' | 'map', id: string): boolean =>
  spawnSync('bpftool', [kind, 'show', 'id', id], { stdio: 'ignore' }).status === 0;

export class Traces {
  readonly #namespaces = new Set<string>();
  readonly #programs = new Set<string>();
  readonly #maps = new Set<string>();

  private constructor(
    readonly bed: Bed, readonly host: HostName, readonly before: string,
    readonly own: Set<string>,
  ) {}

  /** To be made before the command is started. */
  static async begin(bed: Bed, host: HostName): Promise<Traces> {
    return new Traces(bed, host, await shownBy(bed, host), namespacesOf(bed, host));
  }

  /** Notes what is there while the command runs. Gives the counts, which a test asserts. */
  async note(): Promise<{ namespaces: number; programs: number; text: string }> {
    const { bed, host } = this;
    for (const each of namespacesOf(bed, host)) {
      if (!this.own.has(each)) this.#namespaces.add(each);
    }
    const { programs, maps } = await bpfOf(bed, host);
    for (const id of programs) this.#programs.add(id);
    for (const id of maps) this.#maps.add(id);
    const text = await shownBy(bed, host);
    return { namespaces: this.#namespaces.size, programs: this.#programs.size, text };
  }

  /** Asserts that nothing of the command is left. The kernel frees some of it a moment later. */
  async assertGone(): Promise<void> {
    const { bed, host, before } = this;
    let after = '';
    let left: string[] = [];
    const look = async (): Promise<boolean> => {
      after = await shownBy(bed, host);
      const all = namespacesOfAll();
      left = [
        ...[...this.#namespaces].filter((each) => all.has(each)),
        ...[...this.#programs].filter((id) => isThere('prog', id)).map((id) => `program ${id}`),
        ...[...this.#maps].filter((id) => isThere('map', id)).map((id) => `map ${id}`),
      ];
      return after === before && left.length === 0;
    };
    await until(look, () => `${host} still has ${left.join(', ')}`, 5000).catch(() => undefined);
    assert.is(after, before, `left on ${host}`);
    assert.equal(left, [], `left on ${host}`);
  }
}
