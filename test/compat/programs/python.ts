/* python.ts: Python 3 servers, each of the standard library alone; their sources are in sources/.
 * The rule: a server keeps what it was told in itself, and answers from that. */
import { readFileSync } from 'node:fs';
import { storeClient } from '../clients/http.js';
import type { Files, Program } from '../program.js';
import { certificate } from '../clients/certificate.js';

const source = (name: string) => (): Buffer =>
  readFileSync(new URL(`../sources/${name}`, import.meta.url));

const store = source('store.py');

function python(
  name: string, what: string, script: () => Buffer, more: Partial<Program> = {},
  files: () => Files = () => ({}),
): Program {
  return {
    name: `python-${name}`, what, packages: ['python3'], version: ['python3', '--version'],
    command: ['/usr/bin/python3', 'server.py'], port: 8000,
    files: () => ({ 'server.py': script(), 'store.py': store(), ...files() }),
    clients: 16, visitors: 1,
    connect: (context) => storeClient(context),
    ...more,
  };
}

const programs: Program[] = [
  python('threads', 'A ThreadingHTTPServer: a thread for each of 16 connections, values kept under '
    + 'a lock.', source('threads.py')),
  python('asyncio', 'asyncio streams, and for each eighth value a subprocess to which it is piped; '
    + '16 kept connections and one client that comes and goes.', source('asynchronous.py')),
  python('multiprocessing', 'A threaded HTTP server whose values are packed and unpacked by a pool '
    + 'of two worker processes; 12 kept connections.', source('processes.py'), { clients: 12 }),
  python('ssl', 'A threaded HTTP server over TLS 1.3; 12 kept sessions and one client that comes '
    + 'and goes.', source('secure.py'), {
    clients: 12, connect: (context) => storeClient(context, { isTls: true }),
  }, certificate),
  python('sqlite3', 'A threaded HTTP server that keeps its values in an SQLite database in WAL '
    + 'mode, a transaction for each; 8 kept connections.', source('database.py'), { clients: 8 }),
];

export default programs;
