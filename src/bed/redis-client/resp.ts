/* resp.ts: the Redis protocol (RESP2), as a client needs it: requests to bytes, bytes to replies.
 * A reply keeps its raw bytes, because the load client compares those with what its model expects.
 * The rule: a reply of more than `viewBytes` is not copied once more: its bytes are valid only
 * until the reader is given the next piece. */

export type Reply =
  | { kind: 'simple'; text: string }
  | { kind: 'error'; text: string }
  | { kind: 'integer'; value: number }
  | { kind: 'bulk'; data: Buffer | null }
  | { kind: 'array'; items: Reply[] | null };

export interface Frame {
  reply: Reply;
  raw: Buffer;
}

export type Argument = string | number | Buffer;

export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
}

const crlf = Buffer.from('\r\n');

/** A request as an array of bulk strings, in pieces, so that long values are not copied. */
export function encodeRequest(args: readonly Argument[]): Buffer[] {
  const parts: Buffer[] = [];
  let head = `*${args.length}\r\n`;
  for (const arg of args) {
    if (Buffer.isBuffer(arg)) {
      parts.push(Buffer.from(`${head}$${arg.length}\r\n`), arg);
      head = '\r\n';
    } else {
      const text = String(arg);
      head += `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
    }
  }
  parts.push(Buffer.from(head));
  return parts;
}

/** The raw bytes of a reply: what a server sends for it. */
export function encodeReply(reply: Reply): Buffer {
  switch (reply.kind) {
    case 'simple':
      return Buffer.from(`+${reply.text}\r\n`);
    case 'error':
      return Buffer.from(`-${reply.text}\r\n`);
    case 'integer':
      return Buffer.from(`:${reply.value}\r\n`);
    case 'bulk':
      if (reply.data === null) return Buffer.from('$-1\r\n');
      return Buffer.concat([Buffer.from(`$${reply.data.length}\r\n`), reply.data, crlf]);
    case 'array': {
      if (reply.items === null) return Buffer.from('*-1\r\n');
      const head = Buffer.from(`*${reply.items.length}\r\n`);
      return Buffer.concat([head, ...reply.items.map(encodeReply)]);
    }
  }
}

export const simple = (text: string): Reply => ({ kind: 'simple', text });
export const integer = (value: number): Reply => ({ kind: 'integer', value });
export const array = (items: Reply[] | null): Reply => ({ kind: 'array', items });

export function bulk(data: string | Buffer | null): Reply {
  return { kind: 'bulk', data: typeof data === 'string' ? Buffer.from(data) : data };
}

const maxBulkBytes = 512 * 1024 * 1024; // proto-max-bulk-len of redis.conf
const maxArrayItems = 1024 * 1024;
const maxDepth = 8;
const maxLineBytes = 64 * 1024;

/** Replies longer than this are handed out as views of the reader's own buffer. */
export const viewBytes = 64 * 1024;

/** Takes the bytes of a stream in any pieces and gives back whole replies. */
export class ReplyReader {
  private buffer = Buffer.allocUnsafe(64 * 1024);
  private start = 0;
  private end = 0;
  /** Bytes that the reply at `start` has at least, as far as is known. */
  private wanted = 1;

  /** Bytes received that are not yet part of a whole reply. */
  get pendingBytes(): number {
    return this.end - this.start;
  }

  push(chunk: Buffer): void {
    this.reserve(chunk.length);
    chunk.copy(this.buffer, this.end);
    this.end += chunk.length;
  }

  /** The next whole reply, or undefined. Throws ProtocolError on what is not RESP. */
  next(): Frame | undefined {
    if (this.pendingBytes < this.wanted) return undefined;
    const held = this.buffer.subarray(this.start, this.end);
    const whole = new Parser(held);
    const reply = whole.parse(0);
    if (!reply) {
      this.wanted = whole.wanted;
      return undefined;
    }
    this.start += whole.at;
    this.wanted = 1;
    const raw = held.subarray(0, whole.at);
    if (raw.length > viewBytes) return { reply, raw };
    const copy = Buffer.from(raw);
    return { reply: new Parser(copy).parse(0) ?? reply, raw: copy };
  }

  private reserve(bytes: number): void {
    if (this.end + bytes <= this.buffer.length) return;
    const held = this.pendingBytes;
    const needed = Math.max(held + bytes, this.wanted);
    const isEnough = needed <= this.buffer.length;
    const grown = isEnough ? this.buffer : Buffer.allocUnsafe(2 * needed);
    this.buffer.copy(grown, 0, this.start, this.end);
    this.buffer = grown;
    this.start = 0;
    this.end = held;
  }
}

/** One attempt to read a reply from bytes; bulk strings are views of them. */
class Parser {
  at = 0;
  /** After an attempt that failed: how many bytes there must be for another one. */
  wanted = 1;

  constructor(private readonly bytes: Buffer) {}

  parse(depth: number): Reply | undefined {
    const line = this.line();
    if (line === undefined) return undefined;
    const rest = line.slice(1);
    switch (line[0]) {
      case '+':
        return { kind: 'simple', text: rest };
      case '-':
        return { kind: 'error', text: rest };
      case ':':
        return { kind: 'integer', value: parseInteger(rest) };
      case '$':
        return this.bulk(parseInteger(rest));
      case '*':
        return this.array(parseInteger(rest), depth);
      default:
        throw new ProtocolError(`a reply cannot begin with ${JSON.stringify(line.slice(0, 20))}`);
    }
  }

  private line(): string | undefined {
    const end = this.bytes.indexOf(crlf, this.at);
    if (end < 0) {
      if (this.bytes.length - this.at > maxLineBytes) throw new ProtocolError('a line has no end');
      this.wanted = this.bytes.length + 1;
      return undefined;
    }
    const text = this.bytes.toString('latin1', this.at, end);
    this.at = end + 2;
    return text;
  }

  private bulk(length: number): Reply | undefined {
    if (length === -1) return { kind: 'bulk', data: null };
    if (length < 0 || length > maxBulkBytes) throw new ProtocolError(`bulk length ${length}`);
    const end = this.at + length;
    if (end + 2 > this.bytes.length) {
      this.wanted = end + 2;
      return undefined;
    }
    if (this.bytes[end] !== 13 || this.bytes[end + 1] !== 10) {
      throw new ProtocolError('a bulk string does not end where it should');
    }
    const data = this.bytes.subarray(this.at, end);
    this.at = end + 2;
    return { kind: 'bulk', data };
  }

  private array(length: number, depth: number): Reply | undefined {
    if (length === -1) return { kind: 'array', items: null };
    if (length < 0 || length > maxArrayItems) throw new ProtocolError(`array length ${length}`);
    if (depth >= maxDepth) throw new ProtocolError(`arrays nested deeper than ${maxDepth}`);
    const items: Reply[] = [];
    while (items.length < length) {
      const item = this.parse(depth + 1);
      if (!item) return undefined;
      items.push(item);
    }
    return { kind: 'array', items };
  }
}

function parseInteger(text: string): number {
  if (!/^-?\d{1,19}$/.test(text)) throw new ProtocolError(`${JSON.stringify(text)} is no integer`);
  return Number(text);
}
