/* wire.ts: one TCP or TLS connection of a client, read by its length or to a mark. It is opened
 * once; when it is lost it stays lost, and why is what the run reports.
 * The rule: nothing that the server sends goes unread: what is left when it is closed is wrong. */
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

export interface WireOptions {
  /** TLS with whatever certificate the server has. */
  isTls?: boolean;
  port?: number;
}

export type LossReason = 'reset' | 'closed' | 'stalled';

/** The connection is gone; `reason` says how. */
export class WireLost extends Error {
  override readonly name = 'WireLost';
  constructor(readonly reason: LossReason, detail: string, readonly hasHeard: boolean) {
    super(detail);
  }
}

/** The server answered, and not what it should have. */
export class Mismatch extends Error {
  override readonly name = 'Mismatch';
}

interface Waiting {
  /** Length of what is wanted if it is there, or 0. */
  find: () => number;
  resolve: (bytes: Buffer) => void;
  reject: (error: Error) => void;
}

const maxTextBytes = 1 << 20;

export class Wire {
  bytesIn = 0;
  bytesOut = 0;
  loss: WireLost | undefined;
  private chunks: Buffer[] = [];
  private lenBytes = 0;
  private waiting: Waiting | undefined;
  private isClosing = false;

  private constructor(private readonly socket: Socket) {
    socket.on('data', (chunk: Buffer) => this.onData(chunk));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.lose('reset', error.code ?? error.message);
    });
    socket.on('end', () => this.lose('closed', 'the server ended the connection'));
    socket.on('close', () => this.lose('closed', 'the connection is closed'));
  }

  static open(host: string, port: number, options: WireOptions = {}): Promise<Wire> {
    return new Promise((resolve, reject) => {
      const at = { host, port: options.port ?? port, noDelay: true };
      const socket = options.isTls
        ? connectTls({ ...at, rejectUnauthorized: false, checkServerIdentity: () => undefined })
        : connect(at);
      const fail = (error: NodeJS.ErrnoException): void => {
        reject(new WireLost('reset', `${error.code ?? error.message} at connecting`, false));
      };
      socket.once('error', fail);
      socket.once(options.isTls ? 'secureConnect' : 'connect', () => {
        socket.off('error', fail);
        socket.setNoDelay(true);
        resolve(new Wire(socket));
      });
    });
  }

  write(data: string | Buffer): void {
    const bytes = typeof data === 'string' ? Buffer.from(data, 'latin1') : data;
    this.bytesOut += bytes.length;
    this.socket.write(bytes);
  }

  /** Exactly so many bytes. */
  bytes(lenBytes: number): Promise<Buffer> {
    if (lenBytes === 0) return Promise.resolve(Buffer.alloc(0));
    return this.take(() => (this.lenBytes >= lenBytes ? lenBytes : 0));
  }

  /** Up to and with a mark, as latin1 text. */
  async until(mark: string): Promise<string> {
    const bytes = await this.take(() => {
      if (this.lenBytes > maxTextBytes) throw new Mismatch(`no ${JSON.stringify(mark)} in 1 MiB`);
      const at = this.joined().indexOf(mark, 0, 'latin1');
      return at < 0 ? 0 : at + mark.length;
    });
    return bytes.toString('latin1');
  }

  /** A line without its end (LF or CRLF). */
  async line(): Promise<string> {
    return (await this.until('\n')).replace(/\r?\n$/, '');
  }

  /** Reads as many bytes as are expected and compares them. */
  async expect(expected: string | Buffer, what: string): Promise<void> {
    const wanted = typeof expected === 'string' ? Buffer.from(expected, 'latin1') : expected;
    same(await this.bytes(wanted.length), wanted, what);
  }

  /** Reads to the server's end of the connection. */
  async rest(): Promise<Buffer> {
    try {
      await this.take(() => 0);
    } catch (error) {
      if (!(error instanceof WireLost) || error.reason !== 'closed') throw error;
    }
    const all = this.joined();
    this.chunks = [];
    this.lenBytes = 0;
    return all;
  }

  /** Gives up on a server that does not answer. */
  abandon(): void {
    if (this.waiting) this.lose('stalled', 'a reply is missing');
  }

  close(): void {
    this.isClosing = true;
    this.socket.destroy();
    if (this.lenBytes > 0 && !this.loss) {
      throw new Mismatch(`${this.lenBytes} bytes nobody asked for: ${shown(this.joined())}`);
    }
  }

  private take(find: () => number): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      if (this.waiting) throw new Error('two readers of one wire');
      this.waiting = { find, resolve, reject };
      this.serve();
      if (this.waiting && this.loss) this.lose(this.loss.reason, this.loss.message);
    });
  }

  private onData(chunk: Buffer): void {
    this.bytesIn += chunk.length;
    this.chunks.push(chunk);
    this.lenBytes += chunk.length;
    this.serve();
  }

  private serve(): void {
    const { waiting } = this;
    if (!waiting) return;
    try {
      const length = waiting.find();
      if (length === 0) return;
      const all = this.joined();
      this.chunks = length < all.length ? [all.subarray(length)] : [];
      this.lenBytes -= length;
      this.waiting = undefined;
      waiting.resolve(all.subarray(0, length));
    } catch (error) {
      this.waiting = undefined;
      waiting.reject(error instanceof Error ? error : new Error(String(error)));
    }
  }

  private joined(): Buffer {
    if (this.chunks.length !== 1) this.chunks = [Buffer.concat(this.chunks)];
    return this.chunks[0]!;
  }

  private lose(reason: LossReason, detail: string): void {
    if (this.isClosing) return;
    this.loss ??= new WireLost(reason, detail, this.bytesIn > 0);
    const { waiting } = this;
    this.waiting = undefined;
    waiting?.reject(this.loss);
  }
}

/** Throws a Mismatch that says where two byte strings part. */
export function same(got: Buffer, expected: Buffer, what: string): void {
  if (got.equals(expected)) return;
  let at = 0;
  while (at < got.length && got[at] === expected[at]) at++;
  throw new Mismatch(`${what}: byte ${at} of ${expected.length} (got ${got.length}): expected `
    + `${shown(expected.subarray(at))}, got ${shown(got.subarray(at))}`);
}

export function check(isRight: boolean, what: string, got: unknown): void {
  if (!isRight) throw new Mismatch(`${what}: got ${shown(Buffer.from(String(got)))}`);
}

function shown(bytes: Buffer): string {
  const text = JSON.stringify(bytes.subarray(0, 60).toString('latin1'));
  return bytes.length > 60 ? `${text}… (${bytes.length} bytes)` : text;
}
