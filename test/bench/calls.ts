/* calls.ts: what recording adds to one call, by class of the call table: programs/calls.c, plain
 * and under `hs-replicate record`, in turns. It counts processor time of the program itself: what
 * other processes do, the engine that takes the records among them, is not in it.
 * The rule: nothing but the program's own output is read. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { repositoryRoot } from '../../src/bed/bed.js';
import { Gathered, type BenchContext, type Figure } from './figures.js';

const run = promisify(execFile);
const boundMs = 120_000;

/** `calls` is how often each class of call is made in a turn. */
export async function benchCalls(context: BenchContext, calls: number): Promise<Figure[]> {
  using program = await buildProgram('calls');
  const argv = [program.path, String(calls), 'cpu'];
  const gathered = new Gathered('calls');
  for (let turn = 1; turn <= context.runs; turn++) {
    context.progress(`calls ${turn}/${context.runs}`);
    const native = await nanoseconds(argv);
    const recorded = await nanoseconds([...recordCommand(join(program.dir, 'log')), ...argv]);
    rmSync(join(program.dir, 'log'), { recursive: true });
    for (const [name, ns] of recorded) {
      gathered.add('record', name, 'ns', ns, native.get(name));
    }
  }
  return gathered.all();
}

/** programs/NAME.c, compiled in a folder that goes with it. */
export async function buildProgram(name: string) {
  const dir = mkdtempSync(join(tmpdir(), `hotswap-bench-${name}-`));
  const path = join(dir, name);
  const remove = (): void => rmSync(dir, { recursive: true, force: true });
  try {
    await run('gcc', ['-O2', '-pthread', '-o', path, sourceOf(`${name}.c`)]);
  } catch (error) {
    remove();
    throw error;
  }
  return { dir, path, [Symbol.dispose]: remove };
}

function sourceOf(file: string): string {
  return fileURLToPath(new URL(`./programs/${file}`, import.meta.url));
}

export function recordCommand(log: string, ...more: string[]): string[] {
  const command = join(repositoryRoot(), 'bin/hs-replicate.js');
  return [process.execPath, command, 'record', '-o', log, '--log-level', 'error', ...more, '--'];
}

/** Class → nanoseconds, as the program prints them. */
export async function nanoseconds([file, ...args]: string[]): Promise<Map<string, number>> {
  const { stdout } = await run(file!, args, { timeout: boundMs });
  const rows = [...stdout.matchAll(/^(\w+) ([\d.]+)$/gm)];
  if (rows.length === 0) throw new Error(`the program printed no figure: ${stdout}`);
  return new Map(rows.map(([, name, ns]) => [name!, Number(ns)]));
}
