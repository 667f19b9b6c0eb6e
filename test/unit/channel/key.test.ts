// A pairing key is made readable by its owner alone, and any other file is refused with a sentence.

import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';

import { createKeyFile, readKeyFile } from '../../../src/channel/index.js';
import { UserError } from '../../../src/errors.js';
import { suite } from '../../support/suite.js';

const test = suite('pairing key');
const dir = mkdtempSync(join(tmpdir(), 'hotswap-key-'));
const file = join(dir, 'pair.key');
test.before.each(() => rmSync(file, { force: true, recursive: true }));
test.after(() => rmSync(dir, { recursive: true }));

function refusal(): string {
  try {
    readKeyFile(file);
  } catch (error) {
    assert.instance(error, UserError);
    return (error as UserError).message;
  }
  throw new Error('the key was accepted');
}

test('a new key has mode 0600, 64 hexadecimal characters, and is read back', () => {
  createKeyFile(file);
  assert.is(statSync(file).mode & 0o777, 0o600);
  const text = readFileSync(file, 'latin1');
  assert.match(text, /^[0-9a-f]{64}\n$/);
  assert.is(readKeyFile(file).toString('hex'), text.trim());
});

test('a key that is there is not overwritten', () => {
  createKeyFile(file);
  const text = readFileSync(file, 'latin1');
  assert.throws(() => createKeyFile(file), /EEXIST/);
  assert.is(readFileSync(file, 'latin1'), text);
});

test('a key that others may read is refused with the command that mends it', () => {
  for (const mode of [0o640, 0o604, 0o660, 0o644, 0o700]) {
    rmSync(file, { force: true });
    createKeyFile(file);
    chmodSync(file, mode);
    assert.match(refusal(), new RegExp(`mode 0${mode.toString(8)}: run chmod 0600`));
  }
  chmodSync(file, 0o400);
  assert.is(readKeyFile(file).length, 32);
});

test('a file that holds no key is refused', () => {
  const hex = 'ab'.repeat(32);
  for (const text of ['', hex.slice(1), `${hex}0`, `g${hex.slice(1)}`, `${hex}\n${hex}\n`]) {
    writeFileSync(file, text, { mode: 0o600 });
    assert.match(refusal(), /64 hexadecimal/);
  }
  writeFileSync(file, `${hex.toUpperCase()}\r\n`);
  assert.is(readKeyFile(file).toString('hex'), hex);
});

test('no file, or no file of the right kind, is refused', () => {
  assert.match(refusal(), /ENOENT/);
  const directory = () => readKeyFile(dir);
  assert.throws(directory, /not a regular file/);
});

test.run();
