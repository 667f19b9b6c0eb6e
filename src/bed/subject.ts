/* subject.ts: the server under test on a bed: a plain redis for comparison, one that is recorded,
 * or a replicated pair in one of its commit modes. Demo, torture and bench start it here only.
 * The rule: a subject is handed out when it answers clients (a pair: when it is protected), and a
 * failure before that carries the last words of the process that failed. */
import { randomBytes } from 'node:crypto';
import type { ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { OperatingError } from '../errors.js';
import { plan, repositoryRoot, type Bed, type HostName } from './bed.js';
import { launchedUnder, programPid, signalPid } from './host.js';

export const subjectKinds = ['native', 'record', 'async', 'logged', 'verified'] as const;
export type SubjectKind = (typeof subjectKinds)[number];

export interface SubjectOptions {
  /** Directory outside the bed for the output of every process. */
  logDir: string;
  command?: readonly string[];
  /** Where the program is started, on both hosts. */
  cwd?: string;
  /** Whether it serves clients; without it the program is asked as a redis. */
  isReady?: () => Promise<boolean>;
  /** Further options of `hs-replicate record`. */
  recordOptions?: readonly string[];
  /** Further options of `hs-replicate primary`. */
  primaryOptions?: readonly string[];
  backupOptions?: readonly string[];
  startMs?: number;
  signal?: AbortSignal;
}

export interface Subject {
  kind: SubjectKind;
  isPair: boolean;
  /** Ends with a sentence when a process of the subject has ended though nobody killed it. */
  unexpectedEnd: () => string | undefined;
  /** Signals the program itself, and waits until all that was started here has ended. */
  endProgram: (signal: NodeJS.Signals, boundMs: number) => Promise<ProgramEnding>;
}

/** How what was started on the primary ended, and what it had said. */
export interface ProgramEnding {
  code: number | null;
  signal: NodeJS.Signals | null;
  log: string;
}

export const redisPort = 6379;
const pairName = 'bed';
const channelPort = 7400;
const keyPath = '/run/hotswap-bed.key';
const pollMs = 20;

/** No persistence: what survives, survives by replication alone. */
export const redisCommand: readonly string[] = [
  'redis-server', '--port', String(redisPort), '--bind', '0.0.0.0', '--protected-mode', 'no',
  '--save', '', '--appendonly', 'no', '--dir', '/tmp',
];

interface Started {
  name: string;
  child: ChildProcess;
  logFile: string;
}

export async function startSubject(
  bed: Bed,
  kind: SubjectKind,
  options: SubjectOptions,
): Promise<Subject> {
  mkdirSync(options.logDir, { recursive: true });
  const command = options.command ?? redisCommand;
  const started: Started[] = [];
  const start = (host: HostName, name: string, argv: readonly string[]) => {
    started.push(startLogged(bed, host, name, argv, options));
  };
  if (kind === 'native') {
    start('primary', 'server', command);
  } else if (kind === 'record') {
    const how = ['record', '--json', '-o', '/tmp/record', ...(options.recordOptions ?? []), '--'];
    start('primary', 'record', [...replicate(), ...how, ...command]);
  } else {
    await writeKey(bed);
    start('backup', 'backup', backupCommand(options));
    start('primary', 'primary', primaryCommand(kind, command, options));
  }
  const isPair = kind !== 'native' && kind !== 'record';
  const answers = options.isReady ?? (() => answersPing(bed));
  const isReady = isPair
    ? () => isProtected(bed, 'primary')
    : answers;
  await waitUntil(isReady, started, options);
  if (isPair) await waitUntil(answers, started, options);
  return {
    kind, isPair,
    unexpectedEnd: () => firstEnd(started),
    endProgram: (signal, boundMs) => endProgram(started.at(-1)!, kind, signal, boundMs),
  };
}

/** Ends the program under the last command that was started, which then ends by itself. */
async function endProgram(
  { child, name, logFile }: Started, kind: SubjectKind, signal: NodeJS.Signals, boundMs: number,
): Promise<ProgramEnding> {
  const direct = programPid(child);
  const pid = direct === undefined || kind === 'native' ? direct : launchedUnder(direct);
  const isOver = (): boolean => child.exitCode !== null || child.signalCode !== null;
  if (pid !== undefined) signalPid(pid, signal);
  const deadline = performance.now() + boundMs;
  while (!isOver()) {
    if (performance.now() > deadline) {
      throw new OperatingError(`${name} has not ended ${boundMs} ms after ${signal}`);
    }
    await delay(pollMs);
  }
  return {
    code: child.exitCode, signal: child.signalCode, log: readFileSync(logFile, 'utf8'),
  };
}

/** The command as it is installed here; it runs from the build. */
function replicate(): string[] {
  return [process.execPath, join(repositoryRoot(), 'bin/hs-replicate.js')];
}

function primaryCommand(kind: SubjectKind, command: readonly string[], options: SubjectOptions) {
  return [
    ...replicate(), 'primary', '--listen', `${plan.channel.primary}:${channelPort}`,
    '--vip', plan.vipPrefix, '--dev', plan.serviceDevice, '--commit', kind,
    '--key-file', keyPath, '--name', pairName, '--wait-backup',
    ...(options.primaryOptions ?? []), '--', ...command,
  ];
}

function backupCommand(options: SubjectOptions): string[] {
  return [
    ...replicate(), 'backup', '--connect', `${plan.channel.primary}:${channelPort}`,
    '--dev', plan.serviceDevice, '--key-file', keyPath, '--name', pairName,
    ...(options.backupOptions ?? []),
  ];
}

async function writeKey(bed: Bed): Promise<void> {
  const key = `${randomBytes(32).toString('hex')}\n`;
  await bed.writeFile('primary', keyPath, key, 0o600);
  await bed.writeFile('backup', keyPath, key, 0o600);
}

function startLogged(
  bed: Bed,
  host: HostName,
  name: string,
  argv: readonly string[],
  { logDir, cwd = '/tmp' }: SubjectOptions,
): Started {
  const logFile = join(logDir, `${name}.log`);
  const fd = openSync(logFile, 'a');
  try {
    const child = bed.spawn(host, argv, { stdio: ['ignore', fd, fd], cwd });
    child.on('error', () => undefined); // shows as an end without a status
    return { name, child, logFile };
  } finally {
    closeSync(fd);
  }
}

async function waitUntil(
  isReached: () => Promise<boolean>,
  started: readonly Started[],
  { startMs = 30_000, signal }: SubjectOptions,
): Promise<void> {
  const deadline = performance.now() + startMs;
  while (!(await isReached())) {
    signal?.throwIfAborted();
    const ended = firstEnd(started);
    if (ended) throw new OperatingError(ended);
    if (performance.now() > deadline) {
      const words = started.map((each) => `${each.name}: ${lastWords(each)}`).join('; ');
      throw new OperatingError(`the server under test is not ready after ${startMs} ms (${words})`);
    }
    await delay(pollMs);
  }
}

function firstEnd(started: readonly Started[]): string | undefined {
  const dead = started.find(({ child }) => child.exitCode !== null || child.signalCode !== null);
  if (!dead) return undefined;
  const how = dead.child.signalCode ?? `status ${dead.child.exitCode}`;
  return `${dead.name} ended with ${how}: ${lastWords(dead)}`;
}

function lastWords({ logFile }: Started): string {
  const lines = readFileSync(logFile, 'utf8').trim().split('\n');
  return lines.slice(-3).join(' | ').slice(-600) || 'it said nothing';
}

/** Does the program answer at the service address, as a client sees it? */
async function answersPing(bed: Bed): Promise<boolean> {
  const argv = ['redis-cli', '-h', plan.vip, '-p', String(redisPort), 'ping'];
  return bed.run('client', argv).then((answer) => answer.trim() === 'PONG', () => false);
}

const statusAnswer = z.object({
  ok: z.literal(true),
  result: z.looseObject({ role: z.string(), protected: z.boolean() }),
});

export type PairState = z.output<typeof statusAnswer>['result'];

/** What the engine on a host says on its control socket; undefined when it says nothing (yet). */
export function askHost(bed: Bed, host: HostName): Promise<PairState | undefined> {
  return askSocket(bed.path(host, `/run/hotswap/${pairName}/control.sock`), 2000);
}

/** The same of the control socket at `path`, within `boundMs`. */
export function askSocket(path: string, boundMs: number): Promise<PairState | undefined> {
  return new Promise((resolve) => {
    let received = '';
    const socket = connect(path);
    const finish = () => {
      socket.destroy();
      resolve(parseStatus(received));
    };
    socket.setTimeout(boundMs, finish);
    socket.once('error', finish);
    socket.once('connect', () => socket.write('{"op":"status"}\n'));
    socket.on('data', (chunk: Buffer) => (received += chunk.toString()));
    socket.once('end', finish);
  });
}

function parseStatus(line: string): PairState | undefined {
  try {
    return statusAnswer.safeParse(JSON.parse(line)).data?.result;
  } catch {
    return undefined; // not a whole answer
  }
}

async function isProtected(bed: Bed, host: HostName): Promise<boolean> {
  return (await askHost(bed, host))?.protected === true;
}
