/* blackout.ts: how long clients wait when the primary loses its power: kills with 20 connections,
 * and one with 1,000. Two views of each: the backup's own time stamps of the takeover, and the
 * longest wait of any client, which has the detection of the death in it.
 * The rule: a takeover that lost a connection or a byte is a failure, not a figure. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import type { Bed } from '../../src/bed/bed.js';
import type { LoadOptions } from '../../src/bed/redis-client/load.js';
import type { LoadReport } from '../../src/bed/redis-client/report.js';
import { askHost } from '../../src/bed/subject.js';
import { runTrial } from '../../src/bed/trial.js';
import { Gathered, type BenchContext, type Figure } from './figures.js';

export interface BlackoutOptions {
  kills: number;
  /** Connections of the one kill with many; 0 leaves it out. */
  manyConnections: number;
}

const timesOf = z.looseObject({
  takeover: z.looseObject({
    detectedNs: z.number(), liveNs: z.number(), firstByteNs: z.number(),
  }),
});

const few: Partial<LoadOptions> = { connections: 20 };
/** So many clients share one processor with both hosts: each must rest, or none would measure. */
const manyThinkMs = 1000;

export async function benchBlackout(
  context: BenchContext,
  bed: Bed,
  { kills, manyConnections }: BlackoutOptions,
): Promise<Figure[]> {
  const gathered = new Gathered('blackout');
  for (let kill = 1; kill <= kills; kill++) {
    context.progress(`blackout ${kill}/${kills}: 20 connections`);
    await measureKill(bed, gathered, { ...few, seed: kill });
  }
  if (manyConnections > 0) {
    context.progress(`blackout: ${manyConnections} connections`);
    const many = { connections: manyConnections, thinkMs: manyThinkMs, drainMs: 20_000 };
    await measureKill(bed, gathered, many);
  }
  return gathered.all();
}

async function measureKill(bed: Bed, gathered: Gathered, load: Partial<LoadOptions>) {
  const logDir = mkdtempSync(join(tmpdir(), 'hotswap-bench-blackout-'));
  await bed.reset();
  // One machine, one monotonic clock: this process and the engine of the backup share it.
  let faultNs = 0;
  const { report } = await runTrial(bed, {
    subject: 'logged', fault: 'power', load, beforeMs: 2000, afterMs: 2500, logDir,
    onStep: ({ step }) => {
      if (step === 'fault') faultNs = Number(process.hrtime.bigint());
    },
  });
  if (!report.ok) throw new Error(`not a clean takeover: ${faultsOf(report)} (see ${logDir})`);
  const { takeover } = timesOf.parse(await askHost(bed, 'backup'));
  // Without a byte to send there is no first one; being live is then what clients wait for.
  const answeredNs = takeover.firstByteNs > takeover.detectedNs
    ? takeover.firstByteNs : takeover.liveNs;
  const name = `${report.connections.opened} connections`;
  const add = (metric: string, ms: number | undefined) => {
    if (ms !== undefined) gathered.add(name, metric, 'ms', ms);
  };
  add('detection: power cut to death known', (takeover.detectedNs - faultNs) / 1e6);
  add('takeover: death known to first new byte', (answeredNs - takeover.detectedNs) / 1e6);
  const { stream, request } = report.blackoutMs;
  add('longest gap of streams', stream?.max);
  add('longest gap of requests', request?.max);
  add('longest gap of requests, p50 of connections', request?.p50);
  add('longest stall of the client itself', report.clientStallMs);
  rmSync(logDir, { recursive: true });
}

function faultsOf(report: LoadReport): string {
  const { connections, errors, bytes, data } = report;
  return JSON.stringify({ connections, errors, wrong: bytes.wrong, isEqual: data.isEqual });
}
