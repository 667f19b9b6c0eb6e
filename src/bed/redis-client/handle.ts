/* handle.ts: the redis load client as its user sees it: which process it is, and its defaults.
 * The rule: it is spoken to as every load client is, by load-handle.ts. */
import { fileURLToPath } from 'node:url';
import { plan, type Bed } from '../bed.js';
import { LoadHandle } from '../load-handle.js';
import type { LoadOptions } from './load.js';
import type { LoadReport } from './report.js';

export type RedisLoad = LoadHandle<LoadReport>;

/** Opens all connections to the VIP; resolves when they are established. */
export function openRedisLoad(bed: Bed, options: Partial<LoadOptions> = {}): Promise<RedisLoad> {
  const all: LoadOptions = {
    host: plan.vip, port: 6379, connections: 24, seed: 1, mode: 'mixed', thinkMs: 4,
    drainMs: 10_000, ...options,
  };
  return LoadHandle.open<LoadReport>(bed, [...loaderCommand(), JSON.stringify(all)]);
}

/** How to run redis-load, from the sources or from the build. */
function loaderCommand(): string[] {
  const isSource = import.meta.url.endsWith('.ts');
  const file = fileURLToPath(new URL(`../redis-load.${isSource ? 'ts' : 'js'}`, import.meta.url));
  return [process.execPath, ...(isSource ? ['--import', 'tsx'] : []), file];
}
