/* privileges.test.ts: pairs of servers that give up root before they serve, each killed: its
 * connections live on, every thread of the survivor is who the primary's was, files have the same
 * owners on both hosts, and other processes of that user cannot look inside. bound: 300 */
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Bed, plan, type HostName } from '../../src/bed/bed.js';
import { suite } from '../support/suite.js';
import { until } from './support/command.js';
import {
  endClient, keepOver, programs, startKeepClient, untilInUse, type KeepKind,
} from './support/keep-client.js';
import { endSides, giveKeys, startPair, untilState } from './support/pair.js';

const test = suite('programs that give up root');
const hosts = ['primary', 'backup'] as const;

interface Case {
  name: string;
  command: readonly string[];
  port: number;
  kind: KeepKind;
  /** Command names of its processes. */
  processes: string;
  /** A line of status(5) that some thread must show. */
  becomes: RegExp;
  files?: Record<string, string>;
}

const nginxConfiguration = `
user www-data; worker_processes 2; daemon off; pid /run/nginx.pid; error_log /srv/error.log;
events { worker_connections 64; }
http {
  access_log /srv/access.log; keepalive_requests 1000000; sendfile off; default_type text/plain;
  client_body_temp_path /srv/body; proxy_temp_path /srv/proxy; fastcgi_temp_path /srv/fastcgi;
  uwsgi_temp_path /srv/uwsgi; scgi_temp_path /srv/scgi;
  server { listen 80; root /srv/www; }
}
`;

const cases: Case[] = [
  {
    name: 'a server of processes and threads', port: 80, kind: 'lines', processes: 'python3',
    command: ['/usr/bin/python3', join(programs, 'dropping-server.py')],
    becomes: /^Uid:\s+33\s+33\s+33\s+33$/m,
  },
  {
    name: 'nginx with two workers', port: 80, kind: 'http', processes: 'nginx',
    command: ['/usr/sbin/nginx', '-c', '/srv/nginx.conf'],
    becomes: /^Uid:\s+33\s+33\s+33\s+33$/m,
    files: { '/srv/nginx.conf': nginxConfiguration, '/srv/www/page': 'the page\n' },
  },
  {
    name: 'mosquitto', port: 1883, kind: 'mqtt', processes: 'mosquitto',
    command: ['/usr/sbin/mosquitto', '-c', '/srv/mosquitto.conf'],
    becomes: /^Uid:\s+65534\s+65534\s+65534\s+65534$/m,
    files: { '/srv/mosquitto.conf': 'user nobody\nlistener 1883\nallow_anonymous true\n' },
  },
  {
    name: 'memcached -u nobody', port: 11211, kind: 'memcached', processes: 'memcached',
    command: ['/usr/bin/memcached', '-u', 'nobody', '-t', '2', '-U', '0', '-l', '0.0.0.0'],
    becomes: /^Uid:\s+65534\s+65534\s+65534\s+65534$/m,
  },
  {
    name: 'a program that setpriv starts as somebody', port: 11211, kind: 'memcached',
    processes: 'memcached',
    command: ['/usr/bin/setpriv', '--reuid=33', '--regid=33', '--groups=4,33', '--no-new-privs',
      '--inh-caps=-all', '--bounding-set=-all', '--', '/usr/bin/memcached', '-U', '0'],
    becomes: /^Uid:\s+33\s+33\s+33\s+33$/m,
  },
];

/** Who the program's threads are: each identity once. */
async function identities(bed: Bed, host: HostName, processes: string): Promise<string[]> {
  const script = `for pid in $(pgrep -x ${processes}); do for task in /proc/$pid/task/*; do
    grep -E '^(Uid|Gid|Groups|Cap|NoNewPrivs)' $task/status; echo; done; done`;
  const text = await bed.run(host, ['bash', '-c', script]);
  return [...new Set(text.split('\n\n').map((one) => one.trim()).filter(Boolean))].sort();
}

/** What another process of the program's user finds when it looks into the program. */
const lookInside = (bed: Bed, host: HostName, processes: string): Promise<string> =>
  bed.run(host, ['bash', '-c', `for pid in $(pgrep -x ${processes}); do
    uid=$(sed -n 's/^Uid:.\\([0-9]*\\).*/\\1/p' /proc/$pid/status)
    [ $uid = 0 ] || setpriv --reuid=$uid --regid=$uid --clear-groups --inh-caps=-all -- bash -c "
      (: < /proc/$pid/mem) 2>/dev/null && echo $pid: memory; ls /proc/$pid/fd 2>/dev/null"
    done; echo looked`]);

const owners = (bed: Bed, host: HostName): Promise<string> =>
  bed.run(host, ['bash', '-c', `find /srv -printf '%p %u %g %m\\n' | sort`]);

/** One line to the server of our own, on a connection of its own. */
const ask = (bed: Bed, line: string): Promise<string> => bed.run('client', ['bash', '-c',
  `exec 3<>/dev/tcp/${plan.vip}/80; echo ${line} >&3; head -1 <&3`]);

async function prepare(bed: Bed, files: Record<string, string>): Promise<void> {
  await giveKeys(bed);
  for (const host of hosts) {
    await bed.run(host, ['mkdir', '-p', '/srv/www']);
    for (const [path, text] of Object.entries(files)) {
      await bed.writeFile(host, path, text, 0o644);
    }
  }
}

for (const one of cases) {
  test(`${one.name}: killed, its connections and its rights are the same`, async () => {
    await using bed = await Bed.create();
    try {
      await prepare(bed, one.files ?? {});
      const sides = await startPair(bed, one.command);
      const client = startKeepClient(bed, { ...one, connections: 4 });
      await untilInUse(client, sides);
      if (one.kind === 'lines') assert.is(await ask(bed, 'make before'), 'made\n');
      const wanted = await identities(bed, 'primary', one.processes);
      assert.match(wanted.join('\n'), one.becomes);
      assert.is(await lookInside(bed, 'primary', one.processes), 'looked\n');
      await keepOver(bed, client, sides);
      // Each process restores its own connections when it goes on.
      await untilState(bed, 'backup', ({ counters }) =>
        Number((counters as Record<string, number>)['connsRestored']) >= 4, [sides.backup]);
      assert.equal(await identities(bed, 'backup', one.processes), wanted);
      assert.is(await lookInside(bed, 'backup', one.processes), 'looked\n');
      if (one.kind === 'lines') await askSurvivor(bed);
      await endClient(client, sides);
    } finally {
      await endSides();
    }
  }, 60_000);
}

/** The survivor has the rights it was left with, for what it opens, makes and executes. */
async function askSurvivor(bed: Bed): Promise<void> {
  assert.is(await ask(bed, 'secret'), 'denied\n');
  assert.is(await ask(bed, 'make after'), 'made\n');
  assert.is(await ask(bed, 'id'), '33\n');
  const found = await owners(bed, 'backup');
  for (const name of ['parent', 'child', 'before', 'after']) {
    assert.match(found, `/srv/data/${name} www-data www-data 644`);
  }
  assert.match(found, '/srv/as-root root root 600');
  const onPrimary = await owners(bed, 'primary').catch(() => '');
  for (const line of onPrimary.split('\n').filter((text) => text.includes('/srv/'))) {
    assert.match(found, line);
  }
}

test.run();
