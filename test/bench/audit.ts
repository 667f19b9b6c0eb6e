/* audit.ts: what the audit costs: a call of a process that it does not follow and of one that it
 * does (every call of it a finding, the dearest there is), and a redis pair that is audited against
 * one that is not. The figure's `native` is the same without an audit.
 * The rule: with and without take turns; calls are measured in processor time of the caller. */
import { execFileSync } from 'node:child_process';
import type { Bed } from '../../src/bed/bed.js';
import { AuditKernel } from '../../src/engine/audit-kernel.js';
import { buildProgram } from './calls.js';
import { Gathered, type BenchContext, type Figure } from './figures.js';
import { measureRedis, type RedisBenchOptions } from './redis.js';

const policies = ['report', 'refuse'] as const;
/** A busy machine must not look dead. */
const patience = '500x6';

export async function benchAudit(
  context: BenchContext, bed: Bed, options: RedisBenchOptions & { calls: number },
): Promise<Figure[]> {
  const gathered = new Gathered('audit');
  await benchStrangers(context, options.calls, gathered);
  const measure = (policy: string) =>
    measureRedis(bed, 'logged', options, ['--audit', policy, '--detect', patience]);
  for (let run = 1; run <= context.runs; run++) {
    context.progress(`audit ${run}/${context.runs}: off`);
    const off = await measure('off');
    for (const policy of policies) {
      context.progress(`audit ${run}/${context.runs}: ${policy}`);
      for (const [metric, { value, unit }] of await measure(policy)) {
        gathered.add(policy, metric, unit, value, off.get(metric)?.value);
      }
    }
  }
  return gathered.all();
}

/** The program's calls, in nanoseconds each. */
async function benchStrangers(
  context: BenchContext, calls: number, gathered: Gathered,
): Promise<void> {
  using program = await buildProgram('calls');
  const measure = (): Map<string, number> => {
    const text = execFileSync(program.path, [String(calls), 'cpu'], { encoding: 'utf8' });
    return new Map([...text.matchAll(/^(\w+) ([\d.]+)$/gm)].map((m) => [m[1]!, Number(m[2])]));
  };
  for (let run = 1; run <= context.runs; run++) {
    context.progress(`audit ${run}/${context.runs}: calls`);
    const off = measure();
    const kernel = AuditKernel.attach(null);
    try {
      const add = (subject: string, sample: Map<string, number>): void => {
        for (const [name, ns] of sample) gathered.add(subject, name, 'ns', ns, off.get(name));
      };
      add('stranger', measure());
      kernel.spawning(() => add('found', measure()));
    } finally {
      kernel.close();
    }
  }
}
