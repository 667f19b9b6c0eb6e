/* web.ts: servers of HTTP that are neither nginx nor a language's own library: processes, threads,
 * applications behind them that keep what they are told.
 * The rule: an answer is a file's bytes, a value that was put, or a count of what was asked. */
import { readFileSync } from 'node:fs';
import { fileClient, request, storeClient } from '../clients/http.js';
import { nameOf } from '../clients/lines.js';
import { check, same } from '../clients/wire.js';
import type { Files, Program, Session, SessionContext } from '../program.js';
import { pagesOnce } from './nginx.js';

const source = (name: string): Buffer =>
  readFileSync(new URL(`../sources/${name}`, import.meta.url));

const pages = (): Files => Object.fromEntries(
  [...pagesOnce()].map(([path, data]): [string, Buffer] => [`www${path}`, data]));

/** Each path is answered with itself and how often it was asked for. */
async function countClient(context: SessionContext): Promise<Session> {
  const wire = await context.wire();
  const name = nameOf(context);
  const counts = new Map<string, number>();
  const ask = async (path: string): Promise<void> => {
    const count = (counts.get(path) ?? 0) + 1;
    const reply = await request(wire, 'GET', path);
    check(reply.status === 200, `status of ${path}`, reply.status);
    same(reply.body, Buffer.from(`${path} ${count}\n`), path);
    counts.set(path, count);
  };
  const session: Session & { acknowledged: number } = {
    acknowledged: 0,
    exchange: async () => {
      await ask(`/${name}/${context.random.between(0, 9)}`);
      session.acknowledged++;
    },
    lost: async () => {
      for (const path of [...counts.keys()]) await ask(path);
      return 0;
    },
    close: () => wire.close(),
  };
  return session;
}

/** Each path comes back in the body. */
async function pathClient(context: SessionContext): Promise<Session> {
  const wire = await context.wire();
  const name = nameOf(context);
  let count = 0;
  return {
    exchange: async () => {
      const path = `/${name}/${count++}`;
      const reply = await request(wire, 'GET', path);
      check(reply.status === 200, `status of ${path}`, reply.status);
      same(reply.body, Buffer.from(path), path);
    },
    close: () => wire.close(),
  };
}

const haproxy = [
  'global', '  nbthread 2', 'defaults', '  mode http', '  timeout client 60s',
  '  timeout server 60s', '  timeout connect 5s', 'frontend counts', '  bind 0.0.0.0:8000',
  '  stick-table type string len 64 size 100k store http_req_cnt',
  '  http-request track-sc0 path',
  '  http-request return status 200 content-type text/plain '
    + 'lf-string "%[path] %[sc_http_req_cnt(0)]\\n"', '',
].join('\n');

const apache = (model: string): string => [
  'ServerRoot /srv/compat', 'ServerName compat', 'Listen 0.0.0.0:8000', 'PidFile apache.pid',
  'DefaultRuntimeDir /srv/compat', 'DocumentRoot /srv/compat/www', 'ErrorLog error.log',
  `LoadModule mpm_${model}_module /usr/lib/apache2/modules/mod_mpm_${model}.so`,
  'LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so',
  'MaxKeepAliveRequests 0', 'KeepAliveTimeout 60', 'StartServers 2', 'MaxRequestWorkers 50',
  'User www-data', 'Group www-data', '<Directory /srv/compat/www>', '  Require all granted',
  '</Directory>', '',
].join('\n');

function apacheOf(model: string, what: string, more: Partial<Program> = {}): Program {
  return {
    name: `apache2-${model}`, what, packages: ['apache2'], version: ['apache2', '-v'], port: 8000,
    command: ['apache2', '-DFOREGROUND', '-f', '/srv/compat/apache.conf'],
    files: () => ({ ...pages(), 'apache.conf': apache(model) }),
    clients: 12, visitors: 1, connect: (context) => fileClient(context, pagesOnce()),
    ...more,
  };
}

const lighttpd = [
  'server.port = 8000', 'server.document-root = "/srv/compat/www"', 'server.username = "www-data"',
  'server.max-keep-alive-requests = 1000000',
  'server.max-keep-alive-idle = 60', 'server.max-worker = 2', '',
].join('\n');

const varnish = [
  'vcl 4.1;', 'backend default none;', 'sub vcl_recv { return (synth(200)); }',
  'sub vcl_synth { set resp.body = req.url; return (deliver); }', '',
].join('\n');

const programs: Program[] = [
  {
    name: 'haproxy', what: 'A master and a worker of two threads; counts requests in a table.',
    packages: ['haproxy'], version: ['haproxy', '-v'], port: 8000,
    command: ['haproxy', '-W', '-f', '/srv/compat/haproxy.cfg'],
    files: { 'haproxy.cfg': haproxy }, clients: 12, visitors: 1, connect: countClient,
  },
  apacheOf('event', 'Processes of threads that pass connections on; files; gives up root.'),
  apacheOf('prefork', 'A process for each of 12 connections; files; gives up root.', {
    first: 'clients that waited to be accepted when the primary died were lost.',
  }),
  {
    name: 'lighttpd', what: 'Two workers, files from 0 to 3 MB; gives up root.',
    packages: ['lighttpd'], version: ['lighttpd', '-v'], port: 8000,
    command: ['lighttpd', '-D', '-f', '/srv/compat/lighttpd.conf'],
    files: () => ({ ...pages(), 'lighttpd.conf': lighttpd }),
    clients: 12, visitors: 1, connect: (context) => fileClient(context, pagesOnce()),
  },
  {
    name: 'varnish', what: 'A manager that compiles its configuration with gcc, and a cache of '
      + 'many threads that answers itself.',
    packages: ['varnish'], version: ['varnishd', '-V'], port: 8000, startMs: 120_000,
    command: ['varnishd', '-F', '-a', '0.0.0.0:8000', '-f', '/srv/compat/default.vcl', '-n',
      '/srv/compat/varnish', '-s', 'malloc,16m', '-T', 'none'],
    files: { 'default.vcl': varnish }, clients: 12, visitors: 1, connect: pathClient,
  },
  {
    name: 'gunicorn', what: 'A master and a worker of 16 threads; values in a dictionary.',
    packages: ['gunicorn'], version: ['gunicorn', '--version'], port: 8000,
    command: ['gunicorn', '-b', '0.0.0.0:8000', '-k', 'gthread', '--threads', '16', '-w', '1',
      '--keep-alive', '75', 'wsgi:application'],
    files: () => ({ 'wsgi.py': source('wsgi.py') }),
    clients: 12, visitors: 1, connect: (context) => storeClient(context),
  },
  {
    name: 'uwsgi', what: 'The same application in uwsgi with 16 threads.',
    packages: ['uwsgi-core', 'uwsgi-plugin-python3'], version: ['uwsgi', '--version'], port: 8000,
    command: ['uwsgi', '--plugin', 'python3', '--http11-socket', '0.0.0.0:8000', '--master',
      '--threads', '16', '--wsgi-file', 'wsgi.py', '--disable-logging', '--die-on-term'],
    files: () => ({ 'wsgi.py': source('wsgi.py') }),
    clients: 12, visitors: 1, connect: (context) => storeClient(context),
  },
  {
    name: 'puma', what: 'Ruby: a reactor and 16 threads; values in a Hash under a Mutex.',
    packages: ['puma'], version: ['puma', '--version'], port: 8000,
    command: ['puma', '-b', 'tcp://0.0.0.0:8000', '-t', '16:16', 'config.ru'],
    files: () => ({ 'config.ru': source('config.ru') }),
    clients: 12, visitors: 1, connect: (context) => storeClient(context),
  },
];

export default programs;
