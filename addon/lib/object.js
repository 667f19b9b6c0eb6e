// BPF objects: opening, loading, attaching. The object owns what was made from it: its close()
// closes links, ring buffers and mapped maps first.
import { existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { ArgumentError, attempt, check, checkInteger, checkName } from './errors.js';
import { Handle } from './handle.js';
import { BpfMap } from './map.js';
import { closeFd } from './memory.js';
import { native } from './native.js';
import { RingBuffer } from './ring.js';

/** Section names, and who attaches such a program. The first that matches decides. */
const attachers = [
  { sections: /^u(ret)?probe(\.s)?(\/|$)/, attach: attachUprobe },
  { sections: /^(tc|classifier)(\/|$)/, attach: attachTc },
  { sections: /^xdp(\.frags)?(\/|$)/, attach: attachXdp },
  { sections: /^(cgroup_skb|cgroup|sockops)(\/|$)/, attach: attachCgroup },
  {
    sections: new RegExp(
      '^(raw_tp|raw_tracepoint|tp_btf|tp|tracepoint|k(ret)?probe(\\.multi)?|k(ret)?syscall|fentry'
      + '|fexit|fmod_ret|lsm|usdt|iter)(\\.[sw])?(\\/|$)'),
    attach: attachAuto,
  },
];

/** The section as libbpf matches it; a `?` in front only means "not loaded by default". */
const plainSection = (section) => section.replace(/^\?/, '');

function tracepointHint(section) {
  return (code) => {
    const isTracepoint = /^(tp|tracepoint)\//.test(section);
    if (code === 'ENOENT' && isTracepoint && !existsSync('/sys/kernel/tracing/events')) {
      return 'tracefs is not mounted: mount -t tracefs tracefs /sys/kernel/tracing';
    }
    return code === 'EPERM' ? 'root is needed, or the kernel is locked down' : undefined;
  };
}

function attachAuto(object, program, target) {
  check(target === undefined, `${program.section} takes no target: its section says it all`);
  const hint = tracepointHint(plainSection(program.section));
  return attempt(`attach ${program.name}`, () => native.attachAuto(object, program.name), hint);
}

function attachUprobe(object, program, target) {
  const section = plainSection(program.section);
  if (target === undefined && section.includes('/')) return attachAuto(object, program, target);
  check(target !== undefined, `${section} needs a target { binary, symbol or offset }`);
  const { binary, symbol, offset = 0, pid = -1 } = target;
  checkName(binary, 'target.binary');
  if (symbol !== undefined) checkName(symbol, 'target.symbol');
  check(symbol !== undefined || target.offset !== undefined, 'target needs a symbol or an offset');
  checkInteger(offset, 0, Number.MAX_SAFE_INTEGER, 'target.offset');
  checkInteger(pid, -1, 0x3fffff, 'target.pid');
  const isReturn = section.startsWith('uret');
  return attempt(`attach ${program.name} to ${binary}`, () =>
    native.attachUprobe(object, program.name, isReturn, pid, binary, offset, symbol));
}

function indexOf(target, section) {
  check(target !== undefined, `${section} needs a target { ifname }`);
  checkName(target.ifname, 'target.ifname');
  return attempt(`find ${target.ifname}`, () => native.interfaceIndex(target.ifname));
}

function attachXdp(object, program, target) {
  const ifindex = indexOf(target, program.section);
  return attempt(`attach ${program.name} to ${target.ifname}`, () =>
    native.attachXdp(object, program.name, ifindex));
}

function attachCgroup(object, program, target) {
  check(target !== undefined, `${program.section} needs a target { cgroup }`);
  checkName(target.cgroup, 'target.cgroup');
  return attempt(`attach ${program.name} to ${target.cgroup}`, () =>
    native.attachCgroup(object, program.name, target.cgroup));
}

function attachTc(object, program, target) {
  const ifindex = indexOf(target, program.section);
  const { direction, priority = 0, handle = 0, replace = false } = target;
  check(direction === 'ingress' || direction === 'egress',
    `target.direction must be 'ingress' or 'egress', not ${String(direction)}`);
  checkInteger(priority, 0, 0xffff, 'target.priority');
  checkInteger(handle, 0, 0xffffffff, 'target.handle');
  check(!replace || (priority > 0 && handle > 0), 'target.replace needs a priority and a handle');
  const isEgress = direction === 'egress';
  return attempt(`attach ${program.name} to ${target.ifname}`, () =>
    native.attachTc(object, program.name, ifindex, isEgress, priority, handle, replace));
}

/** Links that the kernel would keep after the process: only tc's. process.exit() ends Node without
 * the clean-up that an environment otherwise gets, so they are closed before. */
const outliving = new Set();

function closeAtExit(link) {
  if (outliving.size === 0) process.on('exit', closeOutliving);
  outliving.add(link);
}

function forgetAtExit(link) {
  if (outliving.delete(link) && outliving.size === 0) process.off('exit', closeOutliving);
}

function closeOutliving() {
  for (const link of [...outliving]) {
    try {
      link.close();
    } catch (error) {
      process.emitWarning(error);
    }
  }
}

class Link extends Handle {
  #native;
  #forget;

  constructor(program, handle, forget) {
    super(`the link of ${program}`);
    this.program = program;
    this.#native = handle;
    this.#forget = forget;
  }

  walk() {
    this.checkOpen();
    attempt(`walk ${this.program}`, () => native.linkWalk(this.#native));
  }

  release() {
    this.#forget(this);
    forgetAtExit(this);
    attempt(`detach ${this.program}`, () => native.linkClose(this.#native));
  }
}

class BpfObject extends Handle {
  #name;
  #native;
  #loaded = false;
  #maps = new Map();
  #children = new Set();

  constructor(bytes, name) {
    super(`BPF object ${name}`);
    this.#name = name;
    this.#native = attempt(`open ${name}`, () => native.objectOpen(bytes, name));
    this.#describe();
  }

  /** Reads names and sizes; after load() again, for the descriptors. */
  #describe() {
    const { programs, maps } = native.objectDescribe(this.#native);
    this.programs = programs.map(({ name, section }) => Object.freeze({ name, section }));
    this.maps = maps.map(({ fd, ...shown }) => Object.freeze(shown));
    for (const row of maps) {
      const known = this.#maps.get(row.name);
      if (known) known.describe(row);
      else this.#maps.set(row.name, new BpfMap(this, this.#native, row));
    }
  }

  get loaded() {
    return this.#loaded;
  }

  load({ skip = [] } = {}) {
    this.checkOpen();
    check(!this.#loaded, `${this.#name} is loaded already`);
    for (const name of skip) native.programSkip(this.#native, this.#program(name).name);
    attempt(`load ${this.#name}`, () => native.objectLoad(this.#native));
    this.#loaded = true;
    this.#describe();
    return this;
  }

  attach(name, target) {
    this.checkOpen();
    const program = this.#program(name);
    check(this.#loaded, `${this.#name} must be loaded before ${name} is attached`);
    const section = plainSection(program.section);
    const kind = attachers.find(({ sections }) => sections.test(section));
    check(kind !== undefined, `programs of section ${section} cannot be attached by this package`);
    const handle = kind.attach(this.#native, program, target);
    const link = new Link(name, handle, (closed) => this.#children.delete(closed));
    this.#children.add(link);
    if (kind.attach === attachTc) closeAtExit(link);
    return link;
  }

  map(name) {
    this.checkOpen();
    const map = this.#maps.get(name) ?? this.#globals(name);
    if (map) return map;
    throw new ArgumentError(`${this.#name} has no map ${name}; it has ${listOf(this.maps)}`);
  }

  ringBuffer(mapName, onBatch, options) {
    const map = this.map(mapName);
    const forget = (closed) => this.#children.delete(closed);
    const ring = new RingBuffer(map, onBatch, options, forget);
    this.#children.add(ring);
    return ring;
  }

  statistics() {
    this.checkOpen();
    check(this.#loaded, `${this.#name} must be loaded before its programs have statistics`);
    return attempt('read statistics', () => native.objectStatistics(this.#native));
  }

  perCpuSum(mapName) {
    return this.map(mapName).perCpuSum();
  }

  release() {
    let failure;
    for (const child of [...this.#children]) {
      try {
        child.close();
      } catch (error) {
        failure ??= error;
      }
    }
    for (const map of this.#maps.values()) map.unmapAll();
    native.objectClose(this.#native);
    if (failure !== undefined) throw failure;
  }

  /** libbpf puts (part of) the object's name before `.rodata`, `.data` and `.bss`. */
  #globals(section) {
    if (!/^\.(rodata|data|bss)$/.test(section)) return undefined;
    return [...this.#maps.values()].find(({ name }) => name.endsWith(section));
  }

  #program(name) {
    const program = this.programs.find((one) => one.name === name);
    if (program) return program;
    const all = listOf(this.programs);
    throw new ArgumentError(`${this.#name} has no program ${String(name)}; it has ${all}`);
  }
}

class Measurement extends Handle {
  #fd;

  constructor() {
    super('the measurement of run times');
    this.#fd = attempt('measure run times', () => native.measureOpen());
  }

  release() {
    closeFd(this.#fd);
  }
}

export const measureRunTimes = () => new Measurement();

const listOf = (named) => named.map(({ name }) => name).join(', ') || 'none';

export function open(source, { name } = {}) {
  if (typeof source === 'string' || source instanceof URL) {
    const bytes = readFileSync(source);
    return new BpfObject(bytes, name ?? basename(String(source)).replace(/(\.bpf)?\.o$/, ''));
  }
  check(source instanceof Uint8Array, 'open() takes the path of an object file, or its bytes');
  return new BpfObject(source, name ?? 'bpf_object');
}
