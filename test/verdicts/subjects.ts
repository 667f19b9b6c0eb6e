/* subjects.ts: what the truth table is made of: small programs that do one thing each, and real
 * servers, each with a client that uses it and then ends it by SIGTERM.
 * The rule: a subject is described by how it is started and used; what is expected of it stands
 * nowhere: the table is what came out. */
import { execFile, execFileSync } from 'node:child_process';
import { copyFileSync, chmodSync, chownSync, mkdirSync, readFileSync, readdirSync,
  writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { until } from './processes.js';

const here = fileURLToPath(new URL('.', import.meta.url));
const run = promisify(execFile);

/** Where the programs are; no page names it. */
export const builtIn = join(here, 'build/');

export interface Prepared {
  command: string[];
  /** Uses the server once it answers; then it is ended. Absent: the program ends by itself. */
  use?: () => Promise<void>;
}

export interface Subject {
  name: string;
  what: string;
  /** @param folder empty, the same for all runs of a subject */
  prepare: (folder: string) => Promise<Prepared> | Prepared;
}

export async function buildPrograms(): Promise<void> {
  await run('make', ['-s', '-j2', '-C', join(here, 'programs')]);
}

/** The first comment of a program: `name.c: what it does.` */
function purposeOf(file: string): string {
  const text = readFileSync(join(here, 'programs', file), 'utf8');
  return /^\/\* \S+: (.*?)\.?\n/.exec(text)?.[1] ?? '';
}

const programs: Subject[] = readdirSync(join(here, 'programs'))
  .filter((file) => /\.cc?$/.test(file)).sort()
  .map((file) => {
    const name = file.replace(/\.cc?$/, '');
    return {
      name, what: purposeOf(file), prepare: () => ({ command: [join(here, 'build', name)] }),
    };
  });

const setUserId: Subject = {
  name: 'set-uid',
  what: 'the program plain, set-uid to another user',
  prepare: (folder) => {
    const path = join(folder, 'plain');
    copyFileSync(join(here, 'build', 'plain'), path);
    chownSync(path, 65534, 65534);
    chmodSync(path, 0o4755);
    return { command: [path] };
  },
};

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Sends text and waits until the answer has what is expected. */
function ask(port: number, text: string | Buffer, expected: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => socket.write(text));
    let answer = '';
    const fail = (why: string): void => {
      socket.destroy();
      reject(new Error(`port ${port}: ${why}; so far: ${answer.slice(0, 200)}`));
    };
    socket.setTimeout(5000, () => fail('no answer'));
    socket.on('error', (error) => fail(error.message));
    socket.on('close', () => fail('closed'));
    socket.setEncoding('latin1');
    socket.on('data', (data: string) => {
      answer += data;
      if (!answer.includes(expected)) return;
      resolve();
      socket.destroy();
    });
  });
}

/** A server on a port of loopback; asked until it answers, and then some more. */
function server(
  name: string, what: string,
  start: (folder: string, port: number) => string[],
  text: string | Buffer, expected: string,
): Subject {
  return {
    name, what,
    prepare: async (folder) => {
      const port = await freePort();
      return {
        command: start(folder, port),
        use: async () => {
          await until(`${name} answers`, 20_000, () => ask(port, text, expected).then(
            () => true, () => false));
          for (let i = 0; i < 5; i++) await ask(port, text, expected);
          await Promise.all(Array.from({ length: 4 }, () => ask(port, text, expected)));
        },
      };
    },
  };
}

const http = 'GET / HTTP/1.0\r\n\r\n';

function nginx(folder: string, port: number): string[] {
  mkdirSync(join(folder, 'www'), { recursive: true });
  writeFileSync(join(folder, 'www', 'index.html'), 'hello from nginx\n');
  writeFileSync(join(folder, 'nginx.conf'), [
    'daemon off; user root; worker_processes 2;',
    `pid ${folder}/nginx.pid; error_log ${folder}/error.log;`,
    'events { worker_connections 64; }',
    `http { access_log off; server { listen 127.0.0.1:${port}; root ${folder}/www; } }`,
  ].join('\n'));
  return ['nginx', '-p', folder, '-c', join(folder, 'nginx.conf')];
}

function openssl(folder: string, port: number): string[] {
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2',
    '-subj', '/CN=subject', '-keyout', key, '-out', certificate], { stdio: 'ignore' });
  return ['openssl', 's_server', '-accept', `127.0.0.1:${port}`, '-key', key,
    '-cert', certificate, '-www', '-quiet'];
}

/** MQTT: CONNECT as client `x`; the answer is CONNACK. */
const mqtt = Buffer.from('100d00044d5154540402003c000178', 'hex');

/** Scripts in python/: given whole, so that the table names what they do. */
function python(name: string, what: string): Subject {
  const script = join(here, 'python', `${name}.py`);
  return {
    name: `python3 ${name}`, what,
    prepare: () => ({ command: ['/usr/bin/python3', script] }),
  };
}

const servers: Subject[] = [
  server('redis', 'redis-server, 10 clients that set and get',
    (folder, port) => ['redis-server', '--port', String(port), '--dir', folder, '--save', '',
      '--bind', '127.0.0.1'],
    'SET k v\r\nINCR n\r\nGET k\r\n', '$1\r\nv'),
  server('nginx', 'nginx, a master and two workers, 10 requests', nginx, http,
    'hello from nginx'),
  server('memcached', 'memcached, four threads, 10 clients that set and get',
    (_, port) => ['memcached', '-u', 'root', '-l', '127.0.0.1', '-p', String(port), '-U', '0'],
    'set a 0 0 1\r\n1\r\nget a\r\n', 'END'),
  server('mosquitto', 'mosquitto, 10 clients that connect', (folder, port) => {
    writeFileSync(join(folder, 'm.conf'),
      `listener ${port} 127.0.0.1\nallow_anonymous true\nuser root\n`);
    return ['mosquitto', '-c', join(folder, 'm.conf')];
  }, mqtt, '\x20\x02\x00\x00'),
  {
    name: 'openssl', what: 'openssl s_server, three TLS clients',
    prepare: async (folder) => {
      const port = await freePort();
      const request = (): Promise<boolean> => run('curl', ['-sk', '--max-time', '5', '-o',
        '/dev/null', `https://127.0.0.1:${port}/`]).then(() => true, () => false);
      return {
        command: openssl(folder, port),
        use: async () => {
          await until('openssl answers', 20_000, request);
          for (let i = 0; i < 2; i++) {
            if (!await request()) throw new Error('openssl does not answer again');
          }
        },
      };
    },
  },
  python('event_loop', 'asyncio: a server and four clients in one event loop'),
  python('thread_pool', 'threading: four threads, a queue and locks'),
  python('process_pool', 'multiprocessing: a pool of two processes'),
];

export const subjects: readonly Subject[] = [...programs, setUserId, ...servers];
