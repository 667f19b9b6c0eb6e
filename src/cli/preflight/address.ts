/* address.ts: does another host on the segment have the service address? An ARP probe (RFC 5227)
 * that waits half a second: in a segment whose hosts are up, answers come within milliseconds.
 * The rule: the probe has no sender address, so it changes nobody's tables. */
import { execFile } from 'node:child_process';
import type { ServiceAddress } from '../../config-values.js';
import { errnoOf } from '../../errors.js';

export type Owner =
  | { state: 'free' }
  | { state: 'taken'; mac: string }
  | { state: 'unknown'; why: string };

const answerMs = 500;

/** Asks the segment of `dev`. This host itself is not asked: see networkInterfaces(). */
export function findOwner(vip: ServiceAddress, dev: string): Promise<Owner> {
  if (vip.address.includes(':')) return Promise.resolve({ state: 'unknown', why: 'IPv6' });
  const args = ['-D', '-c', '1', '-w', '2', '-I', dev, vip.address];
  return new Promise((done) => {
    execFile('arping', args, { timeout: answerMs }, (error, stdout, stderr) => {
      const mac = /\[([0-9a-f:]+)\]/i.exec(stdout)?.[1];
      if (mac !== undefined) done({ state: 'taken', mac: mac.toLowerCase() });
      else if (!error || error.killed) done({ state: 'free' });
      else if (errnoOf(error) === 'ENOENT') done({ state: 'unknown', why: 'no arping' });
      else done({ state: 'unknown', why: stderr.trim() || `arping ended with ${error.code}` });
    });
  });
}
