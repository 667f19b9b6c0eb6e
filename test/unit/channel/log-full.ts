// log-full.ts: fills a small file system with a log, and prints what was said and what is left.
// Run by log.test.ts in a mount namespace of its own.

import { join } from 'node:path';

import { LogError, LogReader, LogWriter } from '../../../src/channel/index.js';
import { START } from './log-start.js';
import { makeRun, seeded } from './records.js';

const dir = join(process.argv[2]!, 'log');
const log = LogWriter.create(dir, START);
const random = seeded(1);
const written: Buffer[] = [];
let seq = 1;
let flushed = 0;

/** Appends and flushes one run; throws when the disk is full. */
function put(): void {
  const { bytes } = makeRun(seq, 100, random);
  written.push(Buffer.from(bytes));
  log.append(bytes, 0, bytes.length, { records: 100, firstSeq: seq, lastSeq: seq + 99 });
  log.flush();
  seq += 100;
  flushed = seq - 1;
}

function failure(act: () => void): LogError {
  try {
    for (;;) act();
  } catch (error) {
    if (error instanceof LogError) return error;
    throw error;
  }
}

const { reason, message } = failure(put);
const again = failure(() => log.flush()).reason;
const reader = new LogReader(dir);
const read = Buffer.concat(Array.from(reader.blocks(), ({ bytes }) => Buffer.from(bytes)));
const equal = Buffer.concat(written).subarray(0, read.length).equals(read);
const torn = reader.torn ?? null;
console.log(
  JSON.stringify({ reason, message, flushed, read: reader.lastSeq, equal, torn, again }),
);
