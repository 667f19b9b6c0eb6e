/* node.ts: a server of Node's own modules: one process, its event loop, V8's and libuv's threads.
 * The rule: the node that runs this is the node that is run. */
import { readFileSync } from 'node:fs';
import { storeClient } from '../clients/http.js';
import type { Program } from '../program.js';

const programs: Program[] = [{
  name: 'node-http',
  what: 'A plain node:http server that keeps values in a Map and hashes each on a thread of the '
    + 'pool; 16 kept connections and one client that comes and goes.',
  packages: [],
  version: [process.execPath, '--version'],
  command: [process.execPath, 'http.mjs'],
  port: 8000,
  files: () => ({ 'http.mjs': readFileSync(new URL('../sources/http.mjs', import.meta.url)) }),
  clients: 16,
  visitors: 1,
  connect: (context) => storeClient(context),
}];

export default programs;
