/* run.ts: programs the bed runs, and what people see meanwhile: one line per step, with its time.
 * The rule: a failure shows the end of what the program said, and where all of it is. */
import { spawn, type SpawnOptions } from 'node:child_process';
import { appendFileSync, mkdirSync } from 'node:fs';
import { relative } from 'node:path';
import { OperatingError } from '../../src/errors.js';
import { inState, root, stateDir } from './place.js';

export interface RunOptions extends SpawnOptions {
  /** Written to its standard input, which is then closed. */
  input?: string | Buffer;
  /** Bound on its time; it is killed then. */
  boundMs?: number;
}

const logFile = (): string => inState('bed.log');

/** Runs a program to its end; resolves with its standard output. Everything goes to the log. */
export function run(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  const { input, boundMs = 600_000, ...rest } = options;
  mkdirSync(stateDir, { recursive: true });
  appendFileSync(logFile(), `\n$ ${argv.join(' ')}\n`);
  const child = spawn(argv[0]!, argv.slice(1), {
    cwd: root, ...rest, stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  });
  child.stdin?.on('error', () => undefined); // its end is told by 'close'
  child.stdin?.end(input);
  return new Promise((resolve, reject) => {
    let out = '';
    let all = '';
    const late = setTimeout(() => child.kill('SIGKILL'), boundMs);
    const note = (chunk: Buffer): void => {
      // Vagrant's per cent signs, hundreds of them, without a terminal too.
      const text = chunk.toString().replace(/(\r|\x1b\[K|Progress: \d+%)+/g, '');
      all = (all + text).slice(-8000);
      appendFileSync(logFile(), text);
    };
    child.stdout?.on('data', (chunk: Buffer) => { out += chunk.toString(); note(chunk); });
    child.stderr?.on('data', note);
    child.once('error', (cause) => {
      clearTimeout(late);
      reject(new OperatingError(`cannot run ${argv[0]}: ${cause.message}`, { cause }));
    });
    child.once('close', (code, signal) => {
      clearTimeout(late);
      if (code === 0) return resolve(out);
      const end = `${argv.slice(0, 4).join(' ')} ended with ${signal ?? code}`;
      const isTrace = /^\S+\.rb:\d+:in/;
      const lines = all.trim().split('\n').filter((line) => !isTrace.test(line));
      const words = lines.slice(-12).join('\n');
      reject(new OperatingError(`${end}:\n${words}\n(all of it: ${relative(root, logFile())})`));
    });
  });
}

export const secondsSince = (startMs: number): string =>
  `${((performance.now() - startMs) / 1000).toFixed(1)} s`;

/** Where people read; a silent one prints nothing. */
export class Screen {
  readonly #isTerminal = process.stdout.isTTY === true;

  constructor(readonly isSilent = false) {}

  say(text: string): void {
    if (this.isSilent) return;
    this.#clear();
    process.stdout.write(`${text}\n`);
  }

  /** Shows what is going on, and then that it is done and how long it took. */
  async step<T>(what: string, work: () => Promise<T>): Promise<T> {
    const startMs = performance.now();
    const ticker = setInterval(() => this.moment(`  … ${what} ${secondsSince(startMs)}`), 1000);
    this.moment(`  … ${what}`);
    try {
      const result = await work();
      this.say(`  ✓ ${what} ${secondsSince(startMs)}`);
      return result;
    } catch (error) {
      this.say(`  ✗ ${what} ${secondsSince(startMs)}`);
      throw error;
    } finally {
      clearInterval(ticker);
    }
  }

  /** A line that the next one replaces; on a terminal only. */
  moment(text: string): void {
    if (!this.#isTerminal || this.isSilent) return;
    this.#clear();
    process.stdout.write(text.slice(0, (process.stdout.columns ?? 80) - 1));
  }

  #clear(): void {
    if (this.#isTerminal) process.stdout.write('\r\x1b[K');
  }
}

/** Waits until `isReached` holds; throws, saying `what`, when it does not in time. */
export async function until(
  what: string, boundMs: number, isReached: () => Promise<boolean> | boolean, everyMs = 200,
): Promise<void> {
  const deadline = performance.now() + boundMs;
  while (!(await isReached())) {
    if (performance.now() > deadline) {
      throw new OperatingError(`${what}: not within ${boundMs / 1000} s`);
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
