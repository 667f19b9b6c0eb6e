/* preflight.test.ts: what the probes make of kernels, rights and programs' files. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import {
  lackingCapabilities, packagesToRun, releaseNumber,
} from '../../src/cli/preflight/host.js';
import { runProbes } from '../../src/cli/preflight/probe.js';
import { judgeProgram } from '../../src/cli/preflight/subject.js';
import { findProgram, inspectProgram } from '../../src/program-file.js';
import { suite } from '../support/suite.js';

const test = suite('preflight');
const folder = mkdtempSync(join(tmpdir(), 'hs-preflight-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
function executable(bytes: string | Buffer): string {
  const path = join(folder, `program${files++}`);
  writeFileSync(path, bytes);
  chmodSync(path, 0o755);
  return path;
}

/** The first 64 bytes of an ELF file, with program headers to follow at 64. */
function elfHead(options: { machine?: number; headers?: number; at?: bigint } = {}): Buffer {
  const head = Buffer.alloc(64);
  head.write('\x7fELF\x02\x01\x01', 'latin1');
  head.writeUInt16LE(options.machine ?? 62, 18);
  head.writeBigUInt64LE(options.at ?? 64n, 32);
  head.writeUInt16LE(56, 54);
  head.writeUInt16LE(options.headers ?? 0, 56);
  return head;
}

test('the running node is a dynamic program for this machine', () => {
  const file = inspectProgram(process.execPath);
  assert.is(file.kind, 'elf');
  assert.is(file.isX8664, true);
  assert.match(file.loader ?? '', /ld-linux/);
  assert.is(judgeProgram(process.execPath).status, 'ok');
});

test('a program without a loader is static, and can be brought in', () => {
  const { status, found } = judgeProgram(executable(elfHead()));
  assert.is(status, 'ok');
  assert.match(found, 'static');
});

test('a program for another machine is refused', () => {
  const { status, found } = judgeProgram(executable(elfHead({ machine: 183 })));
  assert.is(status, 'missing');
  assert.match(found, 'not for x86-64');
});

test('headers that lie about where they are do no harm', () => {
  for (const at of [1n << 62n, 1n << 40n, (1n << 64n) - 1n]) {
    const file = inspectProgram(executable(elfHead({ headers: 65535, at })));
    assert.is(file.loader, undefined);
  }
  assert.is(inspectProgram(executable('\x7fELF')).isX8664, false);
  assert.is(inspectProgram(executable('')).kind, 'other');
});

test('a script is followed to its interpreter', () => {
  const { status, found } = judgeProgram(executable(`#! ${process.execPath} --no-warnings\n`));
  assert.is(status, 'ok');
  assert.match(found, ` → ${process.execPath}, dynamic`);
  assert.match(judgeProgram(executable('#!/no/such/shell\n')).found, 'no /no/such/shell');
});

test('a script that is its own interpreter is given up', () => {
  const path = join(folder, 'ouroboros');
  writeFileSync(path, `#!${path}\n`);
  chmodSync(path, 0o755);
  assert.is(judgeProgram(path).status, 'missing');
});

test('a program is found as execvp finds it', () => {
  const path = executable('#!/bin/sh\n');
  const name = path.slice(folder.length + 1);
  assert.is(findProgram(name, { PATH: `/nowhere:${folder}` }), path);
  assert.is(findProgram(`./${name}`, {}, folder), path);
  assert.throws(() => findProgram(name, { PATH: '/nowhere' }), /not on the PATH/);
  assert.throws(() => findProgram('./', {}, folder), /no executable file/);
  assert.throws(() => findProgram('', { PATH: folder }), /not on the PATH/);
});

test('kernel releases compare by number, not by text', () => {
  assert.ok(releaseNumber('5.11.0-1-amd64') > releaseNumber('5.9.3'));
  assert.ok(releaseNumber('6.1') > releaseNumber('5.19.17'));
  assert.is(releaseNumber('odd'), 0);
});

test('capabilities are told by name', () => {
  const wanted = { CAP_NET_ADMIN: 12, CAP_CHECKPOINT_RESTORE: 40 };
  assert.equal(lackingCapabilities('CapEff:\t000001ffffffffff\n', wanted), []);
  assert.equal(
    lackingCapabilities('CapEff:\t0000000000001000\n', wanted), ['CAP_CHECKPOINT_RESTORE']);
  assert.equal(lackingCapabilities('', wanted), Object.keys(wanted));
});

test('the packages to run are one section of the list', () => {
  const list =
    '# the list\n\n# to build\ngcc # c\n\n# to run\niproute2 # a\nrsync\n\n# to test\nx\n';
  assert.equal(packagesToRun(list), ['iproute2', 'rsync']);
});

test('a probe that throws could not find out: a warning', async () => {
  const [result] = await runProbes([{ name: 'x', look: () => { throw new Error('boom'); } }]);
  assert.is(result?.status, 'warn');
  assert.match(result?.found ?? '', 'boom');
});

test.run();
