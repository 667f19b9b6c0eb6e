/* trace.ts: what watching costs the program that is watched: a call that does next to nothing, and
 * requests to a redis, plain and under each tracer in turns. Processor time of the watched process
 * is what is compared (its kernel half runs the BPF programs); wall time is there beside it,
 * because tracers that stop the process do their work in another.
 * The rule: a tracer that is not installed is named on standard error and skipped. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Gathered, messageOf, parseRps, type BenchContext, type Figure } from './figures.js';
import { isInstalled, traced, tracers, type Tracer } from './tracers.js';

const run = promisify(execFile);
const boundMs = 300_000;
/** Clock ticks a second in /proc/PID/stat. */
const ticksPerSecond = 100;

interface Sample {
  readonly [metric: string]: { readonly value: number; readonly unit: string };
}

type Workload = (tracer: Tracer | null) => Promise<Sample>;

export async function benchTrace(
  context: BenchContext, { calls, requests }: { calls: number; requests: number },
): Promise<{ figures: Figure[]; failed: number }> {
  const dir = mkdtempSync(join(tmpdir(), 'hotswap-bench-trace-'));
  try {
    const program = join(dir, 'short-calls');
    const source = fileURLToPath(new URL('./programs/short-calls.c', import.meta.url));
    await run('gcc', ['-O2', '-o', program, source]);
    const there = tracers.filter((tracer) => {
      const tool = tracer.name.split(' ')[0]!;
      if (tracer.from === undefined || isInstalled(tool)) return true;
      context.progress(`${tracer.name} is not measured: package ${tracer.from} is not installed`);
      return false;
    });
    const short: Workload = (tracer) => shortCalls(program, calls, tracer);
    const redis: Workload = (tracer) => redisRequests(dir, requests, tracer);
    const gathered = new Gathered('trace');
    const failed = await inTurns(context, gathered, there, 'short calls', short)
      + await inTurns(context, gathered, there, 'redis', redis);
    return { figures: gathered.all(), failed };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Every tracer once per turn, each beside a plain run of its own. Returns how many failed. */
async function inTurns(
  context: BenchContext, gathered: Gathered, there: readonly Tracer[], what: string,
  workload: Workload,
): Promise<number> {
  const failed = new Set<Tracer>();
  for (let turn = 1; turn <= context.runs; turn++) {
    for (const tracer of there.filter((each) => !failed.has(each))) {
      context.progress(`trace ${what} ${turn}/${context.runs}: ${tracer.name}`);
      try {
        const native = await workload(null);
        const sample = await workload(tracer);
        for (const [metric, { value, unit }] of Object.entries(sample)) {
          gathered.add(tracer.name, `${what} ${metric}`, unit, value, native[metric]?.value);
        }
      } catch (error) {
        failed.add(tracer);
        context.progress(`${tracer.name} could not be measured: ${messageOf(error)}`);
      }
    }
  }
  return failed.size;
}

async function shortCalls(
  program: string, calls: number, tracer: Tracer | null,
): Promise<Sample> {
  const child = spawn(program, [String(calls)], { stdio: ['pipe', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (data: Buffer) => { said += data.toString(); });
  const closed = once(child, 'close');
  const timer = setTimeout(() => child.kill('SIGKILL'), boundMs);
  const work = async () => {
    child.stdin.end('\n');
    await closed;
  };
  try {
    if (tracer === null) await work();
    else await traced(tracer, child.pid!, work);
  } finally {
    clearTimeout(timer);
    child.kill('SIGKILL');
  }
  const of = (name: string) => {
    const found = new RegExp(`^${name} ([\\d.]+)$`, 'm').exec(said);
    if (!found) throw new Error(`the program of calls printed no figure: ${said}`);
    return { value: Number(found[1]), unit: 'ns' };
  };
  return { cpu: of('cpu'), wall: of('wall') };
}

async function redisRequests(
  dir: string, requests: number, tracer: Tracer | null,
): Promise<Sample> {
  const port = await freePort();
  const server = spawn('redis-server', ['--port', String(port), '--save', '', '--dir', dir,
    '--daemonize', 'no', '--bind', '127.0.0.1'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(server, 'exit');
  try {
    await ready(server.stdout);
    const load = async (count: number) => (await run('redis-benchmark', ['-p', String(port),
      '-t', 'get', '-n', String(count), '-c', '20', '-q', '--csv'], { timeout: boundMs })).stdout;
    await load(Math.ceil(requests / 10));
    const work = async (): Promise<Sample> => {
      const before = cpuTicks(server.pid!);
      const rps = parseRps(await load(requests));
      const ticks = cpuTicks(server.pid!) - before;
      return {
        cpu: { value: ticks / ticksPerSecond * 1e9 / requests, unit: 'ns' },
        rate: { value: rps, unit: '1/s' },
      };
    };
    return tracer === null ? await work() : await traced(tracer, server.pid!, work);
  } finally {
    server.kill('SIGKILL');
    await ended;
  }
}

function ready(output: NodeJS.ReadableStream): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = '';
    output.on('data', (data: Buffer) => {
      said += data.toString();
      if (said.includes('Ready to accept connections')) resolve();
    });
    output.once('end', () => reject(new Error(`redis-server ended: ${said}`)));
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Ticks of user and system time: fields 14 and 15 of proc(5), counted behind the name. */
function cpuTicks(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}
