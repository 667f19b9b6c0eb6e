/* schedule.ts: what `--schedule parallel` adds to a start: a library in front of the program's
 * others, which orders what threads do with locks (shim/ordered.h).
 * Functions are bound at the start: which thread calls one first would else be seen on its stack.
 * The rule: it is part of the environment, so the other copy finds it where the first one did, and
 * knows by it how it is scheduled. */
import { layout } from '../channel/index.js';
import type { Settings } from '../config.js';
import { builtFile } from '../installation.js';
import type { ProgramStart } from './options.js';

const libraryName = 'libhotswap-parallel.so';

/** The program as it is started under its schedule. */
export function underSchedule<S extends ProgramStart & { schedule: Settings['schedule'] }>(
  start: S,
): S {
  if (start.schedule !== 'parallel') return start;
  const library = builtFile('shim', 'build', libraryName);
  const others = start.env['LD_PRELOAD'];
  const env = { LD_BIND_NOW: '1', LD_PRELOAD: others ? `${library}:${others}` : library };
  return { ...start, env: { ...start.env, ...env } };
}

/** The flag of the session of a program that is started with that environment. */
export function scheduleFlag({ env }: Pick<ProgramStart, 'env'>): number {
  const isParallel = env['LD_PRELOAD']?.split(':')[0]?.endsWith(`/${libraryName}`) === true;
  return isParallel ? layout.HS_FLAG_PARALLEL : 0;
}
