/* runtimes.ts: servers whose language brings its own runtime: threads, a collector, timers, code
 * made while it runs. Their sources are in sources/, each of its standard library alone.
 * The rule: a server keeps what it was told in itself, and answers from that. */
import { readFileSync } from 'node:fs';
import { storeClient } from '../clients/http.js';
import type { Program } from '../program.js';

function store(name: string, what: string, source: string, more: Partial<Program>): Program {
  const contents = readFileSync(new URL(`../sources/${source}`, import.meta.url));
  return {
    name, what, packages: [], version: [], command: [], port: 8000,
    files: () => ({ [source]: contents }),
    clients: 12, visitors: 1,
    connect: (context) => storeClient(context),
    ...more,
  };
}

const go: Partial<Program> = {
  packages: ['golang-go'], version: ['go', 'version'], command: ['/srv/compat/store'],
  prepare: 'HOME=/root CGO_ENABLED=0 GO111MODULE=off go build -o store store.go',
};

/* The compiler leaves no directory in /tmp on the one host that it ran on. */
const java = (...options: string[]): Partial<Program> => ({
  packages: ['openjdk-17-jdk-headless'], version: ['java', '-version'],
  command: ['java', '-Xmx128m', ...options, '-cp', '/srv/compat', 'Store'],
  prepare: 'javac -J-XX:-UsePerfData Store.java', startMs: 120_000,
});

const programs: Program[] = [
  store('go', 'A static binary: goroutines for 12 connections, a ticker, a collection three times '
    + 'a second.', 'store.go', go),
  store('go-spin', 'The same beside a goroutine that loops without a call.', 'store.go',
    { ...go, command: ['/srv/compat/store', 'spin'] }),
  store('java', 'HotSpot with G1, JIT, four threads and a timer.', 'Store.java',
    java('-XX:+UseG1GC')),
  store('java-serial', 'The same with the serial collector.', 'Store.java',
    java('-XX:+UseSerialGC')),
  store('node-workers', 'Three worker threads with a lock in shared memory; zlib and crypto in the '
    + 'thread pool.', 'workers.mjs', {
    version: ['node', '--version'], command: ['node', 'workers.mjs'],
  }),
];

export default programs;
