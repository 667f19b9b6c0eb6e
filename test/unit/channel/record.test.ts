// The record codec agrees with two independent readers of Cap'n Proto: capnp-ts and the reference
// implementation's `capnp decode`.

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Message } from 'capnp-ts';
import fc from 'fast-check';
import * as assert from 'uvu/assert';

import { HS_MAX_RECORD_BYTES, RECORD } from '../../../src/channel/layout.js';
import { Record as WireRecord } from '../../../src/channel/message.capnp.gen.js';
import {
  PROBLEMS,
  Stop,
  decodeRecord,
  decodeRun,
  encodeRecord,
  encodedBytes,
  newScan,
  scanRecords,
  viewOf,
  type RecordFields,
} from '../../../src/channel/record.js';
import { suite } from '../../support/suite.js';
import { makeRun, packRun, runSeed, seeded, someRecord } from './records.js';

const test = suite('record codec');
const schema = fileURLToPath(new URL('../../../src/channel/message.capnp', import.meta.url));
const seed = runSeed('record');

const u32 = fc.integer({ min: 0, max: 0xffffffff });
const anyRecord: fc.Arbitrary<RecordFields> = fc.record({
  method: u32,
  pid: u32,
  seq: fc.maxSafeNat(),
  tid: u32,
  object: u32,
  result: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  check: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  data: fc.uint8Array({ maxLength: 200 }),
});

/** How `capnp decode` prints Data: printable characters, and escapes for the others. */
function unescapeData(text: string): number[] {
  const letters: Record<string, number> = { a: 7, b: 8, f: 12, n: 10, r: 13, t: 9, v: 11 };
  const bytes: number[] = [];
  for (let i = 0; i < text.length; i++) {
    if (text[i] !== '\\') {
      bytes.push(text.charCodeAt(i));
      continue;
    }
    const next = text[++i]!;
    const number = /^(x[0-9a-f]{2}|[0-7]{3})/.exec(text.slice(i))?.[0];
    if (number) {
      bytes.push(next === 'x' ? parseInt(number.slice(1), 16) : parseInt(number, 8));
      i += number.length - 1;
    } else bytes.push(letters[next] ?? next.charCodeAt(0));
  }
  return bytes;
}

/** Reads records with the reference implementation, which prints one line for each. */
function capnpDecode(bytes: Uint8Array): RecordFields[] {
  const output = execFileSync('capnp', ['decode', '--short', schema, 'Record'], {
    input: bytes,
    encoding: 'latin1',
    maxBuffer: 1 << 26,
  });
  return output.trimEnd().split('\n').map((line) => {
    const match = /^\((.*?)(?:, data = "(.*)")?\)$/.exec(line)!;
    const fields = new Map(match[1]!.split(', ').map((f) => f.split(' = ') as [string, string]));
    const big = (name: string) => BigInt(fields.get(name)!);
    const number = (name: string) => Number(big(name));
    return {
      method: number('method'),
      pid: number('pid'),
      seq: number('seq'),
      tid: number('tid'),
      object: number('object'),
      result: big('result'),
      check: big('check'),
      data: Uint8Array.from(unescapeData(match[2] ?? '')),
    };
  });
}

test('what is encoded, capnp decode reads, and so do we', () => {
  const records = fc.sample(anyRecord, { numRuns: 1000, seed });
  const bytes = packRun(records);
  const plain = records.map((record) => ({ ...record, data: Uint8Array.from(record.data) }));
  assert.equal(capnpDecode(bytes), plain);
  assert.equal([...decodeRun(viewOf(bytes), 0, bytes.length)], plain);
});

test('what is encoded, capnp-ts reads', () => {
  fc.assert(
    fc.property(anyRecord, (record) => {
      const wire = new Message(packRun([record]), false).getRoot(WireRecord);
      assert.is(wire.getMethod(), record.method);
      assert.is(wire.getPid(), record.pid);
      assert.is(wire.getSeq(), BigInt(record.seq));
      assert.is(wire.getTid(), record.tid);
      assert.is(wire.getObject(), record.object);
      assert.is(wire.getResult(), record.result);
      assert.is(wire.getCheck(), record.check);
      assert.equal([...wire.getData().toUint8Array()], [...record.data]);
    }),
    { seed, numRuns: 300 },
  );
});

test('what capnp-ts encodes, the scan passes and decode reads', () => {
  fc.assert(
    fc.property(anyRecord, (record) => {
      const message = new Message();
      const wire = message.initRoot(WireRecord);
      wire.setMethod(record.method);
      wire.setPid(record.pid);
      wire.setSeq(BigInt(record.seq));
      wire.setTid(record.tid);
      wire.setObject(record.object);
      wire.setResult(record.result);
      wire.setCheck(record.check);
      if (record.data.length > 0) {
        wire.initData(record.data.length).copyBuffer(record.data);
      }
      const bytes = new Uint8Array(message.toArrayBuffer());
      const scan = newScan();
      scanRecords(viewOf(bytes), 0, bytes.length, scan);
      assert.is(scan.consumed, bytes.length);
      const plain = { ...record, data: Uint8Array.from(record.data) };
      assert.equal(decodeRecord(viewOf(bytes), 0), plain);
    }),
    { seed, numRuns: 300 },
  );
});

test('a record cut off anywhere is left for the next call', () => {
  const { bytes } = makeRun(7, 3, seeded(seed), () => 20);
  const size = encodedBytes(20);
  const scan = newScan();
  for (let end = 0; end <= bytes.length; end++) {
    scanRecords(viewOf(bytes), 0, end, scan);
    assert.is(scan.stop, Stop.partial);
    assert.is(scan.records, Math.floor(end / size));
    assert.is(scan.consumed, scan.records * size);
  }
  assert.equal([scan.firstSeq, scan.lastSeq], [7, 9]);
});

test('a run ends before a record whose number is not the next one', () => {
  const random = seeded(seed);
  for (const seq of [1, 5, 6, 8, 2 ** 40]) {
    const bytes = packRun([5, 6, seq].map((n) => someRecord(n, 0, random)));
    const scan = newScan();
    scanRecords(viewOf(bytes), 0, bytes.length, scan);
    assert.equal([scan.stop, scan.records, scan.lastSeq], [Stop.sequence, 2, 6], `then ${seq}`);
  }
});

test('the first record must have the number that was asked for', () => {
  const bytes = packRun([someRecord(5, 0, seeded(seed))]);
  const scan = newScan();
  scanRecords(viewOf(bytes), 0, 64, scan, 4);
  assert.equal([scan.stop, scan.records, scan.consumed], [Stop.sequence, 0, 0]);
  scanRecords(viewOf(bytes), 0, 64, scan, 5);
  assert.equal([scan.stop, scan.records, scan.consumed], [Stop.partial, 1, 64]);
  scanRecords(viewOf(packRun([someRecord(0, 0, seeded(seed))])), 0, 64, scan, 0);
  assert.equal([scan.stop, scan.records, scan.firstSeq], [Stop.partial, 1, 0]);
});

test('each kind of wrong byte is refused with its own words', () => {
  const cases: [string, (view: DataView) => void, number][] = [
    ['two segments', (v) => v.setUint32(RECORD.segments, 1, true), 1],
    ['no words', (v) => v.setUint32(RECORD.words, 0, true), 2],
    ['six words', (v) => v.setUint32(RECORD.words, 6, true), 2],
    ['a word too many', (v) => v.setUint32(RECORD.words, HS_MAX_RECORD_BYTES / 8, true), 2],
    ['all words', (v) => v.setUint32(RECORD.words, 0xffffffff, true), 2],
    ['root offset', (v) => v.setUint32(RECORD.root, 4, true), 3],
    ['root shape', (v) => v.setUint32(RECORD.root + 4, 0x00010006, true), 3],
    ['struct as data', (v) => v.setUint32(RECORD.data, 0, true), 4],
    ['data elsewhere', (v) => v.setUint32(RECORD.data, 5, true), 4],
    ['data of words', (v) => v.setUint32(RECORD.data + 4, (8 << 3) | 5, true), 4],
    ['data too long', (v) => v.setUint32(RECORD.data + 4, (17 << 3) | 2, true), 5],
    ['data far too long', (v) => v.setUint32(RECORD.data + 4, 0xfffffffa, true), 5],
    ['number above 2^53', (v) => v.setUint32(RECORD.seq + 4, 0x200000, true), 6],
  ];
  for (const [name, spoil, problem] of cases) {
    const bytes = packRun([1, 2, 3].map((n) => someRecord(n, 16, seeded(n))));
    spoil(new DataView(bytes.buffer, 80));
    const scan = newScan();
    scanRecords(viewOf(bytes), 0, bytes.length, scan);
    const expected = [Stop.bad, PROBLEMS[problem], 1, 80];
    assert.equal([scan.stop, PROBLEMS[scan.problem], scan.records, scan.consumed], expected, name);
  }
});

test('a record of exactly the largest size passes, and a larger one is not encoded', () => {
  const bytes = new Uint8Array(HS_MAX_RECORD_BYTES + 64);
  const record = { ...someRecord(1, 0, seeded(seed)), data: bytes.subarray(128) };
  const size = encodeRecord(viewOf(bytes), 0, record);
  assert.is(size, HS_MAX_RECORD_BYTES);
  const scan = newScan();
  scanRecords(viewOf(bytes), 0, size, scan);
  assert.is(scan.consumed, size);
  const tooLarge = { ...record, data: bytes.subarray(127) };
  assert.throws(() => encodeRecord(viewOf(bytes), 0, tooLarge), /too large/);
});

test.run();
