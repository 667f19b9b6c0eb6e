/* mysql.ts: the protocol of MySQL and MariaDB, as far as a client without a password needs it: text
 * queries. The rule: packets are numbered, and the numbers of every answer are checked. */
import { check, type Wire } from './wire.js';

export type Row = (string | null)[];

// LONG_PASSWORD, CONNECT_WITH_DB, PROTOCOL_41, TRANSACTIONS, SECURE_CONNECTION, PLUGIN_AUTH
const capabilities = 0x1 | 0x8 | 0x200 | 0x2000 | 0x8000 | 0x80000;
const utf8mb4 = 45;

async function readPacket(wire: Wire, number: number): Promise<Buffer> {
  const head = await wire.bytes(4);
  check(head[3] === number % 256, `packet number ${number}`, head[3]);
  return await wire.bytes(head.readUIntLE(0, 3));
}

function writePacket(wire: Wire, number: number, body: Buffer): void {
  const head = Buffer.alloc(4);
  head.writeUIntLE(body.length, 0, 3);
  head[3] = number;
  wire.write(Buffer.concat([head, body]));
}

/** Answers the server's greeting; no password is asked for. */
export async function logIn(wire: Wire, user: string, database: string): Promise<void> {
  const greeting = await readPacket(wire, 0);
  check(greeting[0] === 10, 'protocol version', greeting[0]);
  const head = Buffer.alloc(32);
  head.writeUInt32LE(capabilities, 0);
  head.writeUInt32LE(1 << 24, 4);
  head[8] = utf8mb4;
  const names = Buffer.from(`${user}\0\0${database}\0mysql_native_password\0`, 'latin1');
  writePacket(wire, 1, Buffer.concat([head, names]));
  const answer = await readPacket(wire, 2);
  check(answer[0] === 0, 'a login', answer.toString('latin1'));
}

/** The rows of a query; none when it has no result set. An error is a Mismatch. */
export async function query(wire: Wire, text: string): Promise<Row[]> {
  writePacket(wire, 0, Buffer.concat([Buffer.from([3]), Buffer.from(text)]));
  const first = await readPacket(wire, 1);
  check(first[0] !== 0xff, 'no error', first.toString('latin1', 3));
  if (first[0] === 0) return [];
  const columns = first[0]!;
  let number = 2;
  for (let column = 0; column < columns; column++) await readPacket(wire, number++);
  check(isEnd(await readPacket(wire, number++)), 'the end of the columns', 'something else');
  const rows: Row[] = [];
  for (;;) {
    const packet = await readPacket(wire, number++);
    check(packet[0] !== 0xff, 'no error', packet.toString('latin1', 3));
    if (isEnd(packet)) return rows;
    rows.push(readRow(packet));
  }
}

const isEnd = (packet: Buffer): boolean => packet[0] === 0xfe && packet.length < 9;

function readRow(packet: Buffer): Row {
  const row: Row = [];
  for (let at = 0; at < packet.length;) {
    let lenBytes = packet[at++]!;
    if (lenBytes === 0xfb) {
      row.push(null);
      continue;
    }
    if (lenBytes > 0xfb) {
      const size = lenBytes === 0xfc ? 2 : 3;
      lenBytes = packet.readUIntLE(at, size);
      at += size;
    }
    row.push(packet.toString('utf8', at, at + lenBytes));
    at += lenBytes;
  }
  return row;
}
