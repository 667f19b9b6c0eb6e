/* faults-log.test.ts: what replay says of a log that was damaged, cut, altered or made by another
 * HotSwap: an operating fault names file and block, a divergence names record, call, expected and
 * got, and neither is taken for the other. A failure prints its seed.
 * bound: 240 */
import { copyFileSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { LogError, LogReader, layout } from '../../src/channel/index.js';
import { segmentFile } from '../../src/channel/log-format.js';
import type { RecordResult, ReplayResult } from '../../src/engine/options.js';
import { suite } from '../support/suite.js';
import { hs, makePlace, refusal, resultOf, told, type Ended } from './support/command.js';
import { LogCopy, type Placed } from './support/log-edit.js';
import { random } from './support/trial.js';

const test = suite('faults of logs');
const place = makePlace('faults-log');
const original = join(place, 'original');
const input = join(place, 'input.txt');
const seed = Number(process.env['HOTSWAP_SEED'] ?? Date.now() % 1e9);
const chance = random(seed);
const below = (limit: number): number => Math.floor(chance() * limit);
let recorded: RecordResult;
console.log(`faults of logs: seed ${seed} (repeat with HOTSWAP_SEED=${seed})`);

/** The recording that is spoilt in many ways: it reads a file and writes what it read. */
test.before(async () => {
  writeFileSync(input, 'what the program has read\n');
  const ended = await hs(['record', '--json', '-o', original, '--', '/bin/cat', input]);
  assert.is(ended.code, 0, told(ended));
  assert.match(ended.stdout, 'what the program has read\n');
  recorded = resultOf<RecordResult>(ended);
});

const copy = (): LogCopy => new LogCopy(original, join(place, 'copy'));
const replay = ({ dir }: LogCopy, ...options: string[]): Promise<Ended> =>
  hs(['replay', ...options, dir]);

/** A record of a call, the one for which `isIt` holds. */
function find(log: LogCopy, call: string, isIt: (placed: Placed) => boolean): Placed {
  const placed = log.records().find((each) => each.call === call && isIt(each));
  assert.ok(placed, `the log has no such ${call}`);
  return placed;
}

const holds = (text: string) => ({ fields }: Placed): boolean =>
  Buffer.from(fields.data).includes(text);

test('the log itself is sound: each refusal below is of its alteration', async () => {
  const ended = await replay(copy(), '--json');
  assert.is(ended.code, 0, told(ended));
  const { replayed, records, divergence, complete, torn } = resultOf<ReplayResult>(ended);
  assert.equal([replayed, records], [recorded.records, recorded.records]);
  assert.equal([divergence, complete, torn], [null, true, null]);
});

test('a flipped bit anywhere in the records is refused, with file and block', async () => {
  const { size } = statSync(segmentFile(original, 1));
  // In a header, in the first block, and anywhere.
  const places = [below(32), 32 + below(64), ...Array.from({ length: 2 }, () => below(size))];
  for (const offset of places) {
    const log = copy();
    const blocks = log.records().map(({ block }) => block);
    const block = blocks.filter((each) => each <= offset).at(-1)!;
    log.flip(log.segment, offset, below(8));
    const sentence = refusal(await replay(log), 1);
    const where = `byte ${offset}, seed ${seed}: ${sentence}`;
    assert.ok(sentence.includes(`${log.segment}, block at byte ${block}:`), where);
  }
});

test('a flipped bit in the description is refused, with the file', async () => {
  const { size } = statSync(join(original, 'meta.json'));
  const log = copy();
  log.flip(log.meta, below(size), below(8));
  const sentence = refusal(await replay(log), 1);
  assert.ok(sentence.includes(log.meta), `seed ${seed}: ${sentence}`);
  // And many more, where nothing has to be started for it.
  for (let round = 0; round < 400; round++) {
    const again = copy();
    const [offset, bit] = [below(size), below(8)];
    again.flip(again.meta, offset, bit);
    const where = `bit ${bit} of byte ${offset}, seed ${seed}`;
    try {
      new LogReader(again.dir);
    } catch (error) {
      assert.instance(error, LogError, where);
      continue;
    }
    assert.unreachable(`${where} is taken for sound`);
  }
});

test('a cut log is replayed up to its last whole record, and says so', async () => {
  const whole = copy();
  const records = whole.records();
  const last = records[20 + below(records.length - 40)]!;
  truncateSync(whole.segment, last.offset + 8 + below(40));
  const ended = await replay(whole, '--json');
  const where = `cut in record ${last.fields.seq}, seed ${seed}: ${told(ended)}`;
  assert.is(ended.code, 0, where);
  const kept = last.fields.seq - 1;
  const result = resultOf<ReplayResult>(ended);
  assert.equal([result.records, result.replayed], [kept, kept], where);
  assert.equal([result.complete, result.divergence], [false, null], where);
  assert.equal([result.torn?.file, result.torn?.offset], [whole.segment, last.offset], where);
  const note = `the log ends in the middle of a block: ${result.torn?.cutBytes} bytes of ` +
    `${whole.segment} from byte ${last.offset} on are left out; the last whole record is ${kept}`;
  assert.ok(ended.stderr.includes(note), where);
  const text = await replay(whole);
  assert.is(text.code, 0, told(text));
  assert.match(text.stdout, `replayed ${kept} of ${kept} records; the log ends there, before`);
});

test('a missing log, segment and description are refused', async () => {
  refusal(await hs(['replay', join(place, 'nothing')]), 2);
  const log = copy();
  rmSync(log.meta);
  assert.ok(refusal(await replay(log), 1).includes(log.meta));
  const second = copy();
  writeFileSync(segmentFile(second.dir, 3), readFileSync(second.segment));
  assert.ok(refusal(await replay(second), 1).includes(segmentFile(second.dir, 2)));
});

/** Replays twice, and asserts that both forms name the same divergence. Returns it. */
async function divergenceOf(log: LogCopy): Promise<NonNullable<ReplayResult['divergence']>> {
  const asJson = await replay(log, '--json');
  assert.is(asJson.code, 3, told(asJson));
  const { divergence } = resultOf<ReplayResult>(asJson);
  assert.ok(divergence, told(asJson));
  const asText = await replay(log);
  assert.is(asText.code, 3, told(asText));
  const { seq, call, pid, tid, expected, got } = divergence;
  const head = `diverged at record ${seq}: ${call} in process ${pid}, thread ${tid}`;
  assert.is(asText.stdout, `${head}\n  expected ${expected}\n  got      ${got}\n`);
  return divergence;
}

test('a record of what the program wrote, altered, is a divergence at that record', async () => {
  const log = copy();
  const write = find(log, 'write', ({ fields }) => fields.object === 1);
  log.alter(write, (record) => {
    const at = layout.RECORD.check;
    record.setBigUint64(at, record.getBigUint64(at, true) ^ 0x100n, true);
  });
  const { seq, call, pid, tid, expected, got } = await divergenceOf(log);
  const { fields } = write;
  assert.equal([seq, call, pid, tid], [String(fields.seq), 'write', fields.pid, fields.tid]);
  assert.ok(expected.length > 0 && got.length > 0 && expected !== got, `${expected} | ${got}`);
});

test('what the program read, altered, is a divergence where it writes it', async () => {
  const log = copy();
  const read = find(log, 'read', holds('what the program has read'));
  const at = layout.HS_RECORD_BYTES + Buffer.from(read.fields.data).indexOf('program');
  log.alter(read, (record) => record.setUint8(at, 'P'.charCodeAt(0)));
  const { seq, call } = await divergenceOf(log);
  const write = find(log, 'write', ({ fields }) => fields.object === 1);
  assert.equal([seq, call], [String(write.fields.seq), 'write']);
});

test('a record of another call in its place is a divergence that names both', async () => {
  const log = copy();
  const read = find(log, 'read', holds('what the program has read'));
  const close = find(log, 'close', () => true);
  log.alter(read, (record) => record.setUint32(layout.RECORD.method, close.fields.method, true));
  const { seq, expected, got } = await divergenceOf(log);
  assert.is(seq, String(read.fields.seq));
  assert.match(expected, /close/);
  assert.match(got, /read/);
});

test('a divergence in one process ends the others, which would wait for it', async () => {
  const family = join(place, 'family');
  const script = 'cat "$0" > /dev/null; exit 0';
  assert.is((await hs(['record', '-o', family, '--', '/bin/sh', '-c', script, input])).code, 0);
  const log = new LogCopy(family, join(place, 'family-copy'));
  const read = find(log, 'read', holds('what the program has read'));
  assert.is.not(read.fields.pid, log.records()[0]!.fields.pid, 'not of the shell itself');
  const close = find(log, 'close', () => true);
  log.alter(read, (record) => record.setUint32(layout.RECORD.method, close.fields.method, true));
  const { seq, pid } = await divergenceOf(log);
  assert.equal([seq, pid], [String(read.fields.seq), read.fields.pid]);
});

test('a log of another version or call table is refused by both numbers', async () => {
  const { meta } = new LogReader(original);
  const version = copy();
  version.alterMeta((each) => { each.version = 77; });
  const first = refusal(await replay(version), 4);
  const both = `version 77, call table ${meta.tableHash}; this is ${layout.HS_VERSION}, `;
  assert.ok(first.includes(`${both}${meta.tableHash}`), first);
  const table = copy();
  table.alterMeta((each) => { each.tableHash = '0badcafe'; });
  const second = refusal(await replay(table), 4);
  assert.ok(second.includes(`call table 0badcafe; this is ${layout.HS_VERSION}, `), second);
});

test('a program that was changed since the recording is named, not run', async () => {
  const program = join(place, 'changing');
  const log = join(place, 'changing-log');
  copyFileSync('/bin/true', program);
  assert.is((await hs(['record', '-o', log, '--', program])).code, 0);
  copyFileSync('/bin/false', program);
  assert.match(refusal(await hs(['replay', log]), 4), new RegExp(`${program} differs from`));
  rmSync(program);
  const missing = refusal(await hs(['replay', log]), 4);
  assert.match(missing, new RegExp(`${program} is on .* and not here`));
});

test.run();
