// The offsets and constants of src/channel/layout.ts are those of shim/ring.h, as the C compiler
// sees them, and those of the schema, as the Cap'n Proto compiler sees it.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';

import * as layout from '../../../src/channel/layout.js';
import { suite } from '../../support/suite.js';

const test = suite('layout');
const root = fileURLToPath(new URL('../../..', import.meta.url));

/** Compiles and runs C against ring.h; its lines are `name value`. */
function askC(expressions: Map<string, string>): Map<string, string> {
  const dir = mkdtempSync(join(tmpdir(), 'hotswap-layout-'));
  try {
    const lines = [...expressions].map(
      ([name, c]) => `printf("${name} %llu\\n", (unsigned long long)(${c}));`,
    );
    const source = `#include <stddef.h>\n#include <stdio.h>\n#include "ring.h"
      #define SIZE(s, f) sizeof(((struct s *)0)->f)
      int main(void) { ${lines.join('\n')} return 0; }\n`;
    writeFileSync(join(dir, 'ask.c'), source);
    const binary = join(dir, 'ask');
    execFileSync('cc', ['-I', join(root, 'shim'), '-o', binary, join(dir, 'ask.c')]);
    const output = execFileSync(binary, { encoding: 'utf8' });
    return new Map(output.trim().split('\n').map((line) => line.split(' ') as [string, string]));
  } finally {
    rmSync(dir, { recursive: true });
  }
}

function compare(expected: Map<string, bigint>, expressions: Map<string, string>): void {
  const got = askC(expressions);
  for (const [name, value] of expected) {
    assert.is(BigInt(got.get(name) ?? -1), BigInt.asUintN(64, value), name);
  }
}

test('every constant has the value of ring.h', () => {
  const constants = Object.entries(layout).filter(([name]) => name.startsWith('HS_'));
  assert.ok(constants.length > 30);
  compare(
    new Map(constants.map(([name, value]) => [name, BigInt(value as number | bigint)])),
    new Map(constants.map(([name]) => [name, name])),
  );
});

test('ring.h defines no version, size or mode that layout.ts lacks', () => {
  const header = readFileSync(join(root, 'shim/ring.h'), 'utf8');
  const names = new Set(Object.keys(layout));
  // What only C needs: macros with parameters, the guard, addresses inside the program.
  const onlyC =
    /^HS_(RING_H|(SESSION|RING|CORE)_BASE|CORE_END|DATA_POINTER|RECORD_(DATA|LEN|SIZE|GROUP))$/;
  const defined = [...header.matchAll(/^#define (HS_\w+)/gm), ...header.matchAll(/(HS_\w+) = \d/g)];
  const missing = defined.map((match) => match[1]!).filter((n) => !names.has(n) && !onlyC.test(n));
  assert.equal(missing, []);
});

test('every offset is the one of the C structs', () => {
  const expected = new Map<string, bigint>();
  const expressions = new Map<string, string>();
  const structs = { hs_control: layout.CONTROL, hs_record: layout.RECORD, hs_slot: layout.SLOT };
  for (const [struct, fields] of Object.entries(structs)) {
    for (const [field, offset] of Object.entries(fields)) {
      expected.set(`${struct}.${field}`, BigInt(offset));
      expressions.set(`${struct}.${field}`, `offsetof(struct ${struct}, ${field})`);
    }
  }
  for (const [field, offset] of Object.entries(layout.DIVERGENCE)) {
    expected.set(field, BigInt(layout.CONTROL.divergence + offset));
    expressions.set(field, `offsetof(struct hs_control, divergence.${field})`);
  }
  compare(expected, expressions);
});

test('every size is the one of the C structs', () => {
  const expressions: Record<keyof typeof layout.SIZES, string> = {
    record: 'sizeof(struct hs_record)',
    control: 'sizeof(struct hs_control)',
    slot: 'sizeof(struct hs_slot)',
    divergence: 'SIZE(hs_control, divergence)',
    divergenceExpected: 'SIZE(hs_control, divergence.expected)',
    divergenceGot: 'SIZE(hs_control, divergence.got)',
    sentence: 'SIZE(hs_control, sentence)',
    hostname: 'SIZE(hs_control, hostname)',
    rowCalls: 'SIZE(hs_control, rowCalls)',
    kernelCalls: 'SIZE(hs_control, kernelCalls)',
  };
  compare(
    new Map(Object.entries(layout.SIZES).map(([name, value]) => [name, BigInt(value)])),
    new Map(Object.entries(expressions)),
  );
});

test('the counters are the 64-bit fields from calls on, in their order', () => {
  layout.COUNTERS.forEach((name, i) => {
    assert.is(layout.CONTROL[name], layout.CONTROL.calls + i * 8, name);
  });
});

test('the schema gives both roots the shapes that tell them apart', () => {
  const schema = join(root, 'src/channel/message.capnp');
  const text = execFileSync('capnp', ['compile', '-ocapnp', schema], { encoding: 'utf8' });
  const shape = (name: string) => {
    const line = new RegExp(`^struct ${name} @\\S+ \\{  # (\\d+) bytes, (\\d+) ptrs`, 'm');
    const [, bytes, pointers] = line.exec(text)!;
    return Number(bytes) / 8 + Number(pointers) * 0x10000;
  };
  assert.is(shape('Record'), layout.RECORD_ROOT_HIGH);
  assert.is(shape('Control'), layout.CONTROL_ROOT_HIGH);
});

test.run();
