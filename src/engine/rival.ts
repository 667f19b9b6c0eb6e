/* rival.ts: another host that serves the address this one serves, or would serve: how that is
 * noticed, and what is said then. Its kernel claims the address on the wire (RFC 5227), and its
 * engine calls the one that it took over from (successor.ts). Either may come late, so both are
 * listened for as long as a primary runs. The rule: whoever finds a rival yields; two that defend
 * an address break every connection to it. */
import { packetSocket, interfaceMac } from 'bpf-loader';
import type { Channel } from '../channel/index.js';
import type { Detection } from '../config-values.js';
import { arpProbe } from './arp.js';
import type { EnforcementMap } from './enforcement-map.js';
import { servedAddress } from './greeting.js';

const remedy = 'let it serve, or end its copy first ("hs-replicate stop" there) and start the pair';

/** A caller that has taken the service over already, as a sentence. */
export function servedBy({ peer, remote }: Channel, vip: string): string | undefined {
  if (servedAddress(peer) !== vip) return undefined;
  return `${remote} serves ${vip} since it took over: ${remedy}`;
}

/** A host that has claimed the address since the enforcement began, as a sentence. */
export function claimedBy(
  net: EnforcementMap, { dev, manifest }: { dev: string; manifest: { vip: string } },
): string | undefined {
  const mac = net.claimant();
  return mac && `${manifest.vip} is in use on ${dev}, by ${mac}: ${remedy}`;
}

const PROBES = 3;
const LISTEN_MS = 400;

/** How long a primary listens for a rival before it takes the address. A survivor calls every
 * quarter of a second; hosts that are slow have a bound on silence that says so. */
export const listenMs = ({ intervalMs, count }: Detection): number =>
  Math.max(LISTEN_MS, intervalMs * count);

/** Asks the segment again, now that answers are noticed at any time (hs_claimed in
 * bpf/enforce.bpf.c), and resolves after `forMs`, or with `over`, when that does. */
export async function listenForRivals<T>(
  dev: string, vip: string, forMs: number, over: Promise<T>,
): Promise<T | undefined> {
  const socket = packetSocket(dev);
  const probe = arpProbe(interfaceMac(dev), vip);
  const ask = (): void => {
    try {
      socket.sendFrame(probe);
    } catch {
      // A network that is down has no rival to show.
    }
  };
  const timers = Array.from({ length: PROBES }, (_, i) => setTimeout(ask, i * forMs / PROBES));
  try {
    const waited = new Promise<undefined>((done) =>
      timers.push(setTimeout(() => done(undefined), forMs)));
    return await Promise.race([waited, over]);
  } finally {
    for (const timer of timers) clearTimeout(timer);
    socket.close();
  }
}
