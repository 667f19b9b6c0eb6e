/* address.ts: does another host on the segment have the service address? ARP probes (RFC 5227), a
 * few with pauses: a frame may be lost or its answer late. The first answer ends it; silence
 * is no proof: the engine listens on, with a bound of its own (src/engine/rival.ts).
 * The rule: a probe has no sender address, so it changes nobody's tables. */
import { execFile } from 'node:child_process';
import type { ServiceAddress } from '../../config-values.js';
import { errnoOf } from '../../errors.js';

export type Owner =
  | { state: 'free' }
  | { state: 'taken'; mac: string }
  | { state: 'unknown'; why: string };

const probesAtMs = [0, 150, 300];
const answerMs = 600;

/** Asks the segment of `dev`. This host itself is not asked: see networkInterfaces(). */
export async function findOwner(vip: ServiceAddress, dev: string): Promise<Owner> {
  if (vip.address.includes(':')) return { state: 'unknown', why: 'IPv6' };
  const end = new AbortController();
  try {
    const probes = probesAtMs.map((afterMs) => probe(vip, dev, afterMs, end.signal));
    // The one that hears an answer resolves; the others are only looked at when none did.
    const taken = Promise.any(probes.map(async (one) => {
      const owner = await one;
      if (owner.state !== 'taken') throw new Error(owner.state);
      return owner;
    }));
    return await taken.catch(() => probes[0]!);
  } finally {
    end.abort();
  }
}

/** One probe, `afterMs` from now, that listens until `answerMs` from now. */
function probe(
  vip: ServiceAddress, dev: string, afterMs: number, signal: AbortSignal,
): Promise<Owner> {
  const args = ['-D', '-c', '1', '-w', '2', '-I', dev, vip.address];
  return new Promise((done) => {
    const ask = (): void => {
      const bounds = { timeout: answerMs - afterMs, signal };
      execFile('arping', args, bounds, (error, stdout, stderr) => {
        const mac = /\[([0-9a-f:]+)\]/i.exec(stdout)?.[1];
        if (mac !== undefined) done({ state: 'taken', mac: mac.toLowerCase() });
        else if (!error || error.killed || signal.aborted) done({ state: 'free' });
        else if (errnoOf(error) === 'ENOENT') done({ state: 'unknown', why: 'no arping' });
        else done({ state: 'unknown', why: stderr.trim() || `arping ended with ${error.code}` });
      });
    };
    const timer = setTimeout(ask, afterMs);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      done({ state: 'free' });
    }, { once: true });
  });
}
