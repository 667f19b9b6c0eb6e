/* support.ts: what the tests of bpf-loader share: compiling BPF programs, children that wait for a
 * word before they work, and waiting for a condition.
 * The rule: whatever a test made is undone by `cleanups`, also when it failed. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));
const compiled = new Map<string, Buffer>();

/** The object file of `test/addon/NAME.bpf.c`. */
export function compileBpf(name: string): Buffer {
  const known = compiled.get(name);
  if (known) return known;
  const include = `-I/usr/include/${process.arch === 'x64' ? 'x86_64' : 'aarch64'}-linux-gnu`;
  const flags = ['-O2', '-g', '-target', 'bpf', '-Wall', '-Werror', include];
  const source = here(`${name}.bpf.c`);
  const object = execFileSync('clang', [...flags, '-c', source, '-o', '-'], { maxBuffer: 1 << 24 });
  compiled.set(name, object);
  return object;
}

/** Waits until the condition holds; throws when it does not within the bound. */
export async function waitUntil(what: string, condition: () => boolean, boundMs = 10_000) {
  const endMs = Date.now() + boundMs;
  while (!condition()) {
    if (Date.now() > endMs) throw new Error(`not within ${boundMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A promise, or an error when it takes longer than the bound. */
export async function within<T>(what: string, promise: Promise<T>, boundMs = 10_000): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const tell = (): void => reject(new Error(`not within ${boundMs} ms: ${what}`));
    timer = setTimeout(tell, boundMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Things to undo after a test, last first. */
export class Cleanups {
  #steps: (() => unknown)[] = [];

  add(step: () => unknown): void {
    this.#steps.push(step);
  }

  /** Closes it after the test. */
  own<T extends { close(): void }>(resource: T): T {
    this.add(() => resource.close());
    return resource;
  }

  async run(): Promise<void> {
    let failure: unknown;
    for (const step of this.#steps.splice(0).reverse()) {
      try {
        await step();
      } catch (error) {
        failure ??= error;
      }
    }
    if (failure !== undefined) throw failure;
  }
}

/** A child that becomes `command` in the same process when go() is called. */
export class HeldChild {
  readonly child: ChildProcess;

  constructor(command: string, cleanups: Cleanups) {
    const script = `read word && exec ${command}`;
    this.child = spawn('sh', ['-c', script], { stdio: ['pipe', 'ignore', 'inherit'] });
    cleanups.add(() => this.child.exitCode === null && this.child.kill('SIGKILL'));
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** Lets it go and waits for its end; the exit status. */
  async go(): Promise<number | null> {
    const ended = once(this.child, 'exit');
    this.child.stdin?.end('go\n');
    await within('the end of a child', ended, 60_000);
    return this.child.exitCode;
  }
}

/** Ids of loaded BPF programs of that name (the kernel keeps 15 characters). */
export function programsNamed(name: string): number[] {
  const json = execFileSync('bpftool', ['-j', 'prog'], { encoding: 'utf8', maxBuffer: 1 << 26 });
  const rows = JSON.parse(json) as { id: number; name?: string }[];
  return rows.filter((row) => row.name === name.slice(0, 15)).map((row) => row.id);
}

/** Waits until no program of that name is loaded: the kernel frees them a moment later. */
export function unloaded(name: string): Promise<void> {
  return waitUntil(`${name} unloaded`, () => programsNamed(name).length === 0);
}

/** Lines of this process's memory map that name the memfd. */
export function mappingsOf(memoryName: string): number {
  const lines = readFileSync('/proc/self/maps', 'utf8').split('\n');
  return lines.filter((line) => line.includes(`/memfd:${memoryName} `)).length;
}

/** Runs a fixture of this folder with plain node, behind `prefix` (ip netns exec, setpriv …). */
export function runFixture(prefix: string[], file: string, ...args: string[]): string {
  const [command = '', ...rest] = [...prefix, process.execPath, here(file), ...args];
  return execFileSync(command, rest, { encoding: 'utf8', timeout: 60_000 });
}

/** The error a call throws; fails when it throws none. */
export function thrown(call: () => unknown): Error & Record<string, unknown> {
  try {
    call();
  } catch (error) {
    if (error instanceof Error) return error as Error & Record<string, unknown>;
  }
  throw new Error('nothing was thrown');
}
