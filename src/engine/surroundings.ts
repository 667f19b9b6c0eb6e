/* surroundings.ts: what both starts of a program have in common besides its files: arguments,
 * environment, directory, ids, umask, resource limits. Read here on the primary, applied on the
 * backup and at a replay. The rule: what cannot be made equal is refused by name, not ignored. */
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import type { ProcessStart } from '../channel/index.js';
import { NotReplicable } from '../errors.js';
import type { ProgramStart } from './options.js';

interface Limit {
  resource: number;
  soft: bigint;
  hard: bigint;
}

/** Rows of /proc/self/limits: RLIMIT_* number and prlimit(1)'s option. */
const limitRows: Record<string, { resource: number; option: string }> = {
  'Max cpu time': { resource: 0, option: 'cpu' },
  'Max file size': { resource: 1, option: 'fsize' },
  'Max data size': { resource: 2, option: 'data' },
  'Max stack size': { resource: 3, option: 'stack' },
  'Max core file size': { resource: 4, option: 'core' },
  'Max resident set': { resource: 5, option: 'rss' },
  'Max processes': { resource: 6, option: 'nproc' },
  'Max open files': { resource: 7, option: 'nofile' },
  'Max locked memory': { resource: 8, option: 'memlock' },
  'Max address space': { resource: 9, option: 'as' },
  'Max file locks': { resource: 10, option: 'locks' },
  'Max pending signals': { resource: 11, option: 'sigpending' },
  'Max msgqueue size': { resource: 12, option: 'msgqueue' },
  'Max nice priority': { resource: 13, option: 'nice' },
  'Max realtime priority': { resource: 14, option: 'rtprio' },
  'Max realtime timeout': { resource: 15, option: 'rttime' },
};

const unlimited = (1n << 64n) - 1n;

function ownLimits(): Limit[] {
  const limits: Limit[] = [];
  for (const line of readFileSync('/proc/self/limits', 'latin1').split('\n')) {
    const parts = /^(Max [a-z ]+?) {2,}(\d+|unlimited) +(\d+|unlimited)/.exec(line);
    const row = limitRows[parts?.[1] ?? ''];
    if (!parts || !row) continue;
    limits.push({ resource: row.resource, soft: toLimit(parts[2]!), hard: toLimit(parts[3]!) });
  }
  return limits;
}

const toLimit = (text: string): bigint => (text === 'unlimited' ? unlimited : BigInt(text));
const ofLimit = (value: bigint): string => (value === unlimited ? 'unlimited' : String(value));

/** How the program is started here, for the other host or a later replay. */
export function describeStart(program: ProgramStart, startRealNs: bigint): ProcessStart {
  return {
    argv: program.command,
    envp: Object.entries(program.env).map(([name, value]) => `${name}=${value}`),
    cwd: program.cwd,
    uid: process.getuid!(),
    gid: process.getgid!(),
    euid: process.geteuid!(),
    egid: process.getegid!(),
    umask: process.umask(),
    startRealNs,
    limits: ownLimits(),
  };
}

/** Makes this process's umask and limits those of the first start; its children inherit them. */
export function adoptSurroundings(start: ProcessStart): ProgramStart {
  const ids: [string, number, number][] = [
    ['user', start.euid, process.geteuid!()], ['group', start.egid, process.getegid!()],
  ];
  for (const [what, theirs, ours] of ids) {
    if (theirs === ours) continue;
    throw new NotReplicable(
      `the program ran as ${what} ${theirs} and this is ${what} ${ours}: ` +
        `run this command as ${theirs}`,
    );
  }
  if (!statSync(start.cwd, { throwIfNoEntry: false })?.isDirectory()) {
    throw new NotReplicable(
      `the program's working directory ${start.cwd} is not on this host: make it, as on the first`,
    );
  }
  process.umask(start.umask);
  adoptLimits(start.limits);
  const env: Record<string, string> = {};
  for (const entry of start.envp) {
    const at = entry.indexOf('=', 1);
    if (at > 0) env[entry.slice(0, at)] = entry.slice(at + 1);
  }
  return { command: start.argv, cwd: start.cwd, env };
}

function adoptLimits(wanted: readonly Limit[]): void {
  const own = new Map(ownLimits().map((limit) => [limit.resource, limit]));
  const options = new Map(Object.values(limitRows).map((row) => [row.resource, row.option]));
  const args: string[] = [];
  for (const { resource, soft, hard } of wanted) {
    const here = own.get(resource);
    const option = options.get(resource);
    if (!option || (here?.soft === soft && here.hard === hard)) continue;
    args.push(`--${option}=${ofLimit(soft)}:${ofLimit(hard)}`);
  }
  if (args.length === 0) return;
  try {
    execFileSync('prlimit', ['--pid', String(process.pid), ...args], { stdio: 'pipe' });
  } catch (cause) {
    throw new NotReplicable(
      `the first start's limits cannot be set here (prlimit ${args.join(' ')}): raise them first`,
      { cause },
    );
  }
}
