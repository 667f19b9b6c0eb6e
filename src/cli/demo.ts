/* demo.ts: `hs-replicate demo`: a redis pair on this machine alone, a kill, a client's view. */
import { UserError } from '../errors.js';

export interface DemoOptions {
  json: boolean;
  /** Aborted on SIGINT, SIGTERM and SIGHUP. */
  signal: AbortSignal;
}

export interface DemoResult {
  ok: boolean;
  connections: number;
  lost: number;
  errors: number;
  bytesWrong: number;
  blackoutMs: number;
  ops: number;
}

/** Shows itself on stdout, unless `json`; the result's line is printed by the command. */
export async function demo(_options: DemoOptions): Promise<DemoResult> {
  throw new UserError('"demo" is not part of this version yet', { reason: 'not-yet' });
}
