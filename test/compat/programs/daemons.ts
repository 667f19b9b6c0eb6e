/* daemons.ts: small daemons, as different as they come: an event loop, a process for each
 * connection, processes that hand connections to each other, a script.
 * The rule: what a client says bears its name and a number, so that no reply can be another's. */
import { ask, echo, irc, nameOf } from '../clients/lines.js';
import { check } from '../clients/wire.js';
import type { Program, Session, SessionContext } from '../program.js';

/** Each client's jobs are in a tube of its own: some are taken, the others have to be there. */
async function beanstalk(context: SessionContext): Promise<Session> {
  const wire = await context.wire();
  const tube = nameOf(context);
  const left = new Map<string, string>();
  await ask(wire, `use ${tube}`, /^USING /);
  await ask(wire, `watch ${tube}`, /^WATCHING 2$/);
  const session: Session & { acknowledged: number } = {
    acknowledged: 0,
    exchange: async () => {
      const body = `${tube}.${session.acknowledged}.${context.random.between(0, 1e9)}`;
      wire.write(`put 1 0 300 ${body.length}\r\n`);
      const id = (await ask(wire, body, /^INSERTED \d+$/)).slice('INSERTED '.length);
      left.set(id, body);
      session.acknowledged++;
      if (left.size < 20) return;
      const job = (await ask(wire, 'reserve-with-timeout 5', /^RESERVED \d+ /)).split(' ')[1]!;
      const got = await wire.line();
      check(left.get(job) === got, 'a reserved job', got);
      await ask(wire, `delete ${job}`, /^DELETED$/);
      left.delete(job);
    },
    lost: async () => {
      for (const [id, body] of left) {
        await ask(wire, `peek ${id}`, /^FOUND /);
        const got = await wire.line();
        check(got === body, `job ${id}`, got);
      }
      return 0;
    },
    close: () => wire.close(),
  };
  return session;
}

async function sip(context: SessionContext): Promise<Session> {
  const wire = await context.wire();
  const name = nameOf(context);
  let count = 0;
  return {
    exchange: async () => {
      const id = `${name}-${count++}`;
      wire.write([
        'OPTIONS sip:a@x SIP/2.0', `Via: SIP/2.0/TCP 10.0.0.1;branch=z9hG4bK${id};rport`,
        'Max-Forwards: 9', 'From: <sip:b@x>;tag=1', 'To: <sip:a@x>', `Call-ID: ${id}`,
        'CSeq: 1 OPTIONS', 'Content-Length: 0', '', '',
      ].join('\r\n'));
      const reply = await wire.until('\r\n\r\n');
      check(reply.startsWith('SIP/2.0 200') && reply.includes(`Call-ID: ${id}\r\n`), id, reply);
    },
    close: () => wire.close(),
  };
}

const tclEcho = [
  'proc taken {c a p} {fconfigure $c -buffering line -translation lf',
  '  fileevent $c readable [list heard $c]}',
  'proc heard {c} {if {[gets $c l] < 0} {if {[eof $c]} {close $c}} else {puts $c $l}}',
  'socket -server taken 9010', 'vwait forever', '',
].join('\n');

const kamailio = [
  '#!KAMAILIO', 'fork=yes', 'children=2', 'listen=udp:0.0.0.0:5060', 'listen=tcp:0.0.0.0:5060',
  'log_stderror=yes', 'debug=0', 'mpath="/usr/lib/x86_64-linux-gnu/kamailio/modules/"',
  'loadmodule "sl.so"', 'request_route { sl_send_reply("200","OK"); exit; }', '',
].join('\n');

const ngircd = [
  '[Global]', 'Name=irc.example.net', 'Info=x', 'Listen=0.0.0.0', 'Ports=6667',
  'ServerUID=nobody', 'ServerGID=nogroup', '[Limits]', 'MaxConnections=100',
  'MaxConnectionsIP=100', 'PingTimeout=600', '[Options]', 'Ident=no', 'PAM=no', 'DNS=no', '',
].join('\n');

function socat(name: string, what: string, port: number, action: string): Program {
  return {
    name, what, packages: ['socat'], version: ['socat', '-V'], port, clients: 8, visitors: 1,
    command: ['socat', `TCP-LISTEN:${port},fork,reuseaddr`, action], connect: echo,
  };
}

const programs: Program[] = [
  {
    name: 'beanstalkd', what: 'A work queue with its log on disk: 12 clients put and take jobs.',
    packages: ['beanstalkd'], version: ['beanstalkd', '-v'], port: 11300,
    command: ['beanstalkd', '-l', '0.0.0.0', '-p', '11300', '-b', '/srv/compat/wal'],
    prepare: 'mkdir wal', clients: 12, visitors: 1, connect: beanstalk,
  },
  {
    name: 'ngircd', what: 'An IRC server that gives up root: 8 clients talk to themselves.',
    packages: ['ngircd'], version: ['ngircd', '--version'], port: 6667,
    command: ['ngircd', '-n', '-f', '/srv/compat/ngircd.conf'],
    files: { 'ngircd.conf': ngircd }, clients: 8, thinkMs: 60, connect: irc, hasOverhead: false,
  },
  {
    name: 'kamailio', what: 'SIP over TCP: a process accepts and hands its connections to others; '
      + 'they share memory of /dev/zero.',
    packages: ['kamailio'], version: ['kamailio', '-v'], port: 5060,
    command: ['kamailio', '-DD', '-f', '/srv/compat/kamailio.cfg', '-m', '32', '-M', '4',
      '-Y', '/srv/compat'],
    files: { 'kamailio.cfg': kamailio }, clients: 8, visitors: 1, connect: sip,
  },
  {
    name: 'tclsh', what: 'A Tcl script with an event loop; echoes.',
    packages: ['tcl'], version: ['dpkg-query', '-W', 'tcl'], port: 9010,
    command: ['tclsh', 'echo.tcl'], files: { 'echo.tcl': tclEcho },
    clients: 12, visitors: 1, connect: echo,
  },
  {
    name: 'tcpserver', what: 'A process for each connection, which becomes cat.',
    packages: ['ucspi-tcp'], version: ['dpkg-query', '-W', 'ucspi-tcp'], port: 9020,
    command: ['tcpserver', '-H', '-R', '-l0', '0', '9020', 'cat'],
    clients: 8, visitors: 1, connect: echo,
  },
  socat('socat-exec', 'A process for each connection, with cat behind a pair of sockets.', 9001,
    'EXEC:cat'),
  socat('socat-shell', 'A process for each connection, with a shell that answers line by line.',
    9004, 'SYSTEM:while read l; do echo "$l"; done'),
];

export default programs;
