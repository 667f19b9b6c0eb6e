/* audit.ts: what the audit costs a redis pair: redis-benchmark against a pair that is audited and
 * one that is not, in turns. The figure's `native` is the pair without an audit.
 * The rule: both are pairs in the same commit mode, each on fresh hosts. */
import type { Bed } from '../../src/bed/bed.js';
import { Gathered, type BenchContext, type Figure } from './figures.js';
import { measureRedis, type RedisBenchOptions } from './redis.js';

const policies = ['report', 'refuse'] as const;
/** A busy machine must not look dead. */
const patience = '500x6';

export async function benchAudit(
  context: BenchContext, bed: Bed, options: RedisBenchOptions,
): Promise<Figure[]> {
  const gathered = new Gathered('audit');
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
