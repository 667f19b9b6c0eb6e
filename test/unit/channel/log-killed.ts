// log-killed.ts: writes a log, prints the last number it has flushed, and is killed, with records
// appended that it has not flushed. Run by log.test.ts.

import { writeSync } from 'node:fs';

import { LogWriter } from '../../../src/channel/index.js';
import { START } from './log-start.js';
import { makeRun, seeded } from './records.js';

const log = LogWriter.create(process.argv[2]!, START);
const random = seeded(1);
let flushed = 0;
for (let firstSeq = 1; firstSeq <= 1000; firstSeq += 100) {
  const { bytes } = makeRun(firstSeq, 100, random);
  log.append(bytes, 0, bytes.length, { records: 100, firstSeq, lastSeq: firstSeq + 99 });
  if (firstSeq > 800) continue;
  log.flush();
  flushed = log.lastSeq;
}
writeSync(1, String(flushed));
process.kill(process.pid, 'SIGKILL');
