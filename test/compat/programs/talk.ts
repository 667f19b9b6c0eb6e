/* talk.ts: servers that people talk to each other by: IRC, XMPP, subjects to subscribe to.
 * The rule: a client talks to itself by way of the server, and its words are numbered. */
import { irc, nameOf } from '../clients/lines.js';
import { check } from '../clients/wire.js';
import type { Program, Session, SessionContext } from '../program.js';

const xmlns = 'urn:ietf:params:xml:ns:xmpp-';
const stream = `<?xml version='1.0'?><stream:stream to='x.example' xmlns='jabber:client' `
  + `xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>`;

async function xmpp(context: SessionContext): Promise<Session> {
  const wire = await context.wire();
  const name = nameOf(context);
  wire.write(stream);
  await wire.until('</stream:features>');
  wire.write(`<auth xmlns='${xmlns}sasl' mechanism='ANONYMOUS'/>`);
  await wire.until('<success');
  await wire.until('>');
  wire.write(stream);
  await wire.until('</stream:features>');
  wire.write(`<iq id='b' type='set'><bind xmlns='${xmlns}bind'/></iq>`);
  const jid = /<jid>(.*)<\/jid>/.exec(await wire.until('</iq>'))?.[1] ?? '';
  check(jid !== '', 'a full address', jid);
  let count = 0;
  return {
    exchange: async () => {
      const text = `${name} said ${count++} ${'x'.repeat(context.random.between(0, 500))}.`;
      wire.write(`<message to='${jid}' type='chat'><body>${text}</body></message>`);
      const got = await wire.until('</message>');
      check(got.includes(`<body>${text}</body>`), text.slice(0, 40), got);
    },
    close: () => wire.close(),
  };
}

async function nats(context: SessionContext): Promise<Session> {
  const wire = await context.wire();
  const name = nameOf(context);
  let count = 0;
  await wire.until('\r\n');
  wire.write(`CONNECT {"verbose":false,"pedantic":false}\r\nSUB ${name} 1\r\nPING\r\n`);
  await wire.expect('PONG\r\n', 'the answer to PING');
  return {
    exchange: async () => {
      const text = `${name} said ${count++} ${'x'.repeat(context.random.between(0, 3000))}.`;
      wire.write(`PUB ${name} ${text.length}\r\n${text}\r\n`);
      const first = await wire.bytes(4);
      if (first.toString() === 'PING') {
        await wire.expect('\r\n', 'the end of a PING');
        wire.write('PONG\r\n');
        await wire.bytes(4);
      }
      await wire.expect(`${name} 1 ${text.length}\r\n${text}\r\n`, 'what was published');
    },
    close: () => wire.close(),
  };
}

const inspircd = [
  '<server name="irc.example.net" description="x" network="x">',
  '<admin name="x" nick="x" email="x@example.net">',
  '<bind address="0.0.0.0" port="6667" type="clients">',
  '<connect allow="*" timeout="60" localmax="1000" globalmax="1000" pingfreq="600" useident="no"',
  ' resolvehostnames="no" commandrate="1000000" threshold="100000" fakelag="no" ',
  ' softsendq="1048576" hardsendq="1048576" recvq="1048576">',
  '<log method="file" type="*" level="default" target="/srv/compat/inspircd.log">',
  '<pid file="/srv/compat/inspircd.pid">', '',
].join('\n');

const prosody = [
  'run_as_root = true', 'daemonize = false', 'pidfile = "/srv/compat/prosody.pid"',
  'data_path = "/srv/compat/data"', 'modules_enabled = { "saslauth", "presence" }',
  'modules_disabled = { "s2s", "tls", "offline" }', 'c2s_require_encryption = false',
  'allow_unencrypted_plain_auth = true', 'interfaces = { "0.0.0.0" }',
  'log = { info = "/srv/compat/prosody.log" }', 'VirtualHost "x.example"',
  '  authentication = "anonymous"', '',
].join('\n');

const programs: Program[] = [
  {
    name: 'inspircd', what: 'An IRC server in C++: 8 clients talk to themselves.',
    packages: ['inspircd'], version: ['dpkg-query', '-W', 'inspircd'], port: 6667,
    command: ['inspircd', '--nofork', '--runasroot', '--config=/srv/compat/inspircd.conf'],
    files: { 'inspircd.conf': inspircd }, clients: 8, thinkMs: 20, connect: irc,
  },
  {
    name: 'prosody', what: 'An XMPP server in Lua: 8 clients send themselves messages.',
    packages: ['prosody'], version: ['dpkg-query', '-W', 'prosody'], port: 5222,
    command: ['prosody', '-F', '--config', '/srv/compat/prosody.cfg.lua'],
    files: { 'prosody.cfg.lua': prosody }, prepare: 'mkdir data', clients: 8, visitors: 1,
    connect: xmpp,
  },
  {
    name: 'nats', what: 'A message server in Go: 12 clients publish what they subscribe to.',
    packages: ['nats-server'], version: ['nats-server', '--version'], port: 4222,
    command: ['nats-server', '-a', '0.0.0.0', '-p', '4222'],
    clients: 12, visitors: 1, connect: nats,
  },
];

export default programs;
