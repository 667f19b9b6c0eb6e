// The splitter gives the same records and messages however the stream is cut, hands runs on
// without copying, and stops at the first byte that is wrong.

import * as assert from 'uvu/assert';

import { encodeControl } from '../../../src/channel/control.js';
import { ChannelError } from '../../../src/channel/errors.js';
import { FrameSplitter } from '../../../src/channel/framing.js';
import { HS_MAX_RECORD_BYTES } from '../../../src/channel/layout.js';
import { suite } from '../../support/suite.js';
import { makeRun, packRun, runSeed, seeded, someRecord } from './records.js';

const test = suite('framing');
const seed = runSeed('framing');

/** Collects everything a splitter calls back for. */
function collector() {
  const parts: Buffer[] = [];
  const seqs: [number, number][] = [];
  const splitter = new FrameSplitter(
    (bytes, start, end, info) => {
      parts.push(Buffer.from(bytes.subarray(start, end)));
      assert.is(info.lastSeq - info.firstSeq + 1, info.records);
      seqs.push([info.firstSeq, info.lastSeq]);
    },
    (bytes) => parts.push(Buffer.from(bytes)),
  );
  return { splitter, parts, seqs, text: () => Buffer.concat(parts) };
}

test('a stream cut anywhere gives the same frames in the same order', () => {
  const random = seeded(seed);
  const stop = encodeControl({ kind: 'stop', reason: 'for the test' });
  const goodbye = encodeControl({ kind: 'goodbye' });
  const stream = Buffer.concat([
    goodbye, makeRun(1, 30, random).bytes, stop, goodbye, makeRun(31, 1, random).bytes,
    goodbye, makeRun(32, 20, random, () => 3000).bytes, stop,
  ]);
  for (let round = 0; round < 300; round++) {
    const { splitter, text, seqs } = collector();
    const most = 1 + Math.floor(random() * (round % 3 === 0 ? 20 : 5000));
    for (let at = 0; at < stream.length; ) {
      const next = Math.min(stream.length, at + 1 + Math.floor(random() * most));
      splitter.push(stream.subarray(at, next));
      at = next;
    }
    assert.ok(text().equals(stream), `round ${round}`);
    assert.equal([splitter.records, splitter.controls, splitter.bytes], [51, 5, stream.length]);
    assert.is(splitter.pendingBytes, 0);
    assert.equal([seqs.at(0)?.[0], seqs.at(-1)?.[1]], [1, 51]);
  }
});

test('a run inside a chunk is handed on where it lies', () => {
  const { bytes } = makeRun(1, 10, seeded(seed));
  const chunk = Buffer.concat([bytes, bytes.subarray(0, 10)]);
  let same = false;
  let calls = 0;
  const splitter = new FrameSplitter((run, start, end) => {
    calls++;
    same = run === chunk && start === 0 && end === bytes.length;
  }, () => {});
  splitter.push(chunk);
  assert.ok(same);
  assert.is(calls, 1);
  assert.is(splitter.pendingBytes, 10);
});

test('a gap in the numbers begins a new run', () => {
  const random = seeded(seed);
  const { splitter, seqs } = collector();
  splitter.push(packRun([1, 2, 5, 6, 4].map((seq) => someRecord(seq, 8, random))));
  assert.equal(seqs, [[1, 2], [5, 6], [4, 4]]);
});

test('the largest record comes through in pieces', () => {
  const data = HS_MAX_RECORD_BYTES - 64;
  const record = { ...someRecord(1, 0, seeded(seed)), data: new Uint8Array(data).fill(7) };
  const bytes = packRun([record]);
  const { splitter, text } = collector();
  for (let at = 0; at < bytes.length; at += 60000) splitter.push(bytes.subarray(at, at + 60000));
  assert.ok(text().equals(bytes));
});

test('a length a peer only claims takes no memory', () => {
  const head = Buffer.from(packRun([someRecord(1, 0, seeded(seed))]).subarray(0, 16));
  head.writeUInt32LE(HS_MAX_RECORD_BYTES / 8 - 1, 4);
  const splitters = Array.from({ length: 50 }, () => collector().splitter);
  const before = process.memoryUsage().arrayBuffers;
  for (const splitter of splitters) splitter.push(head);
  assert.ok(process.memoryUsage().arrayBuffers - before < HS_MAX_RECORD_BYTES);
});

test('a bad byte is refused with its offset, and nothing after it is passed on', () => {
  const { bytes } = makeRun(1, 3, seeded(seed), () => 0);
  const bad = Buffer.from(bytes);
  bad.writeUInt32LE(9, 128 + 56);
  for (const size of [1, 7, 64, 1000]) {
    const { splitter, seqs } = collector();
    let caught: unknown;
    try {
      for (let at = 0; at < bad.length; at += size) splitter.push(bad.subarray(at, at + size));
    } catch (error) {
      caught = error;
    }
    assert.instance(caught, ChannelError);
    assert.is((caught as ChannelError).reason, 'bad-record');
    assert.is((caught as ChannelError).offset, 128);
    assert.is(seqs.at(-1)?.[1], 2);
    assert.is(splitter.rejected, 1);
    assert.throws(() => splitter.push(bytes), /byte 128/);
    assert.is(splitter.records, 2);
  }
});

test('nonsense is refused as soon as its first words are there', () => {
  for (const text of ['GET / HTTP/1.1', '\x00\x00\x00\x00\x01\x00\x00\x00']) {
    const { splitter } = collector();
    assert.throws(() => splitter.push(Buffer.from(text, 'latin1')), /the peer sent/);
  }
});

test('stop from inside a callback ends the chunk there', () => {
  const goodbye = encodeControl({ kind: 'goodbye' });
  let frames = 0;
  const splitter: FrameSplitter = new FrameSplitter(() => {}, () => {
    frames++;
    splitter.stop();
  });
  splitter.push(Buffer.concat([goodbye, goodbye, Buffer.from('nonsense, not looked at')]));
  assert.is(frames, 1);
});

test.run();
