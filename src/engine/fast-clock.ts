/* fast-clock.ts: lets the shim read time through the vDSO (25 ns instead of 160): before a program
 * starts, every rdtsc in its files is found and told to the shim, which rewrites it.
 * The rule: this is speed only. What cannot be classified keeps the kernel's trap on. */
import { mapMemory, unmapMemory } from 'bpf-loader';
import { layout } from '../channel/index.js';
import { log } from '../log.js';
import type { ProgramStart } from './options.js';
import type { Session } from './session.js';
import { TSC_TABLE_BYTES, findTscSites, neededFiles, writeTscTable } from './tsc-sites.js';

/** Call it before `session.start`. Never fails: without a table, time costs a system call. */
export async function prepareClock(session: Session, program: ProgramStart): Promise<void> {
  try {
    const name = program.command[0] ?? '';
    const found = await findTscSites(neededFiles(name, { cwd: program.cwd, env: program.env }));
    if (found.problem) log.debug({ problem: found.problem }, 'rdtsc stays trapped in some files');
    const table = mapMemory(session.fd, layout.HS_TSC_OFFSET, TSC_TABLE_BYTES);
    try {
      writeTscTable(table, found);
    } finally {
      unmapMemory(table);
    }
    const { control } = session;
    const flags = control.load32(layout.CONTROL.flags) | layout.HS_FLAG_FAST_CLOCK;
    control.store32(layout.CONTROL.flags, flags);
  } catch (error) {
    log.debug({ error: String(error) }, 'rdtsc stays trapped');
  }
}
