/* owner.test.ts: who serves an address, and on which processor: what is read from a hello and from
 * /proc/cpuinfo, and the sentences that refuse. */
import * as assert from 'uvu/assert';
import { arpProbe, gratuitousArp } from '../../../src/engine/arp.js';
import { compareProcessors, parseProcessor } from '../../../src/engine/processor.js';
import { listenMs } from '../../../src/engine/rival.js';
import { suite } from '../../support/suite.js';

const test = suite('owner and processor');

const cpuinfo = (...processors: [model: string, flags: string][]): string =>
  processors.map(([model, flags], i) =>
    `processor\t: ${i}\nmodel name\t: ${model}\nflags\t\t: ${flags}\nbugs\t\t: spectre_v1\n`)
    .join('\n');

test('a probe asks for the address and names no sender', () => {
  const mac = Uint8Array.of(2, 0, 0, 0, 0, 7);
  const frame = arpProbe(mac, '10.0.0.9');
  assert.equal([...frame.subarray(22, 32)], [2, 0, 0, 0, 0, 7, 0, 0, 0, 0]);
  assert.equal([...frame.subarray(38, 42)], [10, 0, 0, 9]);
  const announced = gratuitousArp(mac, '10.0.0.9', 'request');
  assert.equal([...announced.subarray(28, 32)], [10, 0, 0, 9]);
});

test('a long bound on silence is listened for, and 400 ms at least', () => {
  assert.is(listenMs({ intervalMs: 50, count: 3 }), 400);
  assert.is(listenMs({ intervalMs: 1000, count: 5 }), 5000);
});

test('flags are those all processors of a host have, without what a kernel adds', () => {
  const { model, flags } = parseProcessor(cpuinfo(
    ['One', 'fpu avx2 sse2 constant_tsc ibrs_enhanced hypervisor avx512f'],
    ['One', 'sse2 avx2 pti']));
  assert.is(model, 'One');
  assert.equal(flags, ['avx2', 'sse2']);
});

test('processors that differ only in what a kernel or a hypervisor adds are the same', () => {
  const one = parseProcessor(cpuinfo(['A', 'sse2 avx2 pti ssbd vmx md_clear']));
  const other = parseProcessor(cpuinfo(['B', 'avx2 sse2 hypervisor flush_l1d user_shstk']));
  assert.not.throws(() => compareProcessors(one, other));
});

test('a refusal names what the backup lacks and what it has besides, and both models', () => {
  const one = parseProcessor(cpuinfo(['Big', 'sse2 avx2 avx512f avx512bw']));
  const other = parseProcessor(cpuinfo(['Small', 'sse2 avx2 sha_ni']));
  assert.throws(() => compareProcessors(one, other),
    /processor \(Small\) lacks avx512bw, avx512f, and has sha_ni, which .* lacks \(Big\)/);
  assert.throws(() => compareProcessors(other, one), /\(Big\) lacks sha_ni, and has avx512bw/);
});

test('a hello that is full of flags fits in one message', async () => {
  const { decodeControl, encodeControl } = await import('../../../src/channel/control.js');
  const features = Array.from({ length: 140 }, (_, i) => `flag=avx512_vp2intersect${i}`);
  const hello = {
    kind: 'hello' as const, version: 1, tableHash: 'a', role: 'primary' as const, name: 'n',
    features, instance: 1n, nextSeq: 0,
  };
  assert.equal(decodeControl(encodeControl(hello)), hello);
});

test.run();
