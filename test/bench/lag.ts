/* lag.ts: how far a live backup is behind while its primary is under load: the primary's status,
 * asked every 50 ms while redis-benchmark sends SET and GET as fast as it is answered.
 * The rule: only samples taken under load count, and only while the pair is protected. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { Bed } from '../../src/bed/bed.js';
import { askHost, startSubject, type SubjectKind } from '../../src/bed/subject.js';
import { Gathered, percentile, type BenchContext, type Figure } from './figures.js';
import { benchmarkCommand, depths, type RedisBenchOptions } from './redis.js';

const sampleEveryMs = 50;
const subjects: readonly SubjectKind[] = ['async', 'logged'];

const lagOf = z.looseObject({
  protected: z.literal(true),
  lag: z.object({ records: z.number(), bytes: z.number(), ms: z.number() }),
});
type Lag = z.output<typeof lagOf>['lag'];
const units = { records: 'records', bytes: 'bytes', ms: 'ms' } as const;

export async function benchLag(
  context: BenchContext,
  bed: Bed,
  options: RedisBenchOptions,
): Promise<Figure[]> {
  const gathered = new Gathered('lag');
  for (let turn = 1; turn <= context.runs; turn++) {
    for (const kind of subjects) {
      context.progress(`lag ${turn}/${context.runs}: ${kind}`);
      const logDir = mkdtempSync(join(tmpdir(), 'hotswap-bench-lag-'));
      await bed.reset();
      const subject = await startSubject(bed, kind, { logDir });
      for (const depth of depths) {
        const requests = options.requests * (depth === 1 ? 1 : 8);
        const load = bed.run('client', benchmarkCommand({ ...options, requests }, depth));
        note(gathered, kind, depth, await sampleDuring(bed, load));
      }
      const ended = subject.unexpectedEnd();
      if (ended) throw new Error(ended);
      // Kept only when something above has thrown: then it says why.
      rmSync(logDir, { recursive: true });
    }
  }
  return gathered.all();
}

async function sampleDuring(bed: Bed, load: Promise<unknown>): Promise<Lag[]> {
  let isOver = false;
  const over = load.finally(() => (isOver = true));
  over.catch(() => undefined); // thrown below, when the last answer is in
  const samples: Lag[] = [];
  while (!isOver) {
    const answer = lagOf.safeParse(await askHost(bed, 'primary'));
    if (!answer.success) {
      await over;
      throw new Error('the pair was not protected under load');
    }
    samples.push(answer.data.lag);
    await Promise.race([delay(sampleEveryMs), over]);
  }
  await over;
  return samples;
}

function note(gathered: Gathered, subject: string, depth: number, samples: readonly Lag[]): void {
  const load = depth === 1 ? '' : ` pipeline ${depth}`;
  for (const field of ['records', 'bytes', 'ms'] as const) {
    const values = samples.map((sample) => sample[field]);
    for (const [name, share] of [['p50', 0.5], ['p99', 0.99], ['max', 1]] as const) {
      gathered.add(subject, `lag${load} ${field} ${name}`, units[field],
        percentile(values, share));
    }
  }
}
