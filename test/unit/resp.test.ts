/* resp.test.ts: the Redis protocol reader gives back what was sent, in whatever pieces it comes,
 * and refuses what is not the protocol. */
import fc from 'fast-check';
import * as assert from 'uvu/assert';
import {
  ProtocolError, ReplyReader, array, bulk, encodeReply, encodeRequest, integer, simple, viewBytes,
  type Reply,
} from '../../src/bed/redis-client/resp.js';
import { suite } from '../support/suite.js';

const test = suite('resp');

const line = fc.string().map((text) => text.replace(/[^\x20-\x7e]/g, '.'));
const replies: fc.Arbitrary<Reply> = fc.letrec<{ reply: Reply }>((tie) => ({
  reply: fc.oneof(
    { maxDepth: 3 },
    line.map(simple),
    line.map((text): Reply => ({ kind: 'error', text })),
    fc.maxSafeInteger().map(integer),
    fc.uint8Array({ maxLength: 300 }).map((data) => bulk(Buffer.from(data))),
    fc.constantFrom(bulk(null), array(null)),
    fc.array(tie('reply'), { maxLength: 5 }).map(array),
  ),
})).reply;

function readAll(reader: ReplyReader, pieces: readonly Buffer[]): { reply: Reply; raw: Buffer }[] {
  const frames: { reply: Reply; raw: Buffer }[] = [];
  for (const piece of pieces) {
    reader.push(piece);
    for (let frame = reader.next(); frame; frame = reader.next()) frames.push(frame);
  }
  return frames;
}

function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const pieces: Buffer[] = [];
  let at = 0;
  for (let index = 0; at < bytes.length; index++) {
    const size = sizes[index % sizes.length] ?? 1;
    pieces.push(bytes.subarray(at, at + size));
    at += size;
  }
  return pieces;
}

test('replies come back as they were sent, however the stream is cut', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 10 });
  fc.assert(fc.property(fc.array(replies, { maxLength: 8 }), sizes, (sent, pieceSizes) => {
    const bytes = sent.map(encodeReply);
    const reader = new ReplyReader();
    const frames = readAll(reader, cut(Buffer.concat(bytes), pieceSizes));
    assert.is(frames.length, sent.length);
    frames.forEach(({ reply, raw }, index) => {
      assert.ok(raw.equals(bytes[index] as Buffer));
      assert.ok(encodeReply(reply).equals(raw));
    });
    assert.is(reader.pendingBytes, 0);
  }), { numRuns: 300 });
});

test('a value longer than the reader copies is whole when it is handed out', () => {
  const value = Buffer.alloc(5 * viewBytes, 'abcdefg');
  const bytes = Buffer.concat([encodeReply(bulk(value)), encodeReply(integer(7))]);
  const reader = new ReplyReader();
  const seen: string[] = [];
  for (const piece of cut(bytes, [1000, 65_536])) {
    reader.push(piece);
    for (let frame = reader.next(); frame; frame = reader.next()) {
      const { reply, raw } = frame;
      if (reply.kind === 'bulk') assert.ok(reply.data?.equals(value));
      seen.push(`${reply.kind} ${raw.length}`);
    }
  }
  assert.equal(seen, [`bulk ${encodeReply(bulk(value)).length}`, 'integer 4']);
});

test('requests are arrays of bulk strings, text counted in bytes', () => {
  const bytes = Buffer.concat(encodeRequest(['SET', 'é', Buffer.from([0, 13, 10]), 12]));
  const expected = '*4\r\n$3\r\nSET\r\n$2\r\né\r\n$3\r\n\0\r\n\r\n$2\r\n12\r\n';
  assert.is(bytes.toString(), expected);
});

for (const [what, bytes] of [
  ['an unknown type', '?1\r\n'],
  ['a length that is no number', '$abc\r\n'],
  ['a negative length', '$-2\r\n'],
  ['an absurd length', '$99999999999\r\n'],
  ['an absurd array', '*99999999\r\n'],
  ['a bulk string without its end', '$3\r\nabcde\r\n'],
  ['arrays without end', '*1\r\n'.repeat(20)],
] as const) {
  test(`refuses ${what}`, () => {
    const reader = new ReplyReader();
    reader.push(Buffer.from(bytes));
    assert.throws(() => reader.next(), (error: unknown) => error instanceof ProtocolError);
  });
}

test('a stream of bytes at random is refused or waited for, never an endless loop', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
    const reader = new ReplyReader();
    reader.push(Buffer.from(bytes));
    try {
      while (reader.next());
    } catch (error) {
      assert.instance(error, ProtocolError);
    }
  }), { numRuns: 500 });
});

test.run();
