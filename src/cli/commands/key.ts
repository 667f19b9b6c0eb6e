/* key.ts: `hs-replicate key FILE`: makes the pairing key that both hosts share.
 * 32 random bytes as 64 hexadecimal digits and a newline, readable by its owner alone.
 * The rule: an existing file is never overwritten, for a pair may depend on it. */
import { randomBytes } from 'node:crypto';
import { closeSync, fchmodSync, openSync, readFileSync, statSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import { OperatingError, UserError, errnoOf } from '../../errors.js';
import { printJson, printLine, type CommandSpec } from '../shell.js';

export const keyBytes = 32;

export const keyCommand: CommandSpec = {
  usage: 'key <file>',
  summary: 'make a pairing key, mode 0600',
  examples: ['hs-replicate key /etc/hotswap/pair.key'],
  run: async ({ operands, isJson }) => {
    const file = resolve(operands[0]!);
    makeKey(file);
    if (isJson) printJson({ ok: true, file, bits: keyBytes * 8 });
    else printLine(`made ${file}: copy it to the other host over a channel you trust`);
  },
};

/** Writes a new key. Throws UserError when something is there already. */
export function makeKey(file: string): void {
  let fd: number;
  try {
    fd = openSync(file, 'wx', 0o600);
  } catch (error) {
    const reason = errnoOf(error);
    if (reason === 'EEXIST') {
      throw new UserError(`${file} exists already: remove it first, or name another file`, {
        reason,
      });
    }
    throw new OperatingError(`cannot make ${file}: ${(error as Error).message}`, {
      reason, cause: error,
    });
  }
  try {
    // Whatever the umask made of it.
    fchmodSync(fd, 0o600);
    writeSync(fd, `${randomBytes(keyBytes).toString('hex')}\n`);
  } finally {
    closeSync(fd);
  }
}

/** What is wrong with a key file, as the end of a sentence; undefined when it is good. */
export function keyFault(file: string): string | undefined {
  try {
    const { mode } = statSync(file);
    if ((mode & 0o077) !== 0) return `can be read by others: chmod 600 ${file}`;
    const text = readFileSync(file, 'utf8').trim();
    const isKey = new RegExp(`^[0-9a-fA-F]{${keyBytes * 2}}$`).test(text);
    return isKey ? undefined : `is not a pairing key: make one with "hs-replicate key ${file}"`;
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') return `cannot be read: ${(error as Error).message}`;
    return `does not exist: make it with "hs-replicate key ${file}", and copy it to both hosts`;
  }
}

/** Throws UserError unless `file` is a good key, or none is asked for. */
export function requireKey(file: string | undefined): void {
  const fault = file === undefined ? undefined : keyFault(file);
  if (fault !== undefined) throw new UserError(`key file ${file} ${fault}`, { reason: 'key-file' });
}
