/* audit.ts: asks `hs-trace audit` as an operator would, on a host of a bed, and starts programs
 * that get round their shim (test/system/programs/audit-*.c) under a primary of their own.
 * The rule: the answer is the command's, with the exit status it had. */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { Bed, HostName } from '../../../src/bed/bed.js';
import { auditSchema, type AuditReport } from '../../../src/engine/control-protocol.js';
import { compile, root, startOn, told, until, type Running } from './command.js';
import { startPrimary } from './pair.js';

export const plant = compile('audit-plant', '-D_GNU_SOURCE');
export const outsider = compile('audit-outsider', '-D_GNU_SOURCE');
export const staticProgram = compile('fault-static', '-static');

/** A library, which `compile` does not make. */
export function preload(): string {
  const out = join(root, 'test/system/programs/build/audit-preload.so');
  mkdirSync(join(root, 'test/system/programs/build'), { recursive: true });
  const source = join(root, 'test/system/programs/audit-preload.c');
  const args = ['-O1', '-Wall', '-Wextra', '-Werror', '-shared', '-fPIC', '-o', out, source];
  const done = spawnSync('gcc', args, { encoding: 'utf8' });
  assert.is(done.status, 0, done.stderr);
  return out;
}

export interface Answer {
  code: number | null;
  report: AuditReport;
}

export async function audit(bed: Bed, host: HostName = 'primary'): Promise<Answer> {
  const command = [process.execPath, join(root, 'bin/hs-trace.js'), 'audit'];
  const ended = await startOn(bed, host, [...command, '--name', 'bed', '--json']).ended;
  const line = ended.stdout.trim();
  assert.ok(line.startsWith('{'), told(ended));
  return { code: ended.code, report: auditSchema.parse(JSON.parse(line)) };
}

/** Asks until the answer is as wanted: bytes are compared once a second. */
export async function auditUntil(
  bed: Bed, isIt: (report: AuditReport) => boolean, host: HostName = 'primary',
): Promise<Answer> {
  let last: Answer | undefined;
  await until(async () => {
    last = await audit(bed, host);
    return isIt(last.report);
  }, () => `the audit says ${JSON.stringify(last?.report)}`);
  return last!;
}

/** Runs audit-plant under a primary that waits for nobody; resolves when it has planted. */
export async function planted(
  bed: Bed, words: readonly string[], more: readonly string[] = [], program = [plant],
): Promise<Running> {
  const side = startPrimary(bed, [...program, ...words], { isAlone: true, more });
  await until(() => {
    if (!side.isRunning) throw new Error(`ended: ${side.words}`);
    if (side.stdout.includes('failed')) throw new Error(`not planted: ${side.words}`);
    return side.stdout.includes('planted');
  }, () => `planted: ${side.words}`);
  return side;
}

/** Host's pid of the program under the pair there: below launcher and init. */
export async function programOf(bed: Bed, host: HostName, launcher: number): Promise<number> {
  const children = 'for pid in $1; do cat /proc/$pid/task/$pid/children; done';
  let pid = String(launcher);
  for (let depth = 0; depth < 2; depth++) {
    pid = (await bed.run(host, ['sh', '-c', children, 'sh', pid])).trim();
  }
  return Number(pid);
}

/** Findings by call, wherever it was made: `kind call count`. */
export function findings({ sites }: AuditReport): string[] {
  const sums = new Map<string, number>();
  for (const { kind, call, count } of sites) {
    const what = `${kind} ${call}`;
    sums.set(what, (sums.get(what) ?? 0) + count);
  }
  return [...sums].map(([what, count]) => `${what} ${count}`).sort();
}
