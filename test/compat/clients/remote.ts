/* remote.ts: a session whose client is a program of its own (ssh), started where the load runs, and
 * spoken with by its standard input and output in lines. An answer is awaited with a bound.
 * The rule: the end of the program is the loss of the session, and its complaints say why. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Session } from '../program.js';
import { check, WireLost } from './wire.js';

const boundMs = 20_000;

export interface Lines {
  say(text: string): void;
  hear(): Promise<string>;
  close(): void;
}

export function startLines(argv: readonly string[]): Lines {
  const [command = '', ...args] = argv;
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const heard: string[] = [];
  let complaints = '';
  let hasHeard = false;
  let loss: WireLost | undefined;
  let wake: (() => void) | undefined;
  const lose = (words: string): void => {
    loss ??= new WireLost('closed', `${command}: ${words} ${complaints.slice(-200)}`, hasHeard);
    wake?.();
  };
  createInterface(child.stdout).on('line', (line) => {
    hasHeard = true;
    heard.push(line.replace(/\r$/, ''));
    wake?.();
  });
  child.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString()));
  child.stdin.on('error', () => undefined); // its end says why
  child.on('error', (error) => lose(error.message));
  child.on('close', (code, signal) => lose(`ended with ${signal ?? code}`));
  return {
    say: (text) => child.stdin.write(text),
    hear: async () => {
      const late = setTimeout(() => {
        const words = `${command}: a reply is missing ${complaints.slice(-200)}`;
        loss ??= new WireLost('stalled', words, hasHeard);
        wake?.();
      }, boundMs);
      try {
        while (heard.length === 0 && !loss) await new Promise<void>((resolve) => (wake = resolve));
      } finally {
        clearTimeout(late);
      }
      const line = heard.shift();
      if (line === undefined) throw loss ?? new Error('nothing was heard');
      return line;
    },
    close: () => {
      child.kill('SIGKILL');
    },
  };
}

/** Each line comes back with its number before it; the first line that is heard is `ready`. */
export async function numbered(lines: Lines, name: string, lengthOf: () => number) {
  let count = 0;
  const first = await lines.hear().catch((error: unknown) => {
    lines.close();
    throw error;
  });
  check(first === 'ready', 'the first line', first);
  const session: Session = {
    exchange: async () => {
      const text = `${name} ${'x'.repeat(lengthOf())}`;
      lines.say(`${text}\n`);
      const line = await lines.hear();
      check(line === `${++count} ${text}`, `line ${count}`, line);
    },
    close: () => lines.close(),
  };
  return session;
}
