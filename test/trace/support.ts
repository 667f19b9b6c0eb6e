/* support.ts: what the tests of hs-trace share: compiled programs, and the command run on them.
 * The rule: whatever is made lies in one directory, which release() removes. */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { repositoryRoot } from '../../src/bed/bed.js';
import { observe, type Observed } from '../../src/trace/observe/index.js';
import type { Detail } from '../../src/trace/observation.js';

/** Values of constant expressions of C, as the compiler has them. */
export function printedByC(header: string, expressions: readonly string[]): string[] {
  using room = new Room();
  const lines = expressions.map((c) => `  printf("%lu\\n", (unsigned long)(${c}));`);
  writeFileSync(join(room.dir, 'it.c'), ['#include <stddef.h>', '#include <stdio.h>',
    `#include "${header}"`, 'int main(void) {', ...lines, '  return 0;', '}', ''].join('\n'));
  const program = compile(join(room.dir, 'it.c'), join(room.dir, 'it'));
  return spawnSync(program, { encoding: 'utf8' }).stdout.trim().split('\n');
}

function compile(source: string, program: string, flags: readonly string[] = []): string {
  const built = spawnSync('gcc', ['-Wall', '-Werror', '-O1', '-I', repositoryRoot(), '-o', program,
    source, '-lpthread', ...flags], { encoding: 'utf8' });
  assert.is(built.status, 0, built.stderr);
  return program;
}

/** A directory for what a test file makes. */
export class Room {
  readonly dir = mkdtempSync(join(tmpdir(), 'hs-trace-'));

  /** test/trace/programs/NAME.c, compiled. */
  program(name: string, flags: readonly string[] = []): string {
    const source = join(repositoryRoot(), 'test/trace/programs', `${name}.c`);
    return compile(source, join(this.dir, name), flags);
  }

  [Symbol.dispose](): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** The table of `strace -f -c`: calls and errors by name. */
export function straceCounts(room: Room, argv: readonly string[]): Map<string, [number, number]> {
  const file = join(room.dir, 'strace.txt');
  const run = spawnSync('strace', ['-f', '-c', '-o', file, '-U', 'calls,errors,name', ...argv],
    { encoding: 'utf8', timeout: 60_000 });
  assert.ok(run.status !== null, run.stderr);
  const text = spawnSync('cat', [file], { encoding: 'utf8' }).stdout;
  const rows = [...text.matchAll(/^ *(\d+) +(?:(\d+) +)?(\w+)$/gm)]
    .filter(([, , , name]) => name !== 'total');
  return new Map(rows.map(([, calls, errors, name]) =>
    [name!, [Number(calls), Number(errors ?? 0)]]));
}

/** The same from an observation. */
export function observedCounts({ observation }: Observed): Map<string, [number, number]> {
  return new Map(observation.calls.map(({ name, count, errors }) => [name, [count, errors]]));
}

export async function watch(argv: readonly string[], detail: Detail): Promise<Observed> {
  return observe({ subject: argv, detail, signal: AbortSignal.timeout(60_000) });
}

export interface CommandResult {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** `hs-trace` itself. */
export function hsTrace(args: readonly string[]): Promise<CommandResult> {
  const file = join(repositoryRoot(), 'src/cli/trace.ts');
  return new Promise((resolve) => {
    const child = execFile(process.execPath, ['--import', 'tsx', file, ...args],
      { timeout: 60_000, maxBuffer: 1 << 28 },
      (_error, stdout, stderr) => resolve({ status: child.exitCode, stdout, stderr }));
  });
}

/** Programs, maps and links of BPF that this process holds. Nobody else may hold them: none is
 * pinned, so what is not here is not in the kernel. */
export function heldBpf(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const what = readlinkSync(`/proc/self/fd/${fd}`);
      return /^anon_inode:(bpf|\[perf)/.test(what) ? [what] : [];
    } catch {
      return []; // the descriptor of the listing itself
    }
  });
}
