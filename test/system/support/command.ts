/* command.ts: runs hs-replicate as it is installed, as a person would: what it said, how it ended,
 * and, when it refused, its one sentence. Here, or on a host of a test bed.
 * The rule: every run has a bound, and nothing started here outlives the test file. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { repositoryRoot, type Bed, type HostName } from '../../../src/bed/bed.js';

export const root = repositoryRoot();
const sources = join(root, 'test/system/programs');
const boundMs = 45_000;

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** The command of this checkout, or of another copy of it. */
export function replicate(args: readonly string[], installation = root): string[] {
  return [process.execPath, join(installation, 'bin', 'hs-replicate.js'), ...args];
}

/** The environment of programs under test: nothing of this machine's owner in it. */
export const environment = (home: string): NodeJS.ProcessEnv => ({
  PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: home, LC_ALL: 'C', NO_COLOR: '1',
});

/** A program that runs, and everything it has said so far. */
export class Running {
  stdout = '';
  stderr = '';
  readonly ended: Promise<Ended>;

  constructor(readonly child: ChildProcess, what: string) {
    for (const name of ['stdout', 'stderr'] as const) {
      child[name]!.setEncoding('utf8');
      child[name]!.on('data', (text: string) => { this[name] += text; });
    }
    this.ended = new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.kill('SIGKILL');
        reject(new Error(`${what} is not done after ${boundMs} ms: ${this.words}`));
      }, boundMs);
      child.once('error', reject);
      child.once('close', (code, signal) => {
        clearTimeout(timer);
        resolve({ code, signal, stdout: this.stdout, stderr: this.stderr });
      });
    });
    this.ended.catch(() => undefined);
  }

  get words(): string {
    return `${this.stdout.slice(-500)} ${this.stderr.slice(-1500)}`;
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }
}

/** Starts a command line here, in a process group of its own. */
export function start(argv: readonly string[], cwd = '/'): Running {
  const [file = '', ...args] = argv;
  const stdio = ['ignore', 'pipe', 'pipe'] as const;
  const child = spawn(file, args, { cwd, env: environment(cwd), stdio: [...stdio] });
  return new Running(child, argv.slice(1).join(' '));
}

/** Starts a command line on a host of the bed. */
export function startOn(bed: Bed, host: HostName, argv: readonly string[]): Running {
  const stdio = ['ignore', 'pipe', 'pipe'] as const;
  const child = bed.spawn(host, argv, { env: environment('/tmp'), stdio: [...stdio], cwd: '/tmp' });
  return new Running(child, `${argv.slice(1).join(' ')} on ${host}`);
}

export function run(argv: readonly string[], cwd = '/'): Promise<Ended> {
  return start(argv, cwd).ended;
}

/** `hs-replicate ARGS` here, to its end. */
export const hs = (args: readonly string[], cwd = '/'): Promise<Ended> =>
  run(replicate(args), cwd);

/** What it ended with, for the message of an assertion. */
export const told = ({ code, signal, stdout, stderr }: Ended): string =>
  `ended with ${code ?? signal}; stdout: ${stdout.slice(-400)}; stderr: ${stderr.slice(-1200)}`;

/** Asserts that it refused with this status, and returns the one sentence it refused with. */
export function refusal(ended: Ended, code: number): string {
  assert.is(ended.code, code, told(ended));
  // Log lines are JSON here; whatever else is there must be the sentence.
  const lines = ended.stderr.split('\n').filter((line) => line !== '' && !line.startsWith('{'));
  assert.is(lines.length, 1, `more or less than one sentence: ${told(ended)}`);
  assert.match(lines[0]!, /^hs-replicate: \S.{15,}/, told(ended));
  return lines[0]!.slice('hs-replicate: '.length);
}

/** The JSON in the last line of stdout. */
export function resultOf<T>(ended: Ended): T {
  const line = ended.stdout.trimEnd().split('\n').at(-1) ?? '';
  assert.ok(line.startsWith('{'), `no result: ${told(ended)}`);
  return JSON.parse(line) as T;
}

/** A folder that goes with the test file. */
export function makePlace(name: string): string {
  const place = mkdtempSync(join(tmpdir(), `hs-${name}-`));
  process.once('exit', () => rmSync(place, { recursive: true, force: true }));
  return place;
}

/** Compiles test/system/programs/NAME.c; gives the program's path. */
export function compile(name: string, ...flags: string[]): string {
  const out = join(sources, 'build', name);
  mkdirSync(join(sources, 'build'), { recursive: true });
  const warnings = ['-O1', '-Wall', '-Wextra', '-Werror'];
  const args = [...warnings, ...flags, '-o', out, join(sources, `${name}.c`)];
  const done = spawnSync('gcc', args, { encoding: 'utf8' });
  assert.is(done.status, 0, done.error?.message ?? done.stderr);
  return out;
}

/** Waits for a condition, within a bound. */
export async function until(
  isReached: () => boolean | Promise<boolean>, what: () => string, limitMs = 30_000,
): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!(await isReached())) {
    if (performance.now() > deadline) throw new Error(`not within ${limitMs} ms: ${what()}`);
    await delay(10);
  }
}
