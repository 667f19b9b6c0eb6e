// A log gives back the bytes that were put in; every way a disk or a crash can spoil it is either
// noted (a torn end) or refused with file, block and kind.

import { execFileSync, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';

import { LogError, LogReader, LogWriter, type LogReason } from '../../../src/channel/index.js';
import {
  BLOCK_BYTES, BLOCK_HEADER_BYTES, LOG_FORMAT, segmentFile,
} from '../../../src/channel/log-format.js';
import { encodedBytes } from '../../../src/channel/record.js';
import { suite } from '../../support/suite.js';
import { START } from './log-start.js';
import { makeRun, runSeed, seeded } from './records.js';

const test = suite('log on disk');
const seed = runSeed('log');
const root = mkdtempSync(join(tmpdir(), 'hotswap-log-'));
let dir = '';
let made = 0;
test.before.each(() => {
  dir = join(root, String(++made));
});
test.after(() => rmSync(root, { recursive: true }));

const SIZE = encodedBytes(0);
const random = seeded(seed);

/** Appends a run of records in one call. */
function append(log: LogWriter, firstSeq: number, count: number, size?: () => number): Uint8Array {
  const { bytes } = makeRun(firstSeq, count, random, size);
  const lastSeq = firstSeq + count - 1;
  log.append(bytes, 0, bytes.length, { records: count, firstSeq, lastSeq });
  return bytes;
}

/** A log of `blocks` blocks with ten records of one cache line each. */
function smallLog(blocks: number, options = {}): Buffer {
  const log = LogWriter.create(dir, START, options);
  const parts: Uint8Array[] = [];
  for (let i = 0; i < blocks; i++) {
    parts.push(append(log, i * 10 + 1, 10, () => 0));
    log.flush();
  }
  log.close();
  return Buffer.concat(parts);
}

function readAll(reader = new LogReader(dir)): Buffer {
  return Buffer.concat(Array.from(reader.blocks(), ({ bytes }) => Buffer.from(bytes)));
}

/** What reading throws. */
function refusal(): LogError {
  try {
    readAll();
  } catch (error) {
    assert.instance(error, LogError);
    assert.is((error as LogError).exitCode, 1);
    return error as LogError;
  }
  throw new Error('the log was accepted');
}

function assertRefused(reason: LogReason, file: string, offset?: number): void {
  const error = refusal();
  assert.equal([error.reason, error.file, error.offset], [reason, file, offset]);
  assert.ok(error.message.includes(file), error.message);
}

function flipBit(file: string, offset: number, bit: number): void {
  const bytes = readFileSync(file);
  bytes[offset]! ^= 1 << bit;
  writeFileSync(file, bytes);
}

test('what was appended is read back, with what the start was', () => {
  const log = LogWriter.create(dir, { ...START, extra: { command: 'redis-server' } });
  const parts = [append(log, 1, 1000), append(log, 1001, 1)];
  log.flush();
  parts.push(append(log, 1002, 500));
  log.close();
  const reader = new LogReader(dir);
  assert.ok(readAll(reader).equals(Buffer.concat(parts)));
  assert.equal([reader.lastSeq, reader.torn, log.records, log.blocks], [1501, undefined, 1501, 2]);
  assert.equal(reader.meta, {
    ...START, format: LOG_FORMAT, extra: { command: 'redis-server' },
  });
  assert.is(log.bytes, Buffer.concat(parts).length);
});

test('blocks are cut at records, whatever the size of a run or of a record', () => {
  const log = LogWriter.create(dir, START);
  const parts = [
    append(log, 1, 3),
    append(log, 4, 40, () => 100000), // a run of several blocks
    append(log, 44, 2),
    append(log, 46, 1, () => BLOCK_BYTES * 2), // a record larger than a block
    append(log, 47, 30000, () => 0), // a run a little larger than a block
  ];
  log.close();
  const reader = new LogReader(dir);
  const sizes = Array.from(reader.blocks(), ({ bytes }) => bytes.length);
  assert.ok(readAll(reader).equals(Buffer.concat(parts)));
  assert.is(sizes.filter((size) => size > BLOCK_BYTES).length, 1);
  assert.is(reader.lastSeq, 30046);
});

test('segments are begun anew at their bound and read as one log', () => {
  const bytes = smallLog(20, { segmentBytes: 3 * (BLOCK_HEADER_BYTES + 10 * SIZE) });
  const segments = readdirSync(dir).filter((name) => name.endsWith('.seg'));
  assert.is(segments.length, 7);
  for (const name of segments) assert.ok(statSync(join(dir, name)).size <= 2016);
  assert.ok(readAll().equals(bytes));
});

test('a log can be read while it is written', () => {
  const log = LogWriter.create(dir, START);
  const bytes = append(log, 1, 10);
  assert.is(readAll().length, 0);
  log.flush();
  assert.ok(readAll().equals(bytes));
  log.close();
  assert.throws(() => append(log, 11, 1), /is closed/);
});

test('any flipped bit is found, with file, block and kind', () => {
  smallLog(3);
  const file = segmentFile(dir, 1);
  const whole = readFileSync(file);
  const block = BLOCK_HEADER_BYTES + 10 * SIZE;
  const places = [...Array(BLOCK_HEADER_BYTES).keys()].map((byte) => block + byte);
  for (let i = 0; i < 100; i++) places.push(Math.floor(random() * whole.length));
  for (const place of places) {
    flipBit(file, place, Math.floor(random() * 8));
    assertRefused('log-corrupt', file, Math.floor(place / block) * block);
    writeFileSync(file, whole);
  }
  assert.is(readAll().length, 30 * SIZE);
});

test('a log cut anywhere is read up to its last whole record, with a note', () => {
  const bytes = smallLog(3);
  const file = segmentFile(dir, 1);
  const block = BLOCK_HEADER_BYTES + 10 * SIZE;
  for (let end = 3 * block - 1; end > block; end -= 1 + Math.floor(random() * 40)) {
    truncateSync(file, end);
    const inBlock = Math.max(0, (end % block) - BLOCK_HEADER_BYTES);
    const records = Math.floor(end / block) * 10 + Math.floor(inBlock / SIZE);
    const reader = new LogReader(dir);
    assert.ok(readAll(reader).equals(bytes.subarray(0, records * SIZE)), `cut at ${end}`);
    if (end % block === 0) {
      assert.is(reader.torn, undefined);
      continue;
    }
    const note = `the last whole record is ${records}$`;
    assert.match(reader.torn!.note, new RegExp(note));
    assert.is(reader.torn!.offset + reader.torn!.cutBytes, end);
  }
});

test('zeros behind the end, as a power cut leaves them, are a torn end too', () => {
  const bytes = smallLog(2);
  appendFileSync(segmentFile(dir, 1), Buffer.alloc(200000));
  const reader = new LogReader(dir);
  assert.ok(readAll(reader).equals(bytes));
  assert.is(reader.torn?.cutBytes, 200000);
  appendFileSync(segmentFile(dir, 1), Buffer.from([1]));
  assertRefused('log-corrupt', segmentFile(dir, 1), 2 * (BLOCK_HEADER_BYTES + 10 * SIZE));
});

test('a segment cut in the middle of a log is damage, not a torn end', () => {
  smallLog(6, { segmentBytes: 2000 });
  truncateSync(segmentFile(dir, 1), 1000);
  assert.is(refusal().reason, 'log-corrupt');
});

test('a missing segment, a missing block and a missing description are named', () => {
  smallLog(9, { segmentBytes: 2100 });
  const whole = readFileSync(segmentFile(dir, 2));
  writeFileSync(segmentFile(dir, 2), whole.subarray(BLOCK_HEADER_BYTES + 10 * SIZE));
  assertRefused('log-order', segmentFile(dir, 2), 0);
  rmSync(segmentFile(dir, 2));
  assertRefused('log-missing', segmentFile(dir, 2));
  rmSync(join(dir, 'meta.json'));
  assertRefused('log-missing', join(dir, 'meta.json'));
});

test('a description that is none is refused with the field', () => {
  smallLog(1);
  const file = join(dir, 'meta.json');
  const text = readFileSync(file, 'utf8');
  const otherFormat = text.replace(`"format": ${LOG_FORMAT}`, '"format": 1');
  for (const [spoilt, what] of [
    [text.slice(0, 40), /JSON/],
    [otherFormat, /its format is 1, and this .* reads format 2/],
    [text.replace(/"seed": "\d+"/, '"seed": "x"'), /seed/],
    [text.replace(/"seed": "\d/, '"seed": "'), /checksum is wrong/],
    [text.replace('"A=B"', '"A=C"'), /checksum is wrong/],
    [text.replace(/ +"crc32".*\n/, ''), /checksum is wrong/],
  ] as const) {
    writeFileSync(file, spoilt);
    assert.is(refusal().reason, 'log-meta');
    assert.match(refusal().message, what);
  }
});

test('a directory that holds a log is not written over', () => {
  smallLog(1);
  assert.throws(() => LogWriter.create(dir, START), /already holds a log/);
  rmSync(join(dir, 'meta.json'));
  assert.throws(() => LogWriter.create(dir, START), /already holds a log/);
  mkdirSync(`${dir}-file`);
  writeFileSync(join(`${dir}-file`, 'x'), '');
  assert.throws(() => LogWriter.create(join(`${dir}-file`, 'x'), START), /cannot write the log/);
});

test('a full disk is a clear error, and everything written before is read back', () => {
  const script = fileURLToPath(new URL('./log-full.ts', import.meta.url));
  mkdirSync(dir);
  // A mount namespace of its own: nothing to unmount, whatever happens.
  const inside = 'mount -t tmpfs -o size=3m none "$1" && exec "$2" --import tsx "$3" "$1"';
  const { stdout, stderr } = spawnSync(
    'unshare', ['-m', 'sh', '-c', inside, 'sh', dir, process.execPath, script],
    { encoding: 'utf8' },
  );
  assert.ok(stdout, stderr);
  const { reason, message, flushed, read, equal, torn, again } = JSON.parse(stdout);
  assert.is(reason, 'log-full');
  assert.match(message, /no space left for the log .*000001.seg at byte \d+ \(ENOSPC\)/);
  assert.ok(flushed > 1000, `only ${flushed} records`);
  assert.equal([read, equal, torn, again], [flushed, true, null, 'log-full']);
});

test('a writer that is killed loses nothing it has flushed', () => {
  const script = fileURLToPath(new URL('./log-killed.ts', import.meta.url));
  const { stdout, signal } = spawnSync(process.execPath, ['--import', 'tsx', script, dir], {
    encoding: 'utf8',
  });
  assert.is(signal, 'SIGKILL');
  const reader = new LogReader(dir);
  readAll(reader);
  assert.equal([reader.lastSeq, reader.torn], [Number(stdout), undefined]);
});

test('capnp decode reads a segment once the block headers are taken away', () => {
  smallLog(2);
  const file = segmentFile(dir, 1);
  const block = BLOCK_HEADER_BYTES + 10 * SIZE;
  const bytes = readFileSync(file);
  const input = Buffer.concat([
    bytes.subarray(BLOCK_HEADER_BYTES, block),
    bytes.subarray(block + BLOCK_HEADER_BYTES),
  ]);
  const schema = fileURLToPath(new URL('../../../src/channel/message.capnp', import.meta.url));
  const output = execFileSync('capnp', ['decode', '--short', schema, 'Record'], { input });
  assert.is(output.toString().trim().split('\n').length, 20);
});

test.run();
