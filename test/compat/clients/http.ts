/* http.ts: an HTTP/1.1 client on one kept connection, for servers of files, of echoes and of
 * counters. The rule: the body is compared whole, and the status and its length are checked. */
import type { Session, SessionContext } from '../program.js';
import { check, Mismatch, same, type Wire } from './wire.js';

export interface Reply {
  status: number;
  headers: Map<string, string>;
  body: Buffer;
}

/** Sends a request and reads its reply: by Content-Length or in chunks. */
export async function request(
  wire: Wire, method: string, path: string, body?: Buffer, more = '',
): Promise<Reply> {
  const length = body ? `Content-Length: ${body.length}\r\n` : '';
  const head = Buffer.from(`${method} ${path} HTTP/1.1\r\nHost: compat\r\n${length}${more}\r\n`);
  wire.write(body ? Buffer.concat([head, body]) : head);
  return await readReply(wire, method === 'HEAD');
}

export async function readReply(wire: Wire, isHead = false): Promise<Reply> {
  const [first = '', ...lines] = (await wire.until('\r\n\r\n')).trimEnd().split('\r\n');
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(first)?.[1]);
  check(status >= 100, 'a status line', first);
  const headers = new Map(lines.map((line): [string, string] => {
    const at = line.indexOf(':');
    return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()];
  }));
  const isBodyless = isHead || status === 204 || status === 304;
  const body = isBodyless ? Buffer.alloc(0) : await readBody(wire, headers);
  return { status, headers, body };
}

async function readBody(wire: Wire, headers: Map<string, string>): Promise<Buffer> {
  const length = headers.get('content-length');
  if (length !== undefined) return await wire.bytes(Number(length));
  if (headers.get('transfer-encoding') !== 'chunked') throw new Mismatch('a body without length');
  const parts: Buffer[] = [];
  for (;;) {
    const lenBytes = parseInt(await wire.line(), 16);
    check(lenBytes >= 0, 'the length of a chunk', lenBytes);
    parts.push(await wire.bytes(lenBytes));
    await wire.expect('\r\n', 'the end of a chunk');
    if (lenBytes === 0) return Buffer.concat(parts);
  }
}

/** Asks for files at random; `served` is path → contents. */
export async function fileClient(
  context: SessionContext, served: ReadonlyMap<string, Buffer>, isTls = false,
): Promise<Session> {
  const wire = await context.wire({ isTls });
  const paths = [...served.keys()];
  return {
    exchange: async () => {
      const path = context.random.pick(paths);
      const reply = await request(wire, 'GET', path);
      check(reply.status === 200, `status of ${path}`, reply.status);
      same(reply.body, served.get(path)!, path);
    },
    close: () => wire.close(),
  };
}

/**
 * Talks to a server that keeps values: `PUT /c3/k7` stores the body and answers 200 with
 * `stored N` (N: its length), `GET` answers with it, or 404 with `none`.
 */
export async function storeClient(
  context: SessionContext, { isTls = false, keys = 20, maxBytes = 4000, prefix = '' } = {},
): Promise<Session> {
  const wire = await context.wire({ isTls });
  const book = new Map<string, Buffer>();
  const { random, index } = context;
  const name = index < 0 ? `v${-index}-${random.between(0, 1e9)}` : `c${index}`;
  const get = async (path: string): Promise<void> => {
    const reply = await request(wire, 'GET', path);
    const expected = book.get(path);
    check(reply.status === (expected ? 200 : 404), `status of ${path}`, reply.status);
    same(reply.body, expected ?? Buffer.from('none'), path);
  };
  const session: Session & { acknowledged: number } = {
    acknowledged: 0,
    exchange: async () => {
      const path = `${prefix}/${name}/k${random.between(0, keys - 1)}`;
      if (random.next() < 0.5) return await get(path);
      const value = randomBody(context, random.between(0, maxBytes));
      const reply = await request(wire, 'PUT', path, value);
      check(reply.status === 200, `status of PUT ${path}`, reply.status);
      same(reply.body, Buffer.from(`stored ${value.length}`), `PUT ${path}`);
      book.set(path, value);
      session.acknowledged++;
    },
    lost: async () => {
      let lost = 0;
      for (const path of book.keys()) {
        await get(path).catch((error: unknown) => {
          if (!(error instanceof Mismatch)) throw error;
          lost++;
        });
      }
      return lost;
    },
    close: () => wire.close(),
  };
  return session;
}

/** Bytes that differ from any other body's in nearly every place. */
export function randomBody({ random }: Pick<SessionContext, 'random'>, lenBytes: number): Buffer {
  const body = Buffer.allocUnsafe(lenBytes);
  for (let at = 0; at < lenBytes; at += 4) {
    const word = Math.floor(random.next() * 2 ** 32);
    for (let byte = 0; byte < 4 && at + byte < lenBytes; byte++) {
      body[at + byte] = (word >>> (8 * byte)) & 0xff;
    }
  }
  return body;
}
