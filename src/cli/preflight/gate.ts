/* gate.ts: what the commands that start a program ask before they make anything: the same probes as
 * `check`, as far as they take no time, and the first thing that is missing as one sentence.
 * The rule: who is refused here has left nothing behind: no log, no address, no namespace. */
import type { ServiceAddress } from '../../config-values.js';
import { formatValue } from '../../config-values.js';
import { NotReplicable } from '../../errors.js';
import { log } from '../../log.js';
import { findOwner } from './address.js';
import { startProbes } from './host.js';
import { runProbes } from './probe.js';
import { judgeProgram } from './subject.js';

/** Throws NotReplicable when no program can be started under HotSwap by this user on this host. */
export async function requireHost(): Promise<void> {
  const results = await runProbes(startProbes());
  const lacking = results.find(({ status }) => status === 'missing');
  if (!lacking) return;
  throw new NotReplicable(
    `no program can be replicated here: ${lacking.name}: ${lacking.found}: ${lacking.fix}`,
    { reason: lacking.name });
}

/** Throws NotReplicable when the program's file, or its interpreter's, cannot be replicated. */
export function requireProgram(command: string): void {
  const { status, found, fix } = judgeProgram(command);
  if (status === 'missing') {
    throw new NotReplicable(`${found}: ${fix}`, { reason: 'program' });
  }
}

/** Throws NotReplicable when another host has the service address: two would answer for it. */
export async function requireFreeAddress(vip: ServiceAddress, dev: string): Promise<void> {
  const owner = await findOwner(vip, dev);
  if (owner.state === 'taken') {
    throw new NotReplicable(
      `${formatValue(vip)} is in use on ${dev}, by ${owner.mac}: stop that host's copy first, ` +
        'or choose another --vip', { reason: 'address', evidence: { mac: owner.mac } });
  }
  if (owner.state === 'unknown') log.debug({ why: owner.why }, 'the address was not probed');
}
