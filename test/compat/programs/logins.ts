/* logins.ts: servers that let somebody in and become who that is: a shell by SSH, files by FTP,
 * mail by IMAP; and one that takes mail in.
 * The rule: users are made of the row's own files; nothing of the machine's is changed. */
import { readFileSync } from 'node:fs';
import { nameOf, ask } from '../clients/lines.js';
import { numbered, startLines } from '../clients/remote.js';
import { check, same, type Wire } from '../clients/wire.js';
import type { Program, Session, SessionContext } from '../program.js';
import { pagesOnce } from './nginx.js';

const loop = 'stty -echo -onlcr; echo ready; n=0; '
  + 'while read -r l; do n=$((n+1)); echo "$n $l"; done';

async function shell(context: SessionContext): Promise<Session> {
  const options = ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'LogLevel=ERROR',
    'PreferredAuthentications=none', 'ServerAliveInterval=0'].flatMap((each) => ['-o', each]);
  const lines = startLines(['ssh', '-tt', '-F', '/dev/null', ...options, '-p',
    String(context.port), `guest@${context.host}`, loop]);
  return await numbered(lines, nameOf(context), () => context.random.between(1, 1000));
}

/** A file by a connection of its own for each, the control connection being kept. */
async function ftp(context: SessionContext): Promise<Session> {
  const wire = await context.wire();
  const served = [...pagesOnce()].filter(([, data]) => data.length < 1_000_000);
  await wire.until('220 ');
  await wire.line();
  await ask(wire, 'USER anonymous', /^331 /);
  await ask(wire, 'PASS x', /^230 /);
  await ask(wire, 'TYPE I', /^200 /);
  return {
    exchange: async () => {
      const [path, data] = context.random.pick(served);
      const line = await ask(wire, 'PASV', /^227 /);
      const numbers = /\((?:\d+,){4}(\d+),(\d+)\)/.exec(line);
      const port = Number(numbers?.[1]) * 256 + Number(numbers?.[2]);
      const transfer = await context.wire({ port });
      await ask(wire, `RETR ${path}`, /^150 /);
      same(await transfer.rest(), data, path);
      transfer.close();
      const end = await wire.line();
      check(end.startsWith('226 '), 'the end of a transfer', end);
    },
    close: () => wire.close(),
  };
}

async function command(wire: Wire, tag: string, text: string): Promise<string[]> {
  wire.write(`${tag} ${text}\r\n`);
  const lines: string[] = [];
  for (;;) {
    const line = await wire.line();
    lines.push(line);
    if (!line.startsWith(`${tag} `)) continue;
    check(line.startsWith(`${tag} OK`), text.slice(0, 40), line);
    return lines;
  }
}

/** Letters are put into a mailbox of the client's own, and read again by their number. */
async function imap(context: SessionContext): Promise<Session> {
  const wire = await context.wire();
  const name = nameOf(context);
  const letters = new Map<string, string>();
  let count = 0;
  const tag = (): string => `a${++count}`;
  const read = async (id: string): Promise<void> => {
    const mine = tag();
    wire.write(`${mine} UID FETCH ${id} BODY.PEEK[]\r\n`);
    const head = await wire.until('}\r\n');
    const length = Number(/\{(\d+)\}\r\n$/.exec(head)?.[1]);
    same(await wire.bytes(length), Buffer.from(letters.get(id)!), `letter ${id}`);
    await wire.until(`${mine} OK`);
    await wire.line();
  };
  await wire.line();
  await command(wire, tag(), `LOGIN ${name} secret`);
  await command(wire, tag(), 'SELECT INBOX');
  const session: Session & { acknowledged: number } = {
    acknowledged: 0,
    exchange: async () => {
      const body = 'x'.repeat(context.random.between(0, 70));
      const letter = `Subject: ${name} ${session.acknowledged}\r\n\r\n${body}\r\n`;
      const lines = await command(wire, tag(),
        `APPEND INBOX {${letter.length}+}\r\n${letter}`);
      const id = /\[APPENDUID \d+ (\d+)\]/.exec(lines.at(-1)!)?.[1];
      check(id !== undefined, 'the number of a letter', lines.at(-1));
      letters.set(id!, letter);
      session.acknowledged++;
      await read(id!);
    },
    lost: async () => {
      for (const id of letters.keys()) await read(id);
      return 0;
    },
    close: () => wire.close(),
  };
  return session;
}

/** Letters to a queue: each is confirmed with a name of its own. */
async function smtp(context: SessionContext): Promise<Session> {
  const wire = await context.wire();
  const name = nameOf(context);
  const ids = new Set<string>();
  await wire.line();
  wire.write('HELO compat\r\n');
  await wire.line();
  const session: Session & { acknowledged: number } = {
    acknowledged: 0,
    exchange: async () => {
      await ask(wire, `MAIL FROM:<${name}@x.example>`, /^250 /);
      await ask(wire, 'RCPT TO:<b@x.example>', /^250 /);
      await ask(wire, 'DATA', /^354 /);
      const text = `Subject: ${name}\r\n\r\n${'x'.repeat(context.random.between(1, 900))}\r\n.`;
      const line = await ask(wire, text, /^250 OK id=/);
      check(!ids.has(line), 'a letter has a name of its own', line);
      ids.add(line);
      session.acknowledged++;
    },
    close: () => wire.close(),
  };
  return session;
}

const sshd = [
  'Port 2222', 'HostKey /srv/compat/host', 'PidFile none', 'UsePAM no', 'PermitEmptyPasswords yes',
  'PrintMotd no', 'PrintLastLog no', 'StrictModes no', 'MaxStartups 100', 'UseDNS no', '',
].join('\n');

const vsftpd = [
  'listen=YES', 'background=NO', 'listen_port=2121', 'anonymous_enable=YES', 'local_enable=NO',
  'anon_root=/srv/compat/www', 'no_anon_password=NO', 'seccomp_sandbox=NO', 'xferlog_enable=NO',
  'idle_session_timeout=600', 'secure_chroot_dir=/srv/compat/empty', 'pam_service_name=x', '',
].join('\n');

const dovecot = [
  'protocols = imap', 'base_dir = /srv/compat/run', 'listen = 0.0.0.0', 'ssl = no',
  'disable_plaintext_auth = no', 'auth_mechanisms = plain', 'log_path = /srv/compat/dovecot.log',
  'mail_location = maildir:~/Maildir', 'first_valid_uid = 1', 'mail_max_userip_connections = 100',
  'passdb {', '  driver = static', '  args = password=secret', '}',
  'userdb {', '  driver = static', '  args = uid=nobody gid=nogroup home=/srv/compat/mail/%u',
  '}', 'service imap-login {', '  inet_listener imap {', '    port = 1143', '  }',
  '  inet_listener imaps {', '    port = 0', '  }', '}', '',
].join('\n');

const exim = [
  'primary_hostname = x.example', 'spool_directory = /srv/compat/spool',
  'log_file_path = /srv/compat/spool/%slog', 'acl_smtp_rcpt = yes', 'acl_smtp_data = yes',
  'smtp_accept_max = 100', 'smtp_accept_max_per_connection = 0', 'host_lookup =',
  'smtp_accept_queue_per_connection = 0', 'rfc1413_query_timeout = 0s', 'queue_only = true',
  'keep_environment =', 'smtp_enforce_sync = false', 'begin acl', 'yes:', '  accept',
  'begin routers', 'all:', '  driver = accept', '  transport = none', 'begin transports', 'none:',
  '  driver = appendfile', '  file = /dev/null', '',
].join('\n');

const guests = (): string => `${readFileSync('/etc/passwd', 'utf8')}`
  + 'guest::1500:65534::/srv/compat:/bin/sh\n';

const programs: Program[] = [
  {
    name: 'sshd', what: 'Eight kept sessions of a user with a terminal and a shell, which numbers '
      + 'what it is told; processes of less rights, keys, pseudo-terminals.',
    packages: ['openssh-server', 'openssh-client'], version: ['ssh', '-V'], port: 2222,
    command: ['/usr/sbin/sshd', '-D', '-e', '-f', '/srv/compat/sshd.conf'],
    files: () => ({ 'sshd.conf': sshd, '/etc/passwd': guests(), '/run/sshd/empty': '' }),
    prepare: 'ssh-keygen -q -t ed25519 -N "" -f host; chmod 755 .',
    clients: 8, thinkMs: 20, connect: shell, hasOverhead: false,
    limits: ['A recording replays equal. As a pair a session opened by hand works, with its '
      + 'terminal and its user; those of this row stall at the exchange of keys: the cause is not '
      + 'known yet.'],
  },
  {
    name: 'vsftpd', what: 'Two processes for each of 6 clients; each file comes by a connection of '
      + 'its own.',
    packages: ['vsftpd'], version: ['dpkg-query', '-W', 'vsftpd'], port: 2121,
    command: ['vsftpd', '/srv/compat/vsftpd.conf'],
    files: () => ({
      'vsftpd.conf': vsftpd, ...Object.fromEntries([...pagesOnce()].map(
        ([path, data]): [string, Buffer] => [`www${path}`, data])),
    }),
    prepare: 'mkdir empty; chmod 755 . www; chmod -R a-w www empty', clients: 6, visitors: 1,
    thinkMs: 20, connect: ftp,
    limits: ['Recorded, it answers a login with `500 OOPS: priv_sock_send_cmd`: its process limits '
      + 'itself to no descriptors more, and the shim\'s own poll before a short write to a pair of '
      + 'sockets is refused by the kernel then (EINVAL).'],
  },
  {
    name: 'dovecot', what: 'IMAP: a process accepts and logs in, another keeps the mailbox and is '
      + 'handed the connection; 8 clients put letters into folders of files.',
    packages: ['dovecot-imapd'], version: ['dovecot', '--version'], port: 1143,
    command: ['dovecot', '-F', '-c', '/srv/compat/dovecot.conf'],
    files: { 'dovecot.conf': dovecot }, prepare: 'mkdir mail run; chmod 777 mail; chmod 755 . run',
    clients: 8, visitors: 1, connect: imap,
    limits: ['As a pair its primary ended with status 134 in more than half of a dozen starts '
      + '("the ring holds no record"), a defect whose cause is not known yet; ten recordings of '
      + 'its start alone had none.'],
  },
  {
    name: 'exim4', what: 'SMTP: a process for each of 6 connections; letters are queued on disk.',
    packages: ['exim4-daemon-light'], version: ['exim4', '-bV'], port: 2525,
    command: ['exim4', '-bdf', '-oX', '0.0.0.0:2525', '-C', '/srv/compat/exim.conf'],
    files: { 'exim.conf': exim },
    prepare: 'mkdir -p spool; chown -R Debian-exim:Debian-exim spool; chmod 755 .',
    clients: 6, visitors: 1, connect: smtp,
  },
];

export default programs;
