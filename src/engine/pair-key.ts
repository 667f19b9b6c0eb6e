/* pair-key.ts: the pairing key of a command's options, and without one the well-known key, which
 * keeps out nobody: it is for a network that only the two hosts are on. */
import { createHash } from 'node:crypto';
import { readKeyFile } from '../channel/index.js';
import { log } from '../log.js';

export function pairKey(keyFile: string | undefined): Uint8Array {
  if (keyFile !== undefined) return readKeyFile(keyFile);
  log.warn('no --key-file: whoever reaches the channel can take part in this pair');
  return createHash('sha256').update('hotswap: no pairing key').digest();
}

/** Tells this start of an engine from any other. */
export const newInstance = (): bigint => crypto.getRandomValues(new BigUint64Array(1))[0]!;
