/* directories.ts: servers that are asked for what is registered under a name: DNS and LDAP.
 * The rule: a question has a number of its own, and the answer is compared with it. */
import { nameOf } from '../clients/lines.js';
import { check, same, type Wire } from '../clients/wire.js';
import type { Program, Session, SessionContext } from '../program.js';

const uint16 = (value: number): Buffer => Buffer.from([value >> 8, value & 255]);

/** Questions for addresses of known names, by TCP, many on one connection. */
async function dns(context: SessionContext): Promise<Session> {
  const wire = await context.wire();
  let id = 0;
  return {
    exchange: async () => {
      const which = context.random.between(0, 99);
      const name = Buffer.concat([`n${which}`, 'x', 'example', ''].map((part) =>
        Buffer.concat([Buffer.from([part.length]), Buffer.from(part)])));
      id = (id + 1) & 0xffff;
      const head = Buffer.concat([uint16(id), Buffer.from('01000001000000000000', 'hex')]);
      const question = Buffer.concat([head, name, uint16(1), uint16(1)]);
      wire.write(Buffer.concat([uint16(question.length), question]));
      const reply = await wire.bytes((await wire.bytes(2)).readUInt16BE(0));
      check(reply.readUInt16BE(0) === id && (reply[3]! & 15) === 0, `question ${id}`, reply);
      check(reply.readUInt16BE(6) === 1, 'one answer', reply.readUInt16BE(6));
      const at = question.length + 12;
      same(reply.subarray(at, at + 4), Buffer.from([10, 1, 2, which]), `address of n${which}`);
    },
    close: () => wire.close(),
  };
}

const tlv = (tag: number, ...parts: Buffer[]): Buffer => {
  const body = Buffer.concat(parts);
  const length = body.length < 128 ? [body.length] : [0x82, body.length >> 8, body.length & 255];
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
};
const octets = (text: string, tag = 4): Buffer => tlv(tag, Buffer.from(text));
const integer = (value: number, tag = 2): Buffer =>
  tlv(tag, Buffer.from([(value >> 16) & 127, (value >> 8) & 255, value & 255]));
const attribute = (name: string, value: string): Buffer =>
  tlv(0x30, octets(name), tlv(0x31, octets(value)));

async function readMessage(wire: Wire): Promise<Buffer> {
  const [, first] = await wire.bytes(2);
  const more = first! & 128 ? await wire.bytes(first! & 127) : Buffer.alloc(0);
  return await wire.bytes(first! & 128 ? more.readUIntBE(0, more.length) : first!);
}

/** Entries of the client's own are added, and looked up again. */
async function ldap(context: SessionContext): Promise<Session> {
  const wire = await context.wire();
  const name = nameOf(context);
  const book = new Map<string, string>();
  let id = 0;
  const ask = async (request: Buffer, last: number): Promise<Buffer[]> => {
    wire.write(tlv(0x30, integer(++id), request));
    const messages: Buffer[] = [];
    for (;;) {
      const message = await readMessage(wire);
      const at = 2 + message[1]!;
      check(message.readUIntBE(2, message[1]!) === id, `message ${id}`, message.toString('hex'));
      messages.push(message);
      if (message[at] !== last) continue;
      const codeAt = at + (message[at + 1]! & 128 ? 2 + (message[at + 1]! & 127) : 2) + 2;
      check(message[codeAt] === 0, 'a result', message.toString('latin1'));
      return messages;
    }
  };
  const get = async (dn: string): Promise<void> => {
    const filter = octets('objectClass', 0x87);
    const found = await ask(tlv(0x63, octets(dn), tlv(10, Buffer.from([0])),
      tlv(10, Buffer.from([0])), integer(0), integer(0), tlv(1, Buffer.from([0])), filter,
      tlv(0x30, octets('sn'))), 0x65);
    check(found.length === 2 && found[0]!.includes(book.get(dn)!), dn, found.join(' '));
  };
  await ask(tlv(0x60, integer(3), octets('cn=admin,dc=x'), octets('secret', 0x80)), 0x61);
  const session: Session & { acknowledged: number } = {
    acknowledged: 0,
    exchange: async () => {
      const cn = `${name}-${session.acknowledged}`;
      const value = `v${context.random.between(0, 1e9)}`;
      const dn = `cn=${cn},dc=x`;
      await ask(tlv(0x68, octets(dn), tlv(0x30, attribute('objectClass', 'person'),
        attribute('cn', cn), attribute('sn', value))), 0x69);
      book.set(dn, value);
      session.acknowledged++;
      await get(dn);
    },
    lost: async () => {
      for (const dn of book.keys()) await get(dn);
      return 0;
    },
    close: () => wire.close(),
  };
  return session;
}

const unbound = [
  'server:', '  interface: 0.0.0.0', '  port: 5300', '  username: "unbound"', '  chroot: ""',
  '  do-daemonize: no', '  use-syslog: no', '  logfile: ""', '  num-threads: 2',
  '  pidfile: "/srv/compat/unbound.pid"', '  directory: "/srv/compat"',
  '  access-control: 0.0.0.0/0 allow', '  incoming-num-tcp: 100', '  local-zone: x.example static',
  ...Array.from({ length: 100 }, (_, at) => `  local-data: "n${at}.x.example A 10.1.2.${at}"`), '',
].join('\n');

const slapd = [
  'include /etc/ldap/schema/core.schema', 'pidfile /srv/compat/slapd.pid',
  'modulepath /usr/lib/ldap', 'moduleload back_mdb', 'threads 4', 'database mdb', 'suffix "dc=x"',
  'rootdn "cn=admin,dc=x"', 'rootpw secret', 'directory /srv/compat/db', 'maxsize 16777216', '',
].join('\n');

const programs: Program[] = [
  {
    name: 'unbound', what: 'A DNS server with two threads, asked by TCP on kept connections.',
    packages: ['unbound'], version: ['unbound', '-V'], port: 5300,
    command: ['unbound', '-d', '-p', '-c', '/srv/compat/unbound.conf'],
    files: { 'unbound.conf': unbound }, clients: 8, visitors: 1, connect: dns,
  },
  {
    name: 'slapd', what: 'OpenLDAP with its mapped database: 8 clients add entries and look them '
      + 'up; each is on disk before it is confirmed.',
    packages: ['slapd'], version: ['slapd', '-VV'], port: 3890,
    command: ['slapd', '-d', '0', '-h', 'ldap://0.0.0.0:3890', '-f', '/srv/compat/slapd.conf'],
    files: {
      'slapd.conf': slapd,
      'root.ldif': 'dn: dc=x\nobjectClass: dcObject\nobjectClass: organization\ndc: x\no: x\n',
    },
    prepare: 'mkdir db; slapadd -f slapd.conf -l root.ldif', clients: 8, visitors: 1, connect: ldap,
  },
];

export default programs;
