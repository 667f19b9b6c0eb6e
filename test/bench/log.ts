/* log.ts: how many bytes of log one request leaves: `hs-replicate record` of a redis, and
 * redis-benchmark SET, one request at a time and 16 deep. The log is measured as it lies on disk,
 * before and after.
 * The rule: it is measured when it has stopped growing, or the end of it would be missing. */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Bed } from '../../src/bed/bed.js';
import { startSubject } from '../../src/bed/subject.js';
import { Gathered, type BenchContext, type Figure } from './figures.js';
import { benchmarkCommand, depths, metricSuffix, type RedisBenchOptions } from './redis.js';

const settleMs = 300;
const settleBoundMs = 20_000;
/** A redis without a client ticks ten times a second: so much may still be added. */
const idleBytes = 32 * 1024;

export async function benchLog(
  context: BenchContext,
  bed: Bed,
  options: RedisBenchOptions,
): Promise<Figure[]> {
  const gathered = new Gathered('log');
  for (let turn = 1; turn <= context.runs; turn++) {
    context.progress(`log ${turn}/${context.runs}`);
    const logDir = mkdtempSync(join(tmpdir(), 'hotswap-bench-log-'));
    await bed.reset();
    const subject = await startSubject(bed, 'record', { logDir });
    for (const depth of depths) {
      const before = await settledBytes(bed);
      await bed.run('client', benchmarkCommand(options, depth, 'set'));
      const bytes = (await settledBytes(bed)) - before;
      gathered.add('record', `set${metricSuffix(depth)} bytes per request`, 'bytes',
        bytes / options.requests);
    }
    const ended = subject.unexpectedEnd();
    if (ended) throw new Error(ended);
    // Kept only when something above has thrown: then it says why.
    rmSync(logDir, { recursive: true });
  }
  return gathered.all();
}

/** What `record` on the primary has written, once it writes no more. */
export async function settledBytes(bed: Bed): Promise<number> {
  const deadline = performance.now() + settleBoundMs;
  let last = logBytes(bed);
  for (;;) {
    await delay(settleMs);
    const now = logBytes(bed);
    if (now - last < idleBytes) return now;
    if (performance.now() > deadline) throw new Error('the log does not stop growing');
    last = now;
  }
}

function logBytes(bed: Bed): number {
  const dir = bed.path('primary', '/tmp/record');
  const segments = readdirSync(dir).filter((file) => file.endsWith('.seg'));
  return segments.reduce((sum, file) => sum + statSync(join(dir, file)).size, 0);
}
