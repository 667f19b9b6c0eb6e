/* notes.ts: what is noted while a program runs, and put together at the end: the tree of its
 * processes, and at the level `full` what they have mapped, with the tallies read against that.
 * The rule: what can only be asked of a process while it is there is asked at once. */
import { constants } from 'node:os';
import type { Detail, Observation } from '../observation.js';
import type { Kernel } from './kernel.js';
import { LibraryProbes } from './library.js';
import { Places } from './places.js';
import { readTallies, type Tallied } from './tallies.js';
import { Tree, type Process } from './tree.js';

type Noted = Tallied & Pick<Observation, 'processes' | 'shared' | 'gaps'>;

const nothing: Tallied = { sites: [], arguments: [], library: [] };

export class Notes {
  readonly tree: Tree;
  readonly #places: Places;
  readonly #probes: LibraryProbes;
  readonly #isFull: boolean;
  /** The command, which was stopped by the kernel half: that SIGSTOP is none of its own. */
  #stopped = 0;

  constructor(private readonly kernel: Kernel, detail: Detail) {
    this.#isFull = detail === 'full';
    this.tree = new Tree(this.#isFull ? {
      onFound: (process) => this.#look(process),
      onFork: (process) => this.#probes.inherit(process.parent, process.pid),
      onExec: (process, codeStart, loaderBase) => {
        this.#places.noteExec(process, codeStart, loaderBase);
        if (process.exe !== null) this.#probes.add(process.pid, process.exe);
      },
      onCode: (process, { path }) => {
        if (path.startsWith('/')) this.#probes.add(process.pid, path);
      },
    } : {});
    this.#places = new Places(this.tree);
    this.#probes = new LibraryProbes(kernel, this.#places);
  }

  /** The command stands at its first instruction. */
  async prepare(pid: number): Promise<void> {
    if (!this.#isFull) return;
    const process = this.tree.process(pid);
    await this.#probes.prepare(pid, process?.exe ?? null);
    this.#stopped = pid;
    if (process) this.#places.noteMaps(process);
  }

  /** All that is mapped, and the libraries among it. */
  #look(process: Process): void {
    this.#places.noteMaps(process);
    for (const [path, isExecutable] of process.files) {
      if (isExecutable) this.#probes.add(process.pid, path);
    }
  }

  /** What still runs shows once more what it has mapped. */
  lookAgain(): void {
    if (!this.#isFull) return;
    for (const process of this.tree.running) this.#places.noteMaps(process);
  }

  runningPids(): number[] {
    return [...this.tree.running].map(({ pid }) => pid);
  }

  /** After the programs are off their hooks and their last records have come. */
  finish(): Noted {
    const tallied = this.#isFull
      ? readTallies(this.kernel, this.tree, this.#places, this.#probes) : nothing;
    if (this.#stopped !== 0) this.tree.addSignals(this.#stopped, constants.signals.SIGSTOP, -1);
    const shared = [...this.tree.sharings.values()]
      .map(({ what, bytes, pids }) => ({ what, bytes, pids: [...pids] }));
    return { ...tallied, processes: this.tree.observed(), shared, gaps: this.#gaps() };
  }

  #gaps(): string[] {
    const lost = (kind: Parameters<Kernel['lost']>[0]) =>
      this.kernel.lost(kind).reduce((sum, n) => sum + n, 0);
    const sentences: [number, string][] = [
      [lost('events'), 'events found no room in the stream: the counts have them all the same'],
      [lost('facts'), 'records of processes and mappings found no room: some are not named'],
      [lost('tallies'), 'calls were too various to be tallied by place or argument'],
      [lost('threads'), 'threads could not be followed: their calls are not counted'],
      [this.kernel.missed(), 'calls came while another was being counted, and are not counted'],
      [this.tree.unkept, 'processes and mappings were more than are kept'],
    ];
    return [
      ...sentences.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`),
      ...this.#isFull ? this.#probes.gaps() : [],
    ];
  }
}
