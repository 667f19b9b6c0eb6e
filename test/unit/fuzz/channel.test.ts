// Hostile bytes: whatever comes, the parsers of the channel neither crash nor pass anything that
// an independent check would not, and they hold no more memory than came. Seeded: a failure
// prints the seed that repeats it.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Message } from 'capnp-ts';
import * as assert from 'uvu/assert';

import {
  decodeControl,
  encodeControl,
  type Control,
} from '../../../src/channel/control.js';
import { ChannelError, LogError, LogReader, LogWriter } from '../../../src/channel/index.js';
import { FrameSplitter } from '../../../src/channel/framing.js';
import { HS_MAX_RECORD_BYTES } from '../../../src/channel/layout.js';
import { segmentFile } from '../../../src/channel/log-format.js';
import { Record as WireRecord } from '../../../src/channel/message.capnp.gen.js';
import { validateTree } from '../../../src/channel/pointers.js';
import { newScan, scanRecords, viewOf } from '../../../src/channel/record.js';
import { Reorder } from '../../../src/channel/reorder.js';
import { decodeFrequent } from '../../../src/channel/frequent.js';
import { suite } from '../../support/suite.js';
import { START } from '../channel/log-start.js';
import { makeRun, runSeed, seeded } from '../channel/records.js';

const test = suite('fuzz: channel');
const ROUNDS = 3000;
const seed = runSeed('fuzz/channel');

const CONTROLS: Control[] = [
  { kind: 'goodbye' },
  { kind: 'keepalive', n: 1 },
  { kind: 'watermark', received: 1, replayed: 2, receivedSeq: 3, replayedSeq: 4 },
  { kind: 'stop', reason: 'a reason' },
  { kind: 'divergence', seq: 1, row: 2, pid: 3, tid: 4, expected: 'this', got: 'that' },
  { kind: 'manifest', ...START.manifest },
  { kind: 'process', ...START.process },
];

/** What a fault does to sound bytes: bits, words with a meaning, cuts, repetitions, noise. */
function spoil(bytes: Buffer, random: () => number): Buffer {
  const at = (step = 1) => Math.floor((random() * bytes.length) / step) * step;
  const telling = [0, 1, 2, 3, 7, 0xffff, 0x10005, 0x10002, 0x7fffffff, 0xfffffffa, 0xffffffff];
  let result = bytes;
  for (let faults = 1 + Math.floor(random() * 3); faults > 0 && result.length >= 8; faults--) {
    const place = Math.min(at(4), result.length - 4);
    switch (Math.floor(random() * 6)) {
      case 0:
        result[place]! ^= 1 << Math.floor(random() * 8);
        break;
      case 1:
      case 2:
        result.writeUInt32LE(telling[Math.floor(random() * telling.length)]!, place);
        break;
      case 3:
        result = Buffer.concat([result.subarray(0, place), result.subarray(place + at(4))]);
        break;
      case 4:
        result = Buffer.concat([result.subarray(0, place), result.subarray(at(8) % (place + 1))]);
        break;
      default:
        for (let i = 0; i < Math.min(16, result.length - place); i++) {
          result[place + i] = random() * 256;
        }
    }
  }
  return result;
}

/** Runs a round for each seed; an error is thrown on with the seed that repeats it. */
function fuzz(rounds: number, round: (random: () => number) => void): void {
  for (let i = 0; i < rounds; i++) {
    try {
      round(seeded(seed + i));
    } catch (error) {
      throw new Error(`HOTSWAP_SEED=${seed + i}: ${(error as Error).stack}`, { cause: error });
    }
  }
}

/** An independent judgement of one record, by the words of the schema, with no code of ours. */
function assertRecord(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  assert.is(view.getUint32(0, true), 0, 'one segment');
  assert.is((view.getUint32(4, true) + 1) * 8, bytes.length, 'its length');
  assert.is(view.getBigUint64(8, true), 0x0001000500000000n, 'its root');
  assert.ok(bytes.length <= HS_MAX_RECORD_BYTES);
  const record = new Message(bytes, false).getRoot(WireRecord);
  assert.ok(record.getSeq() < 2n ** 53n);
  const data = record.hasData() ? record.getData().toUint8Array() : new Uint8Array();
  assert.ok(64 + data.length <= bytes.length, 'its data lies inside');
}

function splitInto(bytes: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const size = (viewOf(bytes).getUint32(at + 4, true) + 1) * 8;
    parts.push(bytes.subarray(at, at + size));
    at += size;
  }
  return parts;
}

test('spoilt records: the scan passes only records, in sequence', () => {
  let passed = 0;
  fuzz(ROUNDS, (random) => {
    const { bytes } = makeRun(1 + Math.floor(random() * 2 ** 40), 8, random, () => random() * 60);
    const spoilt = spoil(Buffer.from(bytes.buffer), random);
    const scan = newScan();
    const start = Math.min(spoilt.length, random() < 0.2 ? Math.floor(random() * 80) : 0);
    scanRecords(viewOf(spoilt), start, spoilt.length, scan);
    assert.ok(start + scan.consumed <= spoilt.length);
    const records = splitInto(spoilt.subarray(start, start + scan.consumed));
    assert.is(records.length, scan.records);
    records.forEach((record, i) => {
      assertRecord(record);
      assert.is(new Message(record, false).getRoot(WireRecord).getSeq(), BigInt(scan.firstSeq + i));
    });
    passed += records.length;
  });
  assert.ok(passed > ROUNDS, 'the faults leave something to pass');
});

test('noise passes no scan', () => {
  fuzz(ROUNDS, (random) => {
    const noise = Buffer.from(Array.from({ length: 200 }, () => random() * 256));
    const scan = newScan();
    scanRecords(viewOf(noise), 0, noise.length, scan);
    assert.is(scan.records, 0);
  });
});

test('spoilt streams: the splitter passes only sound frames and ends by name', () => {
  let refused = 0;
  fuzz(ROUNDS, (random) => {
    const frames = Array.from({ length: 6 }, (_, i) =>
      random() < 0.5
        ? makeRun(i * 10 + 1, 1 + Math.floor(random() * 5), random).bytes
        : encodeControl(CONTROLS[Math.floor(random() * CONTROLS.length)]!),
    );
    const stream = spoil(Buffer.concat(frames), random);
    const delivered: number[] = [];
    const reorder = new Reorder(
      (_run, _start, _end, info) => {
        for (let seq = info.firstSeq; seq <= info.lastSeq; seq++) delivered.push(seq);
      },
      -1,
      { maxBytes: 4096, maxRuns: 16 },
    );
    const splitter = new FrameSplitter(
      (run, start, end, info) => {
        splitInto(run.subarray(start, end)).forEach(assertRecord);
        reorder.push(run, start, end, info);
        assert.ok(reorder.waitingBytes <= 4096);
      },
      (frame) => decodeFrequent(viewOf(frame)) ?? decodeControl(frame),
    );
    const most = 1 + Math.floor(random() * 400);
    try {
      for (let at = 0; at < stream.length; at += most) {
        splitter.push(stream.subarray(at, at + most));
        assert.ok(splitter.pendingBytes <= at + most, 'holds no more than came');
      }
    } catch (error) {
      assert.instance(error, ChannelError, String((error as Error).stack));
      refused++;
    }
    delivered.forEach((seq, i) => assert.is(seq, delivered[0]! + i, 'in order, without a gap'));
  });
  assert.ok(refused > ROUNDS / 4, `only ${refused} refused`);
});

test('spoilt control messages: each is read or refused by name, in bounded time', () => {
  let read = 0;
  const began = performance.now();
  fuzz(ROUNDS * 3, (random) => {
    const control = CONTROLS[Math.floor(random() * CONTROLS.length)]!;
    const bytes = spoil(Buffer.from(encodeControl(control)), random);
    try {
      const got = decodeControl(bytes);
      read++;
      assert.equal(decodeControl(encodeControl(got)), got);
      assert.is(validateTree(viewOf(bytes), 0x10002), undefined);
    } catch (error) {
      assert.instance(error, ChannelError, String((error as Error).stack));
    }
  });
  assert.ok(read > 0 && read < ROUNDS * 3);
  assert.ok(performance.now() - began < 60000);
});

test('spoilt logs: what is read was written, and the rest is refused by name', () => {
  const dir = mkdtempSync(join(tmpdir(), 'hotswap-fuzz-'));
  try {
    const log = LogWriter.create(dir, START);
    const random = seeded(seed);
    const parts: Uint8Array[] = [];
    for (let firstSeq = 1; firstSeq <= 50; firstSeq += 5) {
      const { bytes } = makeRun(firstSeq, 5, random, () => random() * 100);
      parts.push(bytes);
      log.append(bytes, 0, bytes.length, { records: 5, firstSeq, lastSeq: firstSeq + 4 });
      log.flush();
    }
    log.close();
    const file = segmentFile(dir, 1);
    const whole = readFileSync(file);
    const written = Buffer.concat(parts);
    fuzz(ROUNDS / 4, (r) => {
      writeFileSync(file, spoil(Buffer.from(whole), r));
      const got: Buffer[] = [];
      const reader = new LogReader(dir);
      try {
        for (const { bytes } of reader.blocks()) got.push(Buffer.from(bytes));
      } catch (error) {
        assert.instance(error, LogError, String((error as Error).stack));
      }
      // The CRC of a torn block cannot be checked: of its records only the shape is vouched for.
      if (reader.torn) splitInto(got.pop() ?? Buffer.alloc(0)).forEach(assertRecord);
      const read = Buffer.concat(got);
      // A fault can cut off the end, or the beginning: what is left is a part of what was written.
      assert.ok(written.includes(read), `${read.length} bytes that were never written`);
    });
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test.run();
