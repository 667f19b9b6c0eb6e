/* bpf/layout.ts against bpf/event.h: the compiler is asked for every offset, size and value. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import * as layout from '../../bpf/layout.js';
import { repositoryRoot } from '../../src/bed/bed.js';
import { settingsWord } from '../../src/engine/enforcement-map.js';
import * as openings from '../../src/engine/openings.js';
import { suite } from '../support/suite.js';

const test = suite('layout of the BPF maps');

const upper = (name: string): string => name.replace(/[A-Z]/g, (c) => `_${c}`).toUpperCase();

/** Expressions of C, each with what layout.ts says it is. */
function claims(): [string, number][] {
  const of = (struct: string, offsets: Record<string, number>): [string, number][] =>
    Object.entries(offsets).map(([field, at]) => [`offsetof(struct ${struct}, ${field})`, at]);
  const values = (prefix: string, named: Record<string, number>): [string, number][] =>
    Object.entries(named).map(([name, value]) => [`${prefix}${upper(name)}`, value]);
  return [
    ...of('hs_net_settings', {
      ...layout.settingsOffsets, ...layout.counterOffsets, ...layout.ownerOffsets,
    }),
    ...of('hs_net_key', layout.keyOffsets),
    ...of('hs_net_slot', layout.slotOffsets),
    ...of('hs_net_held', layout.heldOffsets),
    ['sizeof(struct hs_net_settings)', layout.settingsBytes],
    ['sizeof(struct hs_net_key)', layout.keyBytes],
    ['sizeof(struct hs_net_slot)', layout.slotBytes],
    ['sizeof(struct hs_net_held)', layout.heldBytes],
    ...values('HS_NET_', layout.netRole),
    ...values('HS_NET_', layout.netFlag),
    ['HS_NET_SLOTS', layout.netSlots],
    ['HS_NET_MARK', layout.netMark],
  ];
}

test('every offset, size and value is the compiler\'s', () => {
  const dir = mkdtempSync(join(tmpdir(), 'hs-layout-'));
  try {
    const lines = claims().map(([c]) => `  printf("%lu\\n", (unsigned long)(${c}));`);
    writeFileSync(join(dir, 'layout.c'), ['#include <stddef.h>', '#include <stdio.h>',
      '#include "bpf/event.h"', 'int main(void) {', ...lines, '  return 0;', '}', ''].join('\n'));
    const built = spawnSync('gcc', ['-Wall', '-Werror', '-I', repositoryRoot(), '-o',
      join(dir, 'layout'), join(dir, 'layout.c')], { encoding: 'utf8' });
    assert.is(built.status, 0, built.stderr);
    const told = spawnSync(join(dir, 'layout'), { encoding: 'utf8' }).stdout.trim().split('\n');
    const said = claims().map(([c, value]) => `${c} = ${value}`);
    assert.equal(claims().map(([c], i) => `${c} = ${told[i]}`), said);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});

test('the engine says the same', () => {
  const { slotOffsets, netFlag } = layout;
  assert.equal(openings.HELD, layout.heldOffsets);
  assert.equal(openings.SLOT, {
    flags: slotOffsets.flags, raddr: slotOffsets.raddr, ports: slotOffsets.rport,
    bornMs: slotOffsets.bornMs,
  });
  assert.is(slotOffsets.lport, slotOffsets.rport + 2);
  assert.equal(openings.FLAG, {
    used: netFlag.used, noted: netFlag.noted, synOk: netFlag.synOk, dialled: netFlag.dialled,
  });
  assert.equal([openings.HELD_BYTES, openings.SLOT_BYTES, openings.SLOTS, openings.NET_MARK],
    [layout.heldBytes, layout.slotBytes, layout.netSlots, layout.netMark]);
});

test('the engine writes the words where the header has them', () => {
  const { settingsOffsets, ownerOffsets } = layout;
  for (const [name, at] of Object.entries({ ...settingsOffsets, ...ownerOffsets })) {
    assert.is(settingsWord[name as keyof typeof settingsWord] * 4, at, name);
  }
});

test('no field of event.h is missing here', () => {
  const counted = Object.keys(layout.settingsOffsets).length * 4 +
    Object.keys({ ...layout.counterOffsets, ...layout.ownerOffsets }).length * 8;
  assert.is(counted, layout.settingsBytes);
  const narrow: Record<string, number> = {
    wscale: 1, peerWscale: 1, peerMss: 2, rport: 2, lport: 2,
  };
  const slot = Object.keys(layout.slotOffsets).reduce((sum, name) => sum + (narrow[name] ?? 4), 0);
  assert.is(slot, layout.slotBytes);
});

test.run();
