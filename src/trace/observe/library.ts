/* library.ts: functions that answer from the vDSO, and instructions that answer by themselves: no
 * system call shows them. Breakpoints (uprobes) are put on them, in the processes being watched
 * and in no other: a breakpoint in a stranger would cost the stranger.
 * A process's breakpoints outlive its execs. Those of a child that is forked are put in when its
 * record arrives, some milliseconds late: what it called before is not counted.
 * The rule: what could not be watched is a sentence in `gaps`. */
import { NativeError } from 'bpf-loader';
import { readFileSync } from 'node:fs';
import { instructionPlaces, type InstructionPlace } from './instructions.js';
import type { Kernel } from './kernel.js';
import type { Place, Places } from './places.js';
import type { FunctionSymbol } from './symbols.js';

/** Functions of libc (and the vDSO's own names, where something else than libc has them). */
const names = new Set([
  'clock_gettime', 'gettimeofday', 'time', 'getcpu', 'sched_getcpu', 'clock_getres',
  '__clock_gettime', '__gettimeofday', '__vdso_clock_gettime', '__vdso_gettimeofday',
]);

/** Each is some breakpoints: the kernel is asked for no more than this many processes' at once. */
const processesMax = 32;

export class LibraryProbes {
  readonly #files = new Map<string, FunctionSymbol[]>();
  readonly #done = new Map<number, Set<string>>();
  readonly #gaps = new Set<string>();
  readonly #left = new Set<number>();
  #instructions = new Map<string, InstructionPlace[]>();

  constructor(private readonly kernel: Kernel, private readonly places: Places) {}

  /** Before a command runs: the C library is most likely the one that this process has; what
   * nothing intercepts is looked for in all files that its start will map. */
  async prepare(pid: number, exe: string | null): Promise<void> {
    this.#instructions = exe === null ? this.#instructions : await instructionPlaces(exe);
    for (const file of this.#instructions.keys()) this.add(pid, file);
    const own = /^\S+ r-xp .* (\/\S*\/libc[.-]\S*)$/m.exec(readFileSync('/proc/self/maps', 'utf8'));
    if (own) this.add(pid, own[1]!);
    if (exe !== null) this.add(pid, exe);
  }

  /** A process has this file's code mapped. */
  add(pid: number, file: string): void {
    const places = [...this.#functionsOf(file), ...this.#instructions.get(file) ?? []];
    if (places.length === 0) return;
    const done = this.#done.get(pid) ?? new Set<string>();
    if (done.has(file)) return;
    if (!this.#done.has(pid) && this.#done.size >= processesMax) {
      this.#left.add(pid);
      return;
    }
    done.add(file);
    this.#done.set(pid, done);
    const offsets = new Set(places.map(({ offset }) => offset));
    for (const offset of offsets) this.#attach(pid, file, offset);
  }

  /** What the parent has, its child has too. */
  inherit(parent: number, child: number): void {
    for (const file of this.#done.get(parent) ?? []) this.add(child, file);
  }

  #attach(pid: number, file: string, offset: number): void {
    try {
      const { links, object } = this.kernel;
      links.push(object.attach('on_library', { binary: file, offset, pid }));
    } catch (error) {
      if (!(error instanceof NativeError)) throw error;
      if (error.code === 'ESRCH') return; // it ended meanwhile
      this.#gaps.add(`functions of ${file} are not counted: the kernel refuses (${error.code})`);
    }
  }

  #functionsOf(file: string): readonly FunctionSymbol[] {
    const known = this.#files.get(file);
    if (known) return known;
    const all = this.places.symbols(file)?.functions ?? [];
    const functions = all.filter(({ name }) => names.has(name));
    this.#files.set(file, functions);
    const indirect = functions.filter(({ isIndirect }) => isIndirect).map(({ name }) => name);
    if (indirect.length > 0) {
      this.#gaps.add(`${indirect.join(' and ')} of ${file} lead${indirect.length > 1 ? '' : 's'} ` +
        'straight into the vDSO: counted once for each file that binds to it, not for each call');
    }
    return functions;
  }

  nameOf({ file, offset }: Place): string | undefined {
    const instruction = this.#instructions.get(file)?.find((each) => each.offset === offset);
    if (instruction) return instruction.name;
    const found = this.#files.get(file)?.filter((each) => each.offset === offset);
    return found?.find(({ name }) => !name.startsWith('_'))?.name ?? found?.[0]?.name;
  }

  /** What was not watched, once it is over. */
  gaps(): string[] {
    const gaps = [...this.#gaps];
    if (this.#left.size > 0) {
      gaps.push(`${this.#left.size} processes beyond the first ${processesMax} had no ` +
        'breakpoints: their reads of the clock that make no call are not counted');
    }
    return gaps;
  }
}
