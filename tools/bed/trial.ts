/* trial.ts: one trial on the machines: a pair of redis, a client with its connections, something
 * that happens in the middle of its traffic, and what the client found.
 * The rule: a trial ends with a report or an error, in bounded time, whatever the machines do. */
import { setTimeout as delay } from 'node:timers/promises';
import { LoadHandle } from '../../src/bed/load-handle.js';
import type { LoadOptions } from '../../src/bed/redis-client/load.js';
import type { LoadReport } from '../../src/bed/redis-client/report.js';
import { OperatingError } from '../../src/errors.js';
import { on, plan, powerOn, stateOf } from './machines.js';
import {
  askHost, boundMs, clientHost, redisPort, startPair, stopPair, type PairOptions,
} from './pair.js';
import type { MachineName } from './place.js';
import { until } from './run.js';

export type Load = LoadHandle<LoadReport>;

export interface TrialOptions {
  connections?: number;
  seed: number;
  pair?: PairOptions;
  /** Take the pair that runs, if one does: starting one takes minutes under emulation. */
  isReused?: boolean;
  /** Operations that must have been answered before and after the event. */
  opsBefore?: number;
  opsAfter?: number;
  /** Traffic before the event goes on for so long at least. */
  beforeMs?: number;
  onStep?: (what: string, load?: Load) => void;
}

/** The client: few and slow, since three machines share the processors of one. */
const defaultLoad: LoadOptions = {
  host: plan.vip, port: redisPort, connections: 10, seed: 1, mode: 'mixed', thinkMs: 60,
  drainMs: 120_000,
};

export function openLoad(options: Partial<LoadOptions>): Promise<Load> {
  return LoadHandle.open<LoadReport>(clientHost, [JSON.stringify({ ...defaultLoad, ...options })]);
}

/** Machines that are on, and nothing of an earlier trial on them. */
export async function prepare(): Promise<void> {
  for (const name of ['primary', 'backup', 'client'] as const) {
    if (await stateOf(name) !== 'running') await powerOn(name);
  }
  await stopPair();
  await on('client', `ip neigh flush dev ${plan.serviceDevice}; true`);
}

/** The trial; `event` is what happens, and ends when it has happened. */
export async function trial(
  options: TrialOptions, event: (load: Load) => Promise<void>,
): Promise<LoadReport> {
  const { onStep = () => undefined, opsBefore = 50, opsAfter = 50 } = options;
  if (options.isReused !== true || (await askHost('primary'))?.protected !== true) {
    onStep('preparing');
    await prepare();
    onStep('starting');
    await startPair(options.pair);
  }
  onStep('connecting');
  const load = await openLoad({ seed: options.seed, connections: options.connections ?? 10 });
  load.start();
  onStep('traffic', load);
  if (options.beforeMs) await Promise.race([delay(options.beforeMs), load.ended]);
  const first = load.progress.ops + opsBefore;
  await load.until(({ ops }) => ops >= first, 120_000);
  onStep('event', load);
  await event(load);
  const then = load.progress.ops + opsAfter;
  onStep('after', load);
  await load.until(({ ops, alive }) => ops >= then || alive === 0, 120_000 + 4 * boundMs());
  onStep('verifying', load);
  return load.stop();
}

/** What a client must not see, as a sentence; undefined when it saw nothing of it. */
export function faultOf(report: LoadReport): string | undefined {
  const { connections, errors, bytes, writes, data } = report;
  const wrong: string[] = [];
  if (connections.lost > 0) {
    const why = report.lostConnections
      .map(({ name, reason, detail }) => `${name} ${reason} ${detail}`);
    wrong.push(`${connections.lost} connections lost (${why.slice(0, 3).join('; ')})`);
  }
  if (errors.resets > 0) wrong.push(`${errors.resets} resets`);
  if (bytes.wrong > 0) wrong.push(`${bytes.wrong} bytes wrong`);
  if (writes.lost > 0) wrong.push(`${writes.lost} acknowledged writes lost`);
  if (!data.isEqual) wrong.push(`the data differ: ${data.samples[0] ?? 'not read'}`);
  return wrong.length > 0 ? wrong.join(', ') : undefined;
}

/** One line of what the client saw. */
export function describe(report: LoadReport): string {
  const { connections, errors, bytes, writes, ops, blackoutMs } = report;
  return `${connections.kept} of ${connections.opened} connections kept, ${errors.resets} resets, `
    + `${bytes.wrong} bytes wrong, `
    + `${writes.lost} of ${writes.acknowledged} acknowledged writes lost, ${ops} operations, `
    + `longest pause ${Math.round(blackoutMs.all?.max ?? 0)} ms`;
}

/** Which machine the client's neighbour table says has the service address. */
export async function ownerSeenBy(name: MachineName): Promise<MachineName | undefined> {
  const line = await on(name, `ip neigh show ${plan.vip} dev ${plan.serviceDevice}`);
  const seen = /lladdr (\S+)/.exec(line)?.[1];
  for (const other of ['primary', 'backup'] as const) {
    const mac = await on(other, `cat /sys/class/net/${plan.serviceDevice}/address`)
      .catch(() => '');
    if (seen !== undefined && mac.trim() === seen) return other;
  }
  return undefined;
}

/** Waits until the backup says that it serves alone. */
export async function untilTakenOver(ask: () => Promise<string | undefined>): Promise<void> {
  await until('the takeover', 60_000 + 4 * boundMs(), async () => (await ask()) === 'live', 500)
    .catch((cause: Error) => { throw new OperatingError(cause.message, { cause }); });
}
