/* postgres.ts: PostgreSQL's protocol, version 3, as far as a client without a password needs: the
 * simple query. The rule: every message of an answer is read, up to the server's "ready". */
import { check, type Wire } from './wire.js';

export type Row = (string | null)[];

interface Message {
  type: string;
  body: Buffer;
}

async function readMessage(wire: Wire): Promise<Message> {
  const head = await wire.bytes(5);
  return { type: head.toString('latin1', 0, 1), body: await wire.bytes(head.readInt32BE(1) - 4) };
}

/** Says who one is and waits until the server is ready. */
export async function logIn(wire: Wire, user: string, database: string): Promise<void> {
  const body = Buffer.from(`user\0${user}\0database\0${database}\0\0`, 'latin1');
  const head = Buffer.alloc(8);
  head.writeInt32BE(8 + body.length, 0);
  head.writeInt32BE(0x30000, 4);
  wire.write(Buffer.concat([head, body]));
  await answer(wire);
}

/** The rows of a query. An error of the server's is a Mismatch. */
export async function query(wire: Wire, text: string): Promise<Row[]> {
  const body = Buffer.from(`${text}\0`);
  const head = Buffer.alloc(5);
  head.write('Q', 0, 'latin1');
  head.writeInt32BE(4 + body.length, 1);
  wire.write(Buffer.concat([head, body]));
  return await answer(wire);
}

async function answer(wire: Wire): Promise<Row[]> {
  const rows: Row[] = [];
  const errors: string[] = [];
  for (;;) {
    const { type, body } = await readMessage(wire);
    if (type === 'D') rows.push(readRow(body));
    if (type === 'E') errors.push(body.toString().replaceAll('\0', ' '));
    if (type !== 'Z') continue;
    check(errors.length === 0, 'no error', errors.join('; '));
    return rows;
  }
}

function readRow(body: Buffer): Row {
  const row: Row = [];
  let at = 2;
  for (let column = 0; column < body.readInt16BE(0); column++) {
    const lenBytes = body.readInt32BE(at);
    at += 4;
    row.push(lenBytes < 0 ? null : body.toString('utf8', at, at + lenBytes));
    at += Math.max(0, lenBytes);
  }
  return row;
}
