/* enforcement.ts: the BPF program on the service's interface (bpf/enforce.bpf.c): loads and
 * attaches it, gives its maps to whoever needs them, and takes it off again.
 * The rule: it is attached before the program starts and detached after it has ended, so that no
 * packet of the service is ever without it. */
import { readFileSync } from 'node:fs';
import { interfaceMac, open, type BpfObject } from 'bpf-loader';
import { NotReplicable, errnoOf } from '../errors.js';
import { ipv4Bytes } from './arp.js';
import { HELD_BYTES } from './openings.js';
import { EnforcementMap, netRole, type NetRole } from './enforcement-map.js';
import { builtFile } from '../installation.js';
import type { MapFds } from './session.js';

/** Ours are found again by these, also those a killed engine left. */
const FILTER = { priority: 1, handle: 0x4853, replace: true } as const;

/** It wakes us itself; this is only a bound. */
const HELD_POLL_MS = 1000;

function deviceNumber(dev: string): number {
  return Number(readFileSync(`/sys/class/net/${dev}/ifindex`, 'latin1'));
}

export class Enforcement {
  readonly fds: MapFds;
  readonly settings: EnforcementMap;
  readonly #object: BpfObject;

  /** Throws NotReplicable when the kernel does not let us. */
  static attach(dev: string, vip: string, role: NetRole): Enforcement {
    let object: BpfObject | undefined;
    try {
      object = open(builtFile('bpf', 'build', 'enforce.bpf.o')).load();
      const enforcement = new Enforcement(object, dev, vip, role);
      object.attach('egress', { ifname: dev, direction: 'egress', ...FILTER });
      object.attach('ingress', { ifname: dev, direction: 'ingress', ...FILTER });
      return enforcement;
    } catch (cause) {
      object?.close();
      const reason = errnoOf(cause);
      if (reason === undefined) throw cause;
      throw new NotReplicable(
        `the packets of ${dev} cannot be controlled (${(cause as Error).message}): ` +
          'run as root, and see "hs-replicate check"', { reason, cause });
    }
  }

  private constructor(object: BpfObject, dev: string, vip: string, role: NetRole) {
    this.#object = object;
    const free = object.map('free_slots');
    for (let slot = 0; slot < free.maxEntries; slot++) free.set(new Uint8Array(0), slot);
    this.fds = {
      settings: object.map('settings').fd, slots: object.map('slots').fd,
      index: object.map('index').fd, free: free.fd,
    };
    this.settings = new EnforcementMap(this.fds.settings);
    this.settings.set('vip', ipv4Bytes(vip).readUInt32LE(0)); // as it lies in a packet
    this.settings.set('device', deviceNumber(dev));
    this.settings.setMac(interfaceMac(dev));
    this.settings.set('role', role);
  }

  /** Answers to clients that are kept back, HELD_BYTES each (openings.ts). */
  onHeld(listener: (held: Uint8Array) => void): void {
    this.#object.ringBuffer('held', (batch, offsets) => {
      const held = new Uint8Array(offsets.length * HELD_BYTES);
      offsets.forEach((from, i) => {
        held.set(new Uint8Array(batch, from, HELD_BYTES), i * HELD_BYTES);
      });
      listener(held);
    }, { isPrompt: true, pollMs: HELD_POLL_MS, keepLoop: false });
  }

  /** Lets everything pass again, and detaches. */
  close(): void {
    this.settings.set('role', netRole.off);
    this.settings.close();
    this.#object.close();
  }
}
