/* groups.ts: whether processes that share no memory still run at once when they are recorded:
 * programs/groups.c, plain and under `hs-replicate record`, in turns. Real time: of two processors,
 * with one baton for both processes it would be twice the plain one.
 * The rule: nothing but the program's own output is read. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildProgram, nanoseconds as figuresOf, recordCommand } from './calls.js';
import { Gathered, type BenchContext, type Figure } from './figures.js';

/** `rounds` is how often both processes compute, and tell each other. */
export async function benchGroups(context: BenchContext, rounds: number): Promise<Figure[]> {
  using program = await buildProgram('groups');
  const argv = [program.path, String(rounds)];
  const gathered = new Gathered('groups');
  for (let turn = 1; turn <= context.runs; turn++) {
    context.progress(`groups ${turn}/${context.runs}`);
    const native = await figuresOf(argv);
    const recorded = await figuresOf([...recordCommand(join(program.dir, 'log')), ...argv]);
    rmSync(join(program.dir, 'log'), { recursive: true });
    gathered.add('record', 'two processes', 'ms', recorded.get('pair')!, native.get('pair'));
  }
  return gathered.all();
}
