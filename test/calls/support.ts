/* support.ts: runs a program of programs/ three ways: native, recorded, replayed, and says what
 * must be equal. Facts (lines "= ...") are compared between native and recorded; everything else
 * the program wrote is compared by the replay itself, and so is its memory.
 * Each run has an empty folder as its cwd. The folder of the recording is emptied before the
 * replay: a replay has the log alone.
 * The rule: no program is left out; what cannot run fails by name. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync,
  writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as assert from 'uvu/assert';
import type { RecordResult, ReplayResult } from '../../src/engine/options.js';
import { suite } from '../support/suite.js';
import { gaps } from './gaps.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const sources = join(root, 'test', 'calls', 'programs');
const build = join(root, 'test', 'calls', 'build');
/** What each program reached when it was last recorded: calls by row. */
const reachedDir = join(build, 'reached');
const runBoundMs = 40_000;
const graceMs = 6_000;

export interface Program {
  family: string;
  name: string;
  /** What is run. */
  path: string;
  /** Where it was written. */
  source: string;
}

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface ThreeWays {
  native: Ended;
  recorded: Ended & { result: RecordResult };
  replayed: Ended & { result: ReplayResult };
}

/** Families are the folders of programs/. */
export function families(): string[] {
  return readdirSync(sources, { withFileTypes: true })
    .filter((entry) => entry.isDirectory()).map((entry) => entry.name).sort();
}

/** Every program of a family; throws when there is none. */
export function programsOf(family: string): Program[] {
  const folder = join(sources, family);
  const programs = readdirSync(folder).sort().map((file): Program => {
    const source = join(folder, file);
    if (!file.endsWith('.c')) return { family, name: file, path: source, source };
    const name = file.slice(0, -'.c'.length);
    return { family, name, path: join(build, family, name), source };
  });
  assert.ok(programs.length > 0, `no programs in ${folder}`);
  return programs;
}

/** Builds what is not up to date. */
export async function buildPrograms(): Promise<void> {
  await promisify(execFile)('make', ['-s', '-j2', '-C', sources]);
}

/** The three runs of one program. Throws when one of them does not end within its bound. */
export async function threeWays(
  program: Program, args: string[] = [], schedule: 'serial' | 'parallel' = 'serial',
): Promise<ThreeWays> {
  const place = mkdtempSync(join(tmpdir(), `hs-calls-${basename(program.name)}-`));
  const empty = (): string => {
    const cwd = join(place, 'cwd');
    rmSync(cwd, { recursive: true, force: true });
    mkdirSync(cwd);
    return cwd;
  };
  try {
    const native = await run([program.path, ...args], empty());
    const recorded = await record(program, args, empty(), join(place, 'log'), schedule);
    const replayed = await run(replicate('replay', join(place, 'log'), '--json'), empty());
    return { native, recorded, replayed: { ...replayed, result: resultOf(replayed, 'memory') } };
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

async function record(
  program: Program, args: string[], cwd: string, log: string, schedule = 'serial',
): Promise<ThreeWays['recorded']> {
  const command =
    replicate('record', '--json', '--schedule', schedule, '-o', log, '--', program.path, ...args);
  const ended = await run(command, cwd);
  const result = resultOf<RecordResult>(ended, 'calls');
  const file = reachedFile(program);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify(result.calls));
  return { ...ended, result };
}

/** Which rows the program reaches, from its last recording when that is not older than it. */
export async function reachedBy(program: Program): Promise<Record<string, number>> {
  const file = reachedFile(program);
  const parts = [program.path, join(root, 'shim', 'build', 'hs-start'),
    join(root, 'src', 'calls', 'calls.gen.ts')];
  const isFresh = existsSync(file) &&
    parts.every((part) => statSync(part).mtimeMs <= statSync(file).mtimeMs);
  if (!isFresh) {
    const place = mkdtempSync(join(tmpdir(), 'hs-calls-reached-'));
    try {
      await record(program, [], place, join(place, 'log'));
    } finally {
      rmSync(place, { recursive: true, force: true });
    }
  }
  return JSON.parse(readFileSync(file, 'utf8')) as Record<string, number>;
}

const reachedFile = ({ family, name }: Program): string =>
  join(reachedDir, family, `${name}.json`);

/** The command as it is installed; before the first build, from its source. */
function replicate(...args: string[]): string[] {
  if (existsSync(join(root, 'dist'))) {
    return [process.execPath, join(root, 'bin', 'hs-replicate.js'), ...args];
  }
  const tsx = join(root, 'node_modules', 'tsx', 'dist', 'esm', 'index.mjs');
  return [process.execPath, '--import', tsx, join(root, 'src', 'cli', 'replicate.ts'), ...args];
}

/** The result in the last line of stdout. */
function resultOf<T extends object>(ended: Ended, field: keyof T & string): T {
  const line = ended.stdout.trimEnd().split('\n').at(-1) ?? '';
  const result = line.startsWith('{') ? JSON.parse(line) as T : undefined;
  if (result?.[field] === undefined) throw new Error(`no result: ${describe(ended)}`);
  return result;
}

/** Runs a command to its end in a process group of its own, which does not outlive the bound. */
async function run(command: string[], cwd: string): Promise<Ended> {
  const [file = '', ...args] = command;
  const child = spawn(file, args, {
    cwd,
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: cwd, LC_ALL: 'C', NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('latin1');
    child[name].on('data', (text: string) => { output[name] += text; });
  }
  let isLate = false;
  const timers = [
    setTimeout(() => { isLate = true; signalGroup(child, 'SIGTERM'); }, runBoundMs),
    setTimeout(() => signalGroup(child, 'SIGKILL'), runBoundMs + graceMs),
  ];
  try {
    const end = await new Promise<Pick<Ended, 'code' | 'signal'>>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => resolve({ code, signal }));
    });
    const ended = { ...end, ...output };
    if (isLate) throw new Error(`${args.join(' ')}: not done in ${runBoundMs} ms: ` +
      describe(ended));
    return ended;
  } finally {
    timers.forEach(clearTimeout);
  }
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch {
    // ESRCH: it has ended in the meantime.
  }
}

const factsOf = ({ stdout }: Ended): string[] =>
  stdout.split('\n').filter((line) => line.startsWith('= '));

const describe = ({ code, signal, stdout, stderr }: Ended): string =>
  `status ${code ?? signal}, stderr: ${stderr.slice(-2000)}, stdout: ${stdout.slice(-500)}`;

/** What holds for every program. */
export function expectSame({ native, recorded, replayed }: ThreeWays): void {
  assert.is(native.code, 0, `native: ${describe(native)}`);
  assert.is(recorded.code, 0, `recorded: ${describe(recorded)}`);
  assert.ok(factsOf(native).length > 0, 'the program states no fact');
  assert.equal(factsOf(recorded), factsOf(native), 'facts, recorded and native');
  const { divergence, memory, records, complete, replayed: count } = replayed.result;
  assert.is(divergence, null, `${JSON.stringify(divergence)}; ${replayed.stderr.slice(-2000)}`);
  assert.is(count, records, 'records replayed and recorded');
  assert.ok(complete, 'at the end of the log a process is still there');
  assert.ok(memory.bytes > 0, 'no memory was compared');
  assert.ok(memory.equal, `memory differs; ${replayed.stderr.slice(-2000)}`);
  assert.is(replayed.code, 0, `replayed: ${describe(replayed)}`);
}

/** The tests of one family: each of its programs, three ways. */
export function testFamily(family: string): ReturnType<typeof suite> {
  const test = suite(`calls: ${family}`);
  test.before(buildPrograms);
  for (const program of programsOf(family)) {
    const title = `${program.name} is the same native, recorded and replayed`;
    const gap = gaps[`${family}/${program.name}`];
    if (gap !== undefined) {
      test.skip(title, gap);
      continue;
    }
    test(title, async () => {
      expectSame(await threeWays(program));
    }, 3 * (runBoundMs + graceMs));
  }
  return test;
}
