/* kernel.ts: the kernel half while it is loaded: settings in, programs on their hooks, counters
 * out. Whoever makes one closes it; afterwards nothing of it is in the kernel.
 * The rule: a refusal becomes one sentence that says what to do. */
import {
  NativeError, features, measureRunTimes, open, type BpfObject, type FeatureName, type Link,
  type RingBuffer,
} from 'bpf-loader';
import {
  lossRow, observeNative, observeRules, ruleBytes, ruleOffsets, settingsBytes, settingsOffsets,
  stateOffsets,
} from '../../../bpf/observe-layout.js';
import { NotReplicable, OperatingError } from '../../errors.js';
import { builtFile } from '../../installation.js';
import { details, type Detail } from '../observation.js';

/** A deciding argument as observe.h wants it. */
export interface KernelRule {
  readonly nr: number;
  readonly kind: number;
  readonly argument: number;
  readonly mask: bigint;
}

export interface KernelSettings {
  readonly detail: Detail;
  readonly isStreaming: boolean;
  /** Process to watch with its descendants; undefined: the next child of this process. */
  readonly pid: number | undefined;
  readonly rules: readonly KernelRule[];
}

/** Maps that a level does not use are as small as they can be. */
const mapsOf: Record<string, (settings: KernelSettings) => boolean> = {
  times: ({ detail }) => detail !== 'counts',
  slots: ({ detail }) => detail === 'full',
  tallies: ({ detail }) => detail === 'full',
  texts: ({ detail }) => detail === 'full',
};

/** Programs that not every level needs. */
const programsOf: Record<string, (settings: KernelSettings) => boolean> = {
  on_enter: ({ detail, isStreaming }) => detail !== 'counts' || isStreaming,
  on_signal: ({ detail }) => detail === 'full',
  on_library: ({ detail }) => detail === 'full',
};

const treeHooks: readonly string[] = ['on_fork', 'on_end', 'on_exec'];
const smallestRing = 4096;

export class Kernel {
  readonly object: BpfObject;
  /** What is attached now; whoever attaches more adds to it. */
  readonly links: Link[] = [];
  readonly #state: Uint32Array;
  readonly #walk: () => void;
  readonly #used: (program: string) => boolean;

  /** Loads, and finds out who this process is; nothing is watched yet. Throws OperatingError. */
  constructor(settings: KernelSettings) {
    this.object = open(builtFile('bpf', 'build', 'observe.bpf.o'));
    this.#used = (program) => programsOf[program]?.(settings) ?? true;
    try {
      for (const [name, isUsed] of Object.entries(mapsOf)) {
        if (!isUsed(settings)) this.object.map(name).setMaxEntries(1);
      }
      if (!settings.isStreaming) this.object.map('events').setMaxEntries(smallestRing);
      this.object.map('.rodata').setInitialValue(encodeSettings(settings));
      const skip = Object.keys(programsOf).filter((program) => !this.#used(program));
      this.object.load({ skip });
      this.#state = new Uint32Array(this.object.map('.bss').mmap());
      const walker = this.object.attach('walk');
      this.#walk = () => walker.walk();
    } catch (error) {
      this.object.close();
      throw explain(error);
    }
  }

  /** Puts the programs on their hooks; the tree's first, so that no fork is missed. */
  attach(): void {
    const hooks = [...treeHooks, 'on_signal', 'on_exit', 'on_enter'];
    try {
      for (const program of hooks.filter(this.#used)) this.links.push(this.object.attach(program));
    } catch (error) {
      throw explain(error);
    }
  }

  /** Takes programs off their hooks: those of calls, or the tree's too; maps stay until close(). */
  detach(what: 'calls' | 'all'): void {
    const isKept = ({ program }: Link) => what === 'calls' && treeHooks.includes(program);
    const kept = this.links.filter(isKept);
    for (const link of this.links.splice(0, this.links.length, ...kept)) {
      if (!isKept(link)) link.close();
    }
  }

  /** Marks all threads of the target and of its descendants. Returns how many there are. */
  markAll(): number {
    let before: number;
    do {
      before = this.state('marked');
      this.#walk();
    } while (this.state('marked') !== before);
    return before;
  }

  /** The next child of this process is the one to watch. */
  arm(): void {
    this.#walk();
    Atomics.store(this.#state, stateOffsets.arming / 4, 1);
  }

  state(name: keyof typeof stateOffsets): number {
    return Atomics.load(this.#state, stateOffsets[name] / 4);
  }

  /** Losses of a kind, by CPU. */
  lost(kind: keyof typeof lossRow): number[] {
    const value = this.object.map('lost').get(lossRow[kind])!;
    return Array.from({ length: value.length / 8 }, (_, cpu) =>
      Number(value.readBigUInt64LE(cpu * 8)));
  }

  /** Losses of all kinds together, by CPU. */
  lostPerCpu(): number[] {
    const kinds = Object.keys(lossRow) as (keyof typeof lossRow)[];
    const all = kinds.map((kind) => this.lost(kind));
    return all[0]!.map((_, cpu) => all.reduce((sum, of) => sum + of[cpu]!, 0));
  }

  /** How often a program was not run because it ran on that CPU already; 0 is what is expected. */
  missed(): number {
    return this.object.statistics().reduce((sum, { missed }) => sum + missed, 0);
  }

  /** Records of the ring `facts`, as they come. */
  facts(onRecord: (view: DataView, at: number) => void): RingBuffer {
    return this.object.ringBuffer('facts', (batch, offsets) => {
      const view = new DataView(batch);
      for (const at of offsets) onRecord(view, at);
    }, { pollMs: 2 });
  }

  /** While it is open the kernel measures what the programs take; null where it cannot. */
  measure(): ReturnType<typeof measureRunTimes> | null {
    try {
      return measureRunTimes();
    } catch (error) {
      if (error instanceof NativeError) return null;
      throw error;
    }
  }

  /** Nanoseconds per call of what runs on a call's way, over the times that were measured. */
  nsPerCall(): number | null {
    const rows = this.object.statistics();
    const of = (name: string) => rows.find((row) => row.name === name);
    const exits = of('on_exit');
    if (!exits || exits.runs === 0) return null;
    const ns = exits.runNs + (of('on_enter')?.runNs ?? 0);
    return ns / exits.runs;
  }

  close(): void {
    this.object.close();
  }
}

function encodeSettings({ detail, isStreaming, pid, rules }: KernelSettings): Buffer {
  const bytes = Buffer.alloc(settingsBytes);
  bytes.writeUInt32LE(details.indexOf(detail), settingsOffsets.detail);
  bytes.writeUInt32LE(isStreaming ? 1 : 0, settingsOffsets.streams);
  bytes.writeUInt32LE(detail === 'full' && pid === undefined ? 1 : 0, settingsOffsets.stops);
  bytes.writeUInt32LE(pid ?? 0, settingsOffsets.target);
  const taken = new Map<number, number>();
  for (const { nr, kind, argument, mask } of rules) {
    const which = taken.get(nr) ?? 0;
    if (nr >= observeNative || which >= observeRules) {
      throw new RangeError(`no room for a rule of call ${nr}`);
    }
    taken.set(nr, which + 1);
    const at = settingsOffsets.rules + (nr * observeRules + which) * ruleBytes;
    bytes.writeUInt16LE(kind, at + ruleOffsets.kind);
    bytes.writeUInt16LE(argument, at + ruleOffsets.argument);
    bytes.writeBigUInt64LE(mask, at + ruleOffsets.mask);
  }
  return bytes;
}

/** What the observer cannot do without. */
const needed: readonly FeatureName[] = ['btf', 'tp_btf', 'ringbuf', 'mmapable_array'];

/** A refusal of the kernel as a sentence: the missing feature by name, if it is one. */
export function explain(error: unknown): unknown {
  if (!(error instanceof NativeError)) return error;
  const detail = { reason: error.code, cause: error };
  if (error.code === 'EPERM' || error.code === 'EACCES') {
    return new OperatingError(
      'watching needs root, or CAP_BPF and CAP_PERFMON: run it with sudo, outside of containers '
        + 'without these', detail);
  }
  const found = features();
  const missing = needed.find((name) => !found[name].available);
  if (missing === undefined) {
    return new OperatingError(`the kernel refuses the observer's programs: ${error.message}`,
      detail);
  }
  return new NotReplicable(
    `this kernel lacks ${missing}, which watching needs: boot one with BTF and BPF tracing`,
    { ...detail, reason: missing });
}
