/* nginx.ts: nginx, a master and two workers: files by sendfile, an access log, TLS.
 * The rule: what is served is made from a seed, so that client and hosts agree on it. */
import { fileClient } from '../clients/http.js';
import { Random, ValuePool } from '../../../src/bed/redis-client/random.js';
import type { Files, Program } from '../program.js';
import { certificate } from '../clients/certificate.js';

const sizes = [0, 1, 300, 4096, 65_537, 1_000_000, 3_000_000];

function pages(): Map<string, Buffer> {
  const pool = new ValuePool(1);
  const random = new Random(1);
  return new Map(sizes.map((size) => [`/${size}.bin`, Buffer.from(pool.value(random, size))]));
}

const configuration = (isTls: boolean): string => [
  'daemon off; user root; worker_processes 2; pid nginx.pid; error_log error.log;',
  'events { worker_connections 256; }',
  'http {',
  '  sendfile on; tcp_nopush on; access_log access.log; keepalive_requests 1000000;',
  '  client_body_temp_path tmp1; proxy_temp_path tmp2; fastcgi_temp_path tmp3;',
  '  uwsgi_temp_path tmp4; scgi_temp_path tmp5;',
  '  server {',
  `    listen 0.0.0.0:8080${isTls ? ' ssl' : ''}; root www;`,
  ...(isTls ? ['    ssl_certificate cert.pem; ssl_certificate_key key.pem;'] : []),
  '  }',
  '}', '',
].join('\n');

function files(isTls: boolean): Files {
  const served = [...pages()].map(([path, data]): [string, Buffer] => [`www${path}`, data]);
  return {
    ...Object.fromEntries(served), 'nginx.conf': configuration(isTls),
    ...(isTls ? certificate() : {}),
  };
}

function nginx(name: string, what: string, isTls: boolean): Program {
  return {
    name, what, packages: ['nginx'], version: ['nginx', '-v'],
    command: ['nginx', '-p', '/srv/compat', '-c', '/srv/compat/nginx.conf'],
    port: 8080, endSignal: 'SIGTERM', files: () => files(isTls), clients: 20, visitors: 2,
    connect: (context) => fileClient(context, pagesOnce(), isTls),
  };
}

let made: Map<string, Buffer> | undefined;
export const pagesOnce = (): Map<string, Buffer> => (made ??= pages());

const programs: Program[] = [
  nginx('nginx', 'A master and two workers, files from 0 to 3 MB by sendfile, an access log; 20 '
    + 'kept connections and 2 clients that come and go.', false),
  nginx('nginx-tls', 'The same over TLS 1.3: the sessions are kept over the takeover.', true),
];

export default programs;
