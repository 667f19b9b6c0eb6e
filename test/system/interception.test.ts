/* interception.test.ts: nothing of a program reaches the kernel but through the shim: strace, which
 * shows the instruction pointer of every system call the kernel saw, finds none outside the core's
 * own text, on the recording side and on the replaying one. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as assert from 'uvu/assert';
import { suite } from '../support/suite.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const replicate = join(root, 'bin', 'hs-replicate.js');
const CORE_BASE = 0x010000000000;
const CORE_END = 0x010001000000;

interface Seen {
  inside: number;
  outside: string[];
}

/** Calls by where they were made, of every process that has ever been in the core. */
function sortCalls(trace: string): Seen {
  const byPid = new Map<string, { ip: number; line: string }[]>();
  for (const line of trace.split('\n')) {
    const match = /^(\d+) +\[([0-9a-f]{16})\] (?!---|\+\+\+|<\.\.\.)/.exec(line);
    if (!match) continue;
    const list = byPid.get(match[1]!) ?? [];
    list.push({ ip: parseInt(match[2]!, 16), line });
    byPid.set(match[1]!, list);
  }
  const seen: Seen = { inside: 0, outside: [] };
  const isInside = (ip: number): boolean => ip >= CORE_BASE && ip < CORE_END;
  for (const calls of byPid.values()) {
    const first = calls.findIndex(({ ip }) => isInside(ip));
    if (first < 0) continue; // the engine's threads, and strace's own child
    for (const { ip, line } of calls.slice(first)) {
      if (isInside(ip)) seen.inside++;
      else seen.outside.push(line);
    }
  }
  return seen;
}

async function traced(place: string, args: string[]): Promise<Seen> {
  const file = join(place, `trace-${args[0]}`);
  await promisify(execFile)('strace', [
    '-f', '-i', '-qq', '-o', file, process.execPath, replicate, ...args,
  ], { timeout: 100_000, maxBuffer: 1 << 26, killSignal: 'SIGKILL' });
  return sortCalls(readFileSync(file, 'utf8'));
}

const python = [
  'import threading, subprocess, random, os, time',
  'ts = [threading.Thread(target=lambda: time.sleep(0.01)) for _ in range(4)]',
  '[t.start() for t in ts]; [t.join() for t in ts]',
  'print(subprocess.run(["/bin/date"], capture_output=True).stdout, random.random(), os.getpid())',
].join('\n');

const subjects: [string, string[]][] = [
  ['python3', ['python3', '-c', python]],
  ['a shell pipeline', ['sh', '-c', 'ls / | sort | wc -l; date']],
  ['redis-server', ['sh', '-c', 'redis-server --port 0 --unixsocket /tmp/hs-i.sock --save "" & ' +
    'P=$!; while ! redis-cli -s /tmp/hs-i.sock set a b; do sleep 0.1; done; ' +
    'redis-cli -s /tmp/hs-i.sock shutdown nosave; wait $P; rm -f /tmp/hs-i.sock']],
];

const test = suite('interception');

for (const [name, command] of subjects) {
  test(`no call of ${name} reaches the kernel around the shim, recorded or replayed`, async () => {
    const place = mkdtempSync(join(tmpdir(), 'hs-interception-'));
    try {
      const log = join(place, 'log');
      const recorded = await traced(place, ['record', '-o', log, '--', ...command]);
      assert.ok(recorded.inside > 100, `strace saw only ${recorded.inside} calls of the shim`);
      assert.equal(recorded.outside, []);
      const replayed = await traced(place, ['replay', log]);
      assert.ok(replayed.inside > 20, `strace saw only ${replayed.inside} calls of the shim`);
      assert.equal(replayed.outside, []);
    } finally {
      rmSync(place, { recursive: true, force: true });
    }
  }, 240_000);
}

test.run();
