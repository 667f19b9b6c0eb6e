/* python.ts: Python 3 servers, each of the standard library alone; their sources are in python/.
 * The rule: a server keeps what it was told in itself, and answers from that. */
import { readFileSync } from 'node:fs';
import { storeClient } from '../clients/http.js';
import type { Program } from '../program.js';

const source = (name: string): Buffer =>
  readFileSync(new URL(`../sources/${name}`, import.meta.url));

function python(name: string, what: string, more: Partial<Program> = {}): Program {
  return {
    name: `python-${name}`, what, packages: ['python3'], version: ['python3', '--version'],
    command: ['/usr/bin/python3', `${name}.py`], port: 8000,
    files: () => ({ [`${name}.py`]: source(`${name}.py`) }),
    clients: 16, visitors: 1,
    connect: (context) => storeClient(context),
    ...more,
  };
}

const programs: Program[] = [
  python('threads', 'A ThreadingHTTPServer: a thread for each of 16 connections, values kept under '
    + 'a lock.'),
];

export default programs;
