/* threads.ts: what the two schedules cost programs of several threads or processes: memcached with
 * four threads, nginx with two workers, and what a lock and a call cost threads that want them at
 * once; plain, and recorded under --schedule serial and parallel, in turns.
 * The rule: subjects take turns within a run; the ratio is of figures of the same run. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { plan, type Bed } from '../../src/bed/bed.js';
import { startSubject } from '../../src/bed/subject.js';
import { buildProgram, nanoseconds, recordCommand } from './calls.js';
import { Gathered, type BenchContext, type Figure } from './figures.js';
import { settledBytes } from './log.js';
import { metricSuffix, type Sample } from './redis.js';

const subjects = ['native', 'serial', 'parallel'] as const;
type Subject = (typeof subjects)[number];

const connections = 16;
const clientThreads = 2;
/** Where the client host finds programs/memcached-load.c. */
const clientPath = '/srv/bench/memcached-load';

export interface ThreadsOptions {
  requests: number;
  calls: number;
}

interface Load {
  name: string;
  metric: string;
  argv: (requests: number) => string[];
  /** How many it makes of what it is asked for. */
  times: number;
  /** Requests a second, from what it says. */
  pattern: RegExp;
}

interface Server {
  name: string;
  port: number;
  command: readonly string[];
  files: Record<string, string>;
  loads: Load[];
}

const memcached = {
  name: 'memcached',
  port: 11211,
  command: ['memcached', '-u', 'root', '-l', '0.0.0.0', '-p', '11211', '-U', '0', '-t', '4',
    '-m', '256'],
  files: {},
  loads: [1, 16].map((depth) => ({
    name: 'memcached', metric: `get${metricSuffix(depth)}`, times: depth === 1 ? 1 : 4,
    argv: (requests: number) => [clientPath, plan.vip, '11211',
      ...[clientThreads, connections, depth, requests].map(String)],
    pattern: /^requests ([\d.]+)$/m,
  })),
} satisfies Server;

const configuration = `
user root; worker_processes 2; daemon off; pid nginx.pid; error_log error.log;
events {}
http {
  access_log off; keepalive_requests 1000000;
  server { listen 80; root www; }
}
`;

const nginx: Server = {
  name: 'nginx',
  port: 80,
  command: ['nginx', '-p', '/srv/bench', '-c', '/srv/bench/nginx.conf'],
  files: { 'nginx.conf': configuration, 'www/page': 'a page\n'.repeat(100) },
  loads: [{
    name: 'nginx', metric: 'page', times: 1,
    argv: () => ['wrk', '-t', String(clientThreads), '-c', String(connections), '-d', '3s',
      `http://${plan.vip}/page`],
    pattern: /^Requests\/sec:\s+([\d.]+)$/m,
  }],
};

export async function benchThreads(
  context: BenchContext, bed: Bed, options: ThreadsOptions,
): Promise<Figure[]> {
  using client = await buildProgram('memcached-load');
  using program = await buildProgram('threads');
  const gathered = new Gathered('threads');
  for (let run = 1; run <= context.runs; run++) {
    const take = async (what: string, measure: (subject: Subject) => Promise<Sample>) => {
      let native: Sample | undefined;
      for (const subject of subjects) {
        context.progress(`threads ${run}/${context.runs}: ${what}, ${subject}`);
        const sample = await measure(subject);
        native ??= sample;
        for (const [metric, { value, unit }] of sample) {
          gathered.add(subject, metric, unit, value, native.get(metric)?.value);
        }
      }
    };
    await take('locks and calls', (subject) => order(program, subject, options.calls));
    for (const server of [memcached, nginx]) {
      const how = { client: client.path, ...options };
      await take(server.name, (subject) => serve(bed, server, subject, how));
    }
  }
  return gathered.all();
}

/** Nanoseconds of programs/threads.c. */
async function order(
  program: { dir: string; path: string }, subject: Subject, calls: number,
): Promise<Sample> {
  const argv = [program.path, String(calls)];
  const log = join(program.dir, 'log');
  const command = subject === 'native' ? argv
    : [...recordCommand(log, '--schedule', subject), ...argv];
  try {
    const named = [...await nanoseconds(command)];
    return new Map(named.map(([name, value]) => [name.replace('_', ' '), { value, unit: 'ns' }]));
  } finally {
    rmSync(log, { recursive: true, force: true });
  }
}

/** One turn of a server on fresh hosts: requests a second, and bytes of log a request. */
async function serve(
  bed: Bed, server: Server, subject: Subject,
  { client, requests }: ThreadsOptions & { client: string },
): Promise<Sample> {
  const logDir = mkdtempSync(join(tmpdir(), `hotswap-bench-${subject}-`));
  await bed.reset();
  await bed.writeFile('client', clientPath, readFileSync(client), 0o755);
  for (const [name, text] of Object.entries(server.files)) {
    await bed.writeFile('primary', `/srv/bench/${name}`, text, 0o644);
  }
  const running = await startSubject(bed, subject === 'native' ? 'native' : 'record', {
    logDir, command: server.command, recordOptions: ['--schedule', subject],
    isReady: () => answers(bed, server.port),
  });
  const sample: Sample = new Map();
  for (const { name, metric, argv, times, pattern } of server.loads) {
    const run = () => bed.run('client', argv(requests * times));
    await run(); // the engine's code is compiled before it is measured
    const before = subject === 'native' ? 0 : await settledBytes(bed);
    const start = performance.now();
    const rate = Number(pattern.exec(await run())?.[1]);
    const made = name === 'nginx' ? rate * (performance.now() - start) / 1000 : requests * times;
    sample.set(`${name} ${metric}`, { value: rate, unit: '1/s' });
    if (subject === 'native') continue;
    const bytes = ((await settledBytes(bed)) - before) / made;
    sample.set(`${name} ${metric} bytes per request`, { value: bytes, unit: 'bytes' });
  }
  const ended = running.unexpectedEnd();
  if (ended) throw new Error(ended);
  // Kept only when something above has thrown: then they say why.
  rmSync(logDir, { recursive: true });
  return sample;
}

function answers(bed: Bed, port: number): Promise<boolean> {
  const script = `exec 3<>/dev/tcp/${plan.vip}/${port}`;
  return bed.run('client', ['bash', '-c', script]).then(() => true, () => false);
}
