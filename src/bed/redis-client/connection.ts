/* connection.ts: one TCP connection of the load client. It is opened once; when it is lost it
 * stays lost, and that is the finding. Requests and what is expected of their replies go into one
 * queue; replies are compared byte by byte as they come.
 * The rule: whatever the server sends is either expected exactly, or checked, or counted wrong. */
import { connect, type Socket } from 'node:net';
import { encodeReply, encodeRequest, ReplyReader, type Argument, type Frame } from './resp.js';
import type { Reply } from './resp.js';

/** Either the reply exactly, or a check that says what is wrong with it. */
export type Expectation = Reply | Buffer | ((reply: Reply, raw: Buffer) => string | undefined);

export interface Request {
  args: readonly Argument[];
  expect: Expectation;
  /** Called when the reply has come, be it as expected or not. */
  onReply?: (reply: Reply) => void;
}

/** How a connection is used, for telling blackouts of one kind from those of another. */
export type Traffic = 'stream' | 'request' | 'waiting';

export interface Mismatch {
  connection: string;
  request: string;
  expected: string;
  got: string;
  bytes: number;
}

/** Where connections put their findings. */
export interface Findings {
  ops: (count: number) => void;
  mismatch: (mismatch: Mismatch) => void;
}

export type LossReason = 'reset' | 'closed' | 'protocol' | 'stalled';

export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
}

interface Waiting {
  request: Request;
  resolve: (reply: Reply) => void;
  reject: (error: Error) => void;
}

const sliceBytes = 64 * 1024;
const readBytes = 256 * 1024;
const notedGapMs = 1;
const maxNotedGaps = 20_000;

export class Connection {
  loss: { reason: LossReason; detail: string } | undefined;
  bytesIn = 0;
  bytesOut = 0;
  /** [begin, end] in ms of performance.now(): waits for the server longer than `notedGapMs`. */
  readonly gaps: [number, number][] = [];
  private readonly reader = new ReplyReader();
  private readonly queue: Waiting[] = [];
  private readonly early: Frame[] = [];
  private lastProgressMs = 0;
  private isClosing = false;

  private constructor(
    readonly name: string,
    readonly traffic: Traffic,
    private readonly socket: Socket,
    private readonly findings: Findings,
  ) {
    socket.on('error', (error: NodeJS.ErrnoException) => this.lose('reset', error.code ?? ''));
    socket.on('end', () => this.lose('closed', 'the server ended the connection'));
    socket.on('close', () => this.lose('closed', 'the connection is closed'));
  }

  static open(
    at: { host: string; port: number },
    name: string,
    traffic: Traffic,
    findings: Findings,
  ): Promise<Connection> {
    return new Promise((resolve, reject) => {
      let connection: Connection | undefined;
      // One buffer for all reads of the connection: the client must not pause to collect garbage.
      const onread = {
        buffer: Buffer.allocUnsafe(readBytes),
        callback: (lenBytes: number, bytes: Uint8Array) => {
          connection?.onData(Buffer.from(bytes.buffer, bytes.byteOffset, lenBytes));
          return true;
        },
      };
      const socket = connect({ ...at, noDelay: true, onread });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        connection = new Connection(name, traffic, socket, findings);
        resolve(connection);
      });
    });
  }

  /** Requests that were sent and not answered. */
  get outstanding(): number {
    return this.queue.length;
  }

  call(args: readonly Argument[], expect: Expectation): Promise<Reply> {
    return this.send([{ args, expect }]).then((replies) => replies[0] as Reply);
  }

  /** Sends requests in one piece (a pipeline) and waits for all their replies. */
  send(requests: readonly Request[]): Promise<Reply[]> {
    const replies = requests.map((request) => this.expect(request));
    this.write(requests.flatMap((request) => encodeRequest(request.args)));
    return Promise.all(replies);
  }

  /** Waits for a reply without sending: messages of a subscription. */
  expect(request: Request): Promise<Reply> {
    if (this.loss) return Promise.reject(new ConnectionLost(this.name));
    if (this.queue.length === 0) this.lastProgressMs = performance.now();
    return new Promise((resolve, reject) => {
      this.queue.push({ request, resolve, reject });
      const frame = this.early.shift();
      if (frame) this.answer(frame);
    });
  }

  /** Gives up on a connection that does not answer any more. */
  abandon(): void {
    if (this.queue.length > 0) this.lose('stalled', `${this.queue.length} replies are missing`);
  }

  close(): void {
    this.isClosing = true;
    this.socket.destroy();
    // What the server said without being asked was never compared with anything: it is wrong.
    for (const frame of this.early.splice(0)) this.report('(nothing asked)', 'nothing', frame.raw);
  }

  private write(parts: readonly Buffer[]): void {
    const lenBytes = parts.reduce((sum, part) => sum + part.length, 0);
    this.bytesOut += lenBytes;
    if (lenBytes <= sliceBytes) {
      this.socket.write(Buffer.concat(parts));
      return;
    }
    // In slices, so that an upload shows its progress while the kernel takes it.
    for (const part of parts) {
      for (let at = 0; at < part.length; at += sliceBytes) {
        this.socket.write(part.subarray(at, at + sliceBytes), () => this.progress());
      }
    }
  }

  private onData(chunk: Buffer): void {
    this.bytesIn += chunk.length;
    this.progress();
    this.reader.push(chunk);
    try {
      for (let frame = this.reader.next(); frame; frame = this.reader.next()) {
        if (this.queue.length === 0) this.early.push(frame);
        else this.answer(frame);
      }
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      this.report('(stream)', `RESP, but ${detail}`, chunk);
      this.lose('protocol', detail);
      this.socket.destroy();
    }
  }

  private progress(): void {
    const now = performance.now();
    const isWaiting = this.queue.length > 0;
    if (isWaiting && now - this.lastProgressMs > notedGapMs && this.gaps.length < maxNotedGaps) {
      this.gaps.push([this.lastProgressMs, now]);
    }
    this.lastProgressMs = now;
  }

  private answer(frame: Frame): void {
    const waiting = this.queue.shift();
    if (!waiting) return;
    const { args, expect, onReply } = waiting.request;
    this.compare(args, expect, frame);
    this.findings.ops(1);
    onReply?.(frame.reply);
    waiting.resolve(frame.reply);
  }

  private compare(args: readonly Argument[], expect: Expectation, { reply, raw }: Frame): void {
    if (typeof expect === 'function') {
      const complaint = expect(reply, raw);
      if (complaint) this.report(describe(args), complaint, raw);
      return;
    }
    if (isLongBulk(expect, raw)) return;
    const expected = Buffer.isBuffer(expect) ? expect : encodeReply(expect);
    if (expected.equals(raw)) return;
    this.report(describe(args), shorten(expected), raw, differingBytes(expected, raw));
  }

  private report(request: string, expected: string, got: Buffer, bytes = got.length): void {
    const mismatch = { connection: this.name, request, expected, got: shorten(got), bytes };
    this.findings.mismatch(mismatch);
  }

  private lose(reason: LossReason, detail: string): void {
    if (this.loss || this.isClosing) return;
    this.loss = { reason, detail };
    if (this.queue.length > 0) this.gaps.push([this.lastProgressMs, performance.now()]);
    const error = new ConnectionLost(`${this.name}: ${detail}`);
    for (const waiting of this.queue.splice(0)) waiting.reject(error);
  }
}

/** Compares a long bulk string where it lies; false leaves it to the general comparison. */
function isLongBulk(expect: Reply | Buffer, raw: Buffer): boolean {
  if (Buffer.isBuffer(expect) || expect.kind !== 'bulk' || !expect.data) return false;
  if (expect.data.length < sliceBytes) return false;
  const head = Buffer.from(`$${expect.data.length}\r\n`);
  const end = head.length + expect.data.length;
  return raw.length === end + 2 && raw.subarray(0, head.length).equals(head)
    && raw.subarray(head.length, end).equals(expect.data)
    && raw[end] === 13 && raw[end + 1] === 10;
}

/** Bytes at which two byte strings differ; what one has and the other has not counts too. */
export function differingBytes(expected: Buffer, got: Buffer): number {
  const common = Math.min(expected.length, got.length);
  let differing = Math.max(expected.length, got.length) - common;
  for (let at = 0; at < common; at++) if (expected[at] !== got[at]) differing++;
  return differing;
}

function describe(args: readonly Argument[]): string {
  return args.map((arg) => (Buffer.isBuffer(arg) ? `(${arg.length} bytes)` : arg)).join(' ');
}

function shorten(bytes: Buffer): string {
  const shown = JSON.stringify(bytes.subarray(0, 80).toString('latin1'));
  return bytes.length > 80 ? `${shown}… (${bytes.length} bytes)` : shown;
}
