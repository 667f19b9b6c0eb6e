/* audit-kernel.ts: bpf/audit.bpf.c as the engine uses it: loads and attaches it, tells it which
 * child is the launcher, and reads what it has counted.
 * The rule: it is attached before the launcher is spawned, so that no call of it is missed. */
import { readFileSync, statSync } from 'node:fs';
import { mapMemory, open, unmapMemory, type BpfMap, type BpfObject } from 'bpf-loader';
import { OperatingError } from '../errors.js';
import { ipv4Bytes } from './arp.js';
import {
  auditKinds, connectionAt, connectionFlag, countersAt, placeAt, seenAt, settingsAt, siteAt,
  siteNameBytes, type AuditKind,
} from './audit-layout.js';
import { readElf } from '../code/elf.js';
import { builtFile } from '../installation.js';

const MAP_BYTES = 4096;
const ARGUMENTS = 6;

/** A place that calls were made from past the shim, and the first of them. */
export interface AuditSite {
  kind: AuditKind;
  /** Number of the system call; of an io_uring's request its opcode. */
  number: number;
  address: bigint;
  count: number;
  first: {
    /** As the program sees them; `hostPid` as the engine does, 0 when it cannot. */
    pid: number;
    tid: number;
    hostPid: number;
    name: string;
    arguments: bigint[];
  };
}

/** One accepted connection of the service address, by the kernel's own account. */
export interface KernelConnection {
  cookie: bigint;
  /** Address, ports and first sequence numbers: what it has in common with the shim's account. */
  key: string;
  client: string;
  port: number;
  deliveredBytes: number;
  leftBytes: number;
  isClosed: boolean;
}

export class AuditKernel {
  readonly #object: BpfObject;
  readonly #sites: BpfMap;
  readonly #connections: BpfMap;
  readonly #view: DataView;

  /** Throws NativeError when the kernel does not let us. `vip` null: no connections. */
  static attach(vip: string | null): AuditKernel {
    const { object, skip } = load();
    try {
      const kernel = new AuditKernel(object, vip);
      for (const { name } of object.programs) if (!skip.includes(name)) object.attach(name);
      return kernel;
    } catch (error) {
      object.close();
      throw error;
    }
  }

  private constructor(object: BpfObject, vip: string | null) {
    this.#object = object;
    this.#sites = object.map('sites');
    this.#connections = object.map('connections');
    this.#view = new DataView(mapMemory(object.map('settings').fd, 0, MAP_BYTES));
    const view = this.#view;
    const text = coreText();
    const pidNs = statSync('/proc/self/ns/pid', { bigint: true });
    view.setBigUint64(settingsAt.textFrom, text.from, true);
    view.setBigUint64(settingsAt.textTo, text.to, true);
    view.setBigUint64(settingsAt.pidNsDev, pidNs.dev, true);
    view.setBigUint64(settingsAt.pidNsInode, pidNs.ino, true);
    view.setUint32(settingsAt.enginePid, process.pid, true);
    view.setUint32(settingsAt.netNsInode, statSync('/proc/self/ns/net').ino, true);
    if (vip !== null) view.setUint32(settingsAt.vip, ipv4Bytes(vip).readUInt32LE(0), true);
  }

  /** Runs `spawn`, whose child is the launcher. It must start no other. */
  spawning(spawn: () => void): void {
    this.#view.setUint32(settingsAt.isSpawning, 1, true);
    try {
      spawn();
    } finally {
      this.#view.setUint32(settingsAt.isSpawning, 0, true);
    }
  }

  /** Findings by kind; exact. */
  found(): Record<AuditKind, number> {
    const entries = auditKinds.map((kind, i) => [kind, this.#counter(countersAt.found + 8 * i)]);
    return Object.fromEntries(entries) as Record<AuditKind, number>;
  }

  /** What found no room, and so is in a total only. */
  lost(): { sites: number; processes: number; connections: number } {
    return {
      sites: this.#counter(countersAt.sitesLost),
      processes: this.#counter(countersAt.processesLost),
      connections: this.#counter(countersAt.connectionsLost),
    };
  }

  get processes(): number {
    return this.#view.getUint32(countersAt.processes, true);
  }

  /** Calls of the tree and segments of the service address that were looked at. */
  seen(): { calls: number; segments: number } {
    const sums = this.#object.perCpuSum('seen');
    return { calls: Number(sums[seenAt.calls]), segments: Number(sums[seenAt.segments]) };
  }

  sites(): AuditSite[] {
    return this.#sites.entries().map(([key, value]) => siteOf(key, value))
      .sort((a, b) => b.count - a.count);
  }

  connections(): KernelConnection[] {
    return this.#connections.entries().map(([key, value]) => connectionOf(key, value));
  }

  /** A connection that is over and was compared. */
  forget(cookie: bigint): void {
    this.#connections.delete(cookie);
  }

  close(): void {
    if (this.#view.buffer.byteLength > 0) unmapMemory(this.#view.buffer as ArrayBuffer);
    this.#object.close();
  }

  #counter(at: number): number {
    return Number(this.#view.getBigUint64(at, true));
  }
}

/** The two programs for requests of an io_uring: a kernel has one of these hooks. */
const ringHooks = ['submitted', 'submitted_then'];

function load(): { object: BpfObject; skip: string[] } {
  const file = builtFile('bpf', 'build', 'audit.bpf.o');
  let refusal: unknown;
  for (const skip of ringHooks.toReversed()) {
    const object = open(file);
    try {
      object.load({ skip: [skip] });
      return { object, skip: [skip] };
    } catch (error) {
      object.close();
      refusal ??= error;
    }
  }
  throw refusal;
}

/** The one range of code that makes calls: the launcher's text, which is the core's. */
export function coreText(): { from: bigint; to: bigint } {
  const path = builtFile('shim', 'build', 'hs-start');
  const code = readElf(readFileSync(path))?.segments.find((segment) => segment.isExecutable);
  if (!code) throw new OperatingError(`${path} is no program: run "npm run setup"`);
  const from = BigInt(code.address);
  return { from, to: from + BigInt(code.end - code.start) };
}

function siteOf(key: Buffer, value: Buffer): AuditSite {
  const name = value.toString('utf8', siteAt.name, siteAt.name + siteNameBytes);
  return {
    kind: auditKinds[key.readUInt32LE(placeAt.kind)]!,
    number: key.readInt32LE(placeAt.number),
    address: key.readBigUInt64LE(placeAt.address),
    count: Number(value.readBigUInt64LE(siteAt.count)),
    first: {
      pid: value.readUInt32LE(siteAt.pid),
      tid: value.readUInt32LE(siteAt.tid),
      hostPid: value.readUInt32LE(siteAt.hostPid),
      name: name.split('\0')[0]!,
      arguments: Array.from({ length: ARGUMENTS }, (_, i) =>
        value.readBigUInt64LE(siteAt.arguments + 8 * i)),
    },
  };
}

function connectionOf(key: Buffer, value: Buffer): KernelConnection {
  const at = connectionAt;
  const port = value.readUInt16BE(at.lport);
  const address = [...value.subarray(at.raddr, at.raddr + 4)].join('.');
  return {
    cookie: key.readBigUInt64LE(0),
    key: connectionKey(value, at),
    client: `${address}:${value.readUInt16BE(at.rport)}`,
    port,
    deliveredBytes: Number(value.readBigUInt64LE(at.delivered)),
    leftBytes: Number(value.readBigUInt64LE(at.left)),
    isClosed: (value.readUInt32LE(at.flags) & connectionFlag.closed) !== 0,
  };
}

/** Two connections of the same ports have other sequence numbers. */
export function connectionKey(
  bytes: Buffer, at: { raddr: number; rport: number; lport: number; iss1: number; irs1: number },
): string {
  const ports = `${bytes.readUInt16LE(at.rport)}:${bytes.readUInt16LE(at.lport)}`;
  const first = `${bytes.readUInt32LE(at.iss1)}:${bytes.readUInt32LE(at.irs1)}`;
  return `${bytes.readUInt32LE(at.raddr)}:${ports}:${first}`;
}
