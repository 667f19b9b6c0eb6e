// key.ts: the pairing key: 32 random bytes as 64 hex characters in a file only its owner can read.
// Whoever holds it may take part in the pair, so a file others can read is refused, not warned of.

import { randomBytes } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from 'node:fs';

import { UserError, errnoOf } from '../errors.js';

const KEY_BYTES = 32;

/** Reads a pairing key. Throws UserError when the file is missing, readable by others or no key. */
export function readKeyFile(path: string): Buffer {
  const fd = open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    // Asked of the open file, so that it cannot be swapped between the check and the reading.
    const stat = fstatSync(fd);
    if (!stat.isFile()) {
      throw new UserError(`the key file ${path} is not a regular file: give another --key-file`);
    }
    const mode = stat.mode & 0o777;
    if ((mode & 0o177) !== 0) {
      const shown = mode.toString(8).padStart(4, '0');
      throw new UserError(`the key file ${path} has mode ${shown}: run chmod 0600 ${path}`);
    }
    const text = Buffer.alloc(KEY_BYTES * 2 + 3);
    const length = readSync(fd, text);
    const hex = text.toString('latin1', 0, length).trimEnd();
    if (!/^[0-9a-fA-F]{64}$/.test(hex)) {
      throw new UserError(
        `the key file ${path} does not hold 64 hexadecimal characters: ` +
          'make one with hs-replicate key, and copy it to both hosts',
      );
    }
    return Buffer.from(hex, 'hex');
  } finally {
    closeSync(fd);
  }
}

/** Makes a new pairing key with mode 0600. Throws UserError when the file is there already. */
export function createKeyFile(path: string): void {
  const fd = open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL);
  try {
    writeSync(fd, `${randomBytes(KEY_BYTES).toString('hex')}\n`);
  } finally {
    closeSync(fd);
  }
}

function open(path: string, flags: number): number {
  try {
    return openSync(path, flags, 0o600);
  } catch (cause) {
    const reason = errnoOf(cause);
    const doing = flags & constants.O_CREAT ? 'made' : 'read';
    const next = reason === 'EEXIST' ? 'remove it first, or use it' : 'check the path and rights';
    throw new UserError(`the key file ${path} cannot be ${doing} (${reason}): ${next}`, {
      reason,
      cause,
    });
  }
}
