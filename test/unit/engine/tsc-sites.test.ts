/* tsc-sites.test.ts: which rdtsc byte pairs are found to be instructions, what is kept of that, and
 * what the shim gets to read. The subject is a library of hand-written code, one label a pair. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync,
  statSync, symlinkSync, utimesSync, writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { readElf } from '../../../src/code/elf.js';
import {
  TSC_TABLE_BYTES, countTscSites, encodeTscTable, findTscSites, neededFiles, tscKinds,
  writeTscTable, type TscFile, type TscSites,
} from '../../../src/engine/tsc-sites.js';
import { suite } from '../../support/suite.js';

const source = `
  .text
function:                       # described: everything in it is decoded from its start
  .cfi_startproc
  push %rbx
plain: rdtsc
  mov $0x310f, %ecx
  .set in_mov, . - 4
  movabs $0x00f9010f00000000, %rax
  .set in_movabs, . - 4
with_p: rdtscp
  .byte 0xf3
prefixed: rdtsc
  pop %rbx
  ret
  .cfi_endproc

spoiled:
  .cfi_startproc
  ret
  .byte 0x06                    # no instruction: a table in a function
after_data: rdtsc
  ret
  .cfi_endproc

doomed:
  .cfi_startproc
  nop
before_data: rdtsc
  .byte 0x06
  .skip 32, 0x90
  .cfi_endproc

last:
  .cfi_startproc
  .byte 0x3c, 0x0f              # cmp $0x0f, %al; the next function begins with 31
  .cfi_endproc
next:
  .cfi_startproc
  xor %eax, %eax
  ret
  .cfi_endproc

undescribed: rdtsc              # code that no frame describes
  shl $32, %rdx
  ret
  .skip 32, 0x90
table: .byte 0x0f, 0x31, 0x42, 0x39, 0xd7, 0x42, 0xf1, 0xcf
  .skip 32, 0x06
branchy: .byte 0x0f, 0x31, 0x75, 0x02, 0x06, 0x06
  .skip 32, 0x90
  .section .rodata
elsewhere: rdtsc
`;

const test = suite('rdtsc sites');
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'hs-tsc-')));
const cacheDir = join(folder, 'cache');
const library = join(folder, 'subject');
let labels: Map<string, number>;
test.after(() => rmSync(folder, { recursive: true, force: true }));

test.before(() => {
  writeFileSync(join(folder, 'subject.S'), source);
  execFileSync('gcc', ['-shared', '-nostdlib', '-o', library, `${library}.S`], { stdio: 'pipe' });
  const image = readElf(readFileSync(library))!;
  const names = execFileSync('nm', [library], { encoding: 'utf8' });
  labels = new Map();
  for (const [, address, name] of names.matchAll(/^([0-9a-f]+) \w (\w+)$/gm)) {
    const offset = offsetOrNone(() => image.offsetOf(Number.parseInt(address!, 16)));
    if (offset !== undefined) labels.set(name!, offset);
  }
});

function offsetOrNone(read: () => number): number | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof RangeError) return undefined; // symbols of .bss are in no file
    throw error;
  }
}

async function only(path: string, options = { cacheDir }): Promise<TscFile> {
  const { files, problem } = await findTscSites([path], options);
  assert.is(problem, undefined);
  assert.is(files.length, 1);
  return files[0]!;
}

/** The kind of the pair at a label, plus `shift` bytes. */
async function kindAt(label: string, shift = 0): Promise<number | undefined> {
  const { sites } = await only(library);
  const offset = labels.get(label)! + shift;
  assert.ok(Number.isInteger(offset), `no label ${label}`);
  return sites.find((site) => site.offset === offset)?.kind;
}

test('a pair where an instruction begins is rdtsc or rdtscp', async () => {
  assert.is(await kindAt('plain'), tscKinds.rdtsc);
  assert.is(await kindAt('with_p'), tscKinds.rdtscp);
});

test('a pair inside another instruction is none', async () => {
  assert.is(await kindAt('in_mov'), tscKinds.none, 'rdtsc in a constant');
  assert.is(await kindAt('in_movabs'), tscKinds.none, 'rdtscp in a constant');
  assert.is(await kindAt('last', 1), tscKinds.none, 'half in the next function');
});

test('an instruction with a prefix begins elsewhere, and is not known', async () => {
  assert.is(await kindAt('prefixed'), tscKinds.unknown);
});

test('in a function that holds data, a pair near the data is not known', async () => {
  assert.is(await kindAt('after_data'), tscKinds.unknown);
  assert.is(await kindAt('before_data'), tscKinds.unknown);
});

test('outside of functions, a pair is none only if what follows it cannot run', async () => {
  assert.is(await kindAt('table'), tscKinds.none);
  assert.is(await kindAt('undescribed'), tscKinds.unknown);
  assert.is(await kindAt('branchy'), tscKinds.unknown);
});

test('every pair that a search of the executable pages finds is listed, and no more', async () => {
  const { sites } = await only(library);
  const bytes = readFileSync(library);
  const wanted: number[] = [];
  for (const { start, end, isExecutable } of readElf(bytes)!.segments) {
    for (let at = start; isExecutable && at + 1 < end; at++) {
      const isPair = bytes[at] === 0x0f && (bytes[at + 1] === 0x31 ||
        (bytes[at + 1] === 0x01 && bytes[at + 2] === 0xf9));
      if (isPair) wanted.push(at);
    }
  }
  assert.equal(sites.map(({ offset }) => offset), wanted);
  assert.is(sites.some(({ offset }) => offset === labels.get('elsewhere')), false);
});

test('the loader has the very sites that a disassembly of all of it shows', async () => {
  const loader = neededFiles('/bin/true').find((path) => path.includes('ld-linux'))!;
  const { path, sites } = await only(loader);
  const image = readElf(readFileSync(path))!;
  const text = execFileSync('objdump', ['-d', '--no-show-raw-insn', path], {
    encoding: 'utf8', maxBuffer: 1 << 27,
  });
  const wanted = [...text.matchAll(/^ *([0-9a-f]+):\trdtscp?\s*$/gm)]
    .map(([, address]) => image.offsetOf(Number.parseInt(address!, 16)));
  const found = sites.filter(({ kind }) => kind === tscKinds.rdtsc || kind === tscKinds.rdtscp);
  assert.ok(wanted.length > 0);
  assert.equal(found.map(({ offset }) => offset), wanted);
});

test('a file is judged once, by whatever name, until it changes', async () => {
  const copy = join(folder, 'copy');
  const dir = join(folder, 'once');
  copyFileSync(library, copy);
  utimesSync(copy, 1000, 1000);
  symlinkSync(copy, join(folder, 'link'));
  const first = await findTscSites([copy, join(folder, 'link')], { cacheDir: dir });
  assert.equal(first.files.map(({ path }) => path), [copy]);
  const second = await only(copy, { cacheDir: dir });
  assert.is(second.isCached, true);
  assert.equal(second.sites, first.files[0]!.sites);

  const bytes = readFileSync(copy);
  bytes[labels.get('plain')!] = 0x90;
  writeFileSync(copy, bytes);
  utimesSync(copy, 1000, 1000); // as a package does: the old time on new contents
  const third = await only(copy, { cacheDir: dir });
  assert.is(third.isCached, false);
  assert.is(third.sites.length, second.sites.length - 1);
});

test('a cache that is damaged is as good as none, and is mended', async () => {
  const dir = join(folder, 'damaged');
  const { sites } = await only(library, { cacheDir: dir });
  const damages = ['', '{', 'null', '{"format":1,"key":"x","sites":[]}', '{"format":0}'];
  for (const damage of damages) {
    const [name] = readdirSync(dir);
    writeFileSync(join(dir, name!), damage);
    const again = await only(library, { cacheDir: dir });
    assert.is(again.isCached, false, damage);
    assert.equal(again.sites, sites);
    assert.is((await only(library, { cacheDir: dir })).isCached, true);
    assert.equal(readdirSync(dir), [name]);
  }
});

test('the cache is this user\'s alone; one that others may write to is not used', async () => {
  const dir = join(folder, 'mine');
  await only(library, { cacheDir: dir });
  assert.is(statSync(dir).mode & 0o777, 0o700);
  assert.is(statSync(join(dir, readdirSync(dir)[0]!)).mode & 0o777, 0o600);

  const open = join(folder, 'open');
  mkdirSync(open);
  chmodSync(open, 0o777);
  await only(library, { cacheDir: open });
  assert.equal(readdirSync(open), []);
});

test('without objdump nothing is known and nothing is kept, and it is said', async () => {
  const dir = join(folder, 'without');
  const path = process.env['PATH'];
  process.env['PATH'] = folder;
  try {
    const { files, problem } = await findTscSites([library], { cacheDir: dir });
    assert.match(problem!, /install binutils/);
    assert.equal(files, []);
    assert.equal(readdirSync(dir), []);
  } finally {
    process.env['PATH'] = path;
  }
});

test('a file that cannot be read is left out, and it is said', async () => {
  const { files, problem } = await findTscSites([join(folder, 'none'), library], { cacheDir });
  assert.equal(files.map(({ path }) => path), [library]);
  assert.match(problem!, /none/);
});

test('what is no ELF file for this machine is left out', async () => {
  const script = join(folder, 'script');
  writeFileSync(script, '#!/bin/sh\n\x0f\x31\n');
  const other = readFileSync(library);
  other.writeUInt16LE(183, 18); // AArch64
  writeFileSync(join(folder, 'other'), other);
  const { files } = await findTscSites([script, join(folder, 'other')], { cacheDir });
  assert.equal(files, []);
});

test('a file with damaged headers and frames is read without a fault', () => {
  const whole = readFileSync(library);
  const address = labels.get('plain')!; // the linker puts code at its offset in the file
  assert.ok(readElf(whole)!.functionAt(address));
  let state = 1;
  const random = (below: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % below;
  };
  for (let i = 0; i < 2000; i++) {
    const bytes = Buffer.from(whole.subarray(0, i % 4 === 0 ? random(whole.length) : undefined));
    for (let n = random(8); n > 0 && bytes.length > 0; n--) {
      // The header and the program headers, or anywhere.
      bytes[random(n % 2 ? Math.min(bytes.length, 0x300) : bytes.length)] = random(256);
    }
    const range = readElf(bytes)?.functionAt(address);
    if (range) assert.ok(range.start <= address && address < range.end);
  }
});

test('the table holds path hash, size, offset and kind, in that order and sorted', () => {
  const sites: TscSites = {
    files: [
      { path: '/a', bytes: 7, isCached: false, sites: [{ offset: 9, kind: 3 }] },
      {
        path: '/lib/b', bytes: 0x1_0000_0005, isCached: false,
        sites: [{ offset: 2, kind: 1 }, { offset: 4, kind: 0 }],
      },
    ],
  };
  const table = encodeTscTable(sites);
  const words = Array.from({ length: table.length / 4 }, (_, i) => table.readUInt32LE(i * 4));
  // FNV-1a, 32 bits, worked out independently.
  const [a, b] = [0x70d2182d, 0x3a20005c];
  assert.equal(words, [3, 0, b, 5, 2, 1, b, 5, 4, 0, a, 7, 9, 3]);

  const memory = new ArrayBuffer(TSC_TABLE_BYTES);
  writeTscTable(memory, sites);
  assert.equal(Buffer.from(memory, 0, table.length), table);
  assert.equal(countTscSites(sites), { none: 1, rdtsc: 1, rdtscp: 0, unknown: 1 });
});

test('what the table has no room for is left out', () => {
  const sites = Array.from({ length: 500_000 }, (_, offset) => ({ offset, kind: 1 as const }));
  const table = encodeTscTable({ files: [{ path: '/a', bytes: 1, isCached: false, sites }] });
  assert.ok(table.length <= TSC_TABLE_BYTES);
  assert.is(table.readUInt32LE(0), (table.length - 8) / 16);
});

test('the files a program needs are itself, its loader and its libraries', () => {
  const files = neededFiles('/bin/true');
  assert.ok(files.includes('/bin/true'));
  assert.ok(files.some((path) => /ld-linux/.test(path)));
  assert.ok(files.some((path) => /libc\.so/.test(path)));
});

test.run();
