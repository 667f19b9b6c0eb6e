/* length.test.ts: the shim's decoder finds the same instructions as objdump, in libc and in a C++
 * library. bound: 300 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { suite } from '../../support/suite.js';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const most = 200_000;
const outputBytes = 1 << 29;
/** Data, or a prefix alone on its line: one that objdump does not know what to do with. */
const noInstruction = /\(bad\)|\.byte|^(?:fwait|rex\S*|data16|rep\S*|lock|[c-gs]s) *$/;
let folder: string;

/** Offset and length of each instruction of a file's text, as objdump has them. */
function disassembled(file: string): string[] {
  const header = /\] \.text +PROGBITS +(\w+) (\w+)/.exec(
    execFileSync('readelf', ['-SW', file], { encoding: 'utf8' }))!;
  const shift = Number.parseInt(header[1]!, 16) - Number.parseInt(header[2]!, 16);
  const text = execFileSync('objdump', ['-d', '-j', '.text', '--insn-width=16', file],
    { encoding: 'utf8', maxBuffer: outputBytes });
  const places: string[] = [];
  for (const line of text.split('\n')) {
    const found = /^ *([0-9a-f]+):\t([0-9a-f ]+)\t(.+)$/.exec(line);
    if (!found || noInstruction.test(found[3]!)) continue;
    const at = Number.parseInt(found[1]!, 16) - shift;
    places.push(`${at.toString(16)} ${found[2]!.trim().split(/ +/).length}`);
    if (places.length === most) break;
  }
  return places;
}

/** The file that the dynamic linker takes for a library. */
function libraryFile(name: string): string {
  const maps = execFileSync('ldconfig', ['-p'], { encoding: 'utf8' });
  return new RegExp(`^\\t${name.replaceAll('.', '\\.').replaceAll('+', '\\+')} .*=> (.*)$`, 'm')
    .exec(maps)![1]!;
}

const test = suite('the lengths of instructions');
test.before(() => {
  folder = mkdtempSync(join(tmpdir(), 'hotswap-length-'));
  const flags = ['-O1', '-Wall', '-Werror', '-mcrc32', '-msse4.2'];
  execFileSync('gcc', [...flags, '-o', join(folder, 'lengths'),
    here('lengths.c'), here('../../../shim/core/length.c')]);
});
test.after(() => rmSync(folder, { recursive: true, force: true }));

for (const name of ['libc.so.6', 'libstdc++.so.6']) {
  test(`are those that objdump finds in ${name}`, () => {
    const file = libraryFile(name);
    const places = disassembled(file);
    assert.ok(places.length > 10_000, `${places.length} places in ${file}`);
    const { stdout } = spawnSync(join(folder, 'lengths'), [file],
      { input: places.join('\n'), encoding: 'utf8' });
    assert.is(stdout, `${places.length} places\n`);
  }, 120_000);
}

test.run();
