/* pair.ts: a redis pair on two machines: started as units of systemd, so that it does not hang on a
 * connection of the bed's; asked over its control socket, forwarded by ssh.
 * The rule: a pair is handed out when it says that it is protected and the client machine has its
 * answer; what fails before that carries the last words of both engines. */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { askSocket, type PairState } from '../../src/bed/subject.js';
import { OperatingError } from '../../src/errors.js';
import { on, plan, putFile, spawnOn, sshArgv } from './machines.js';
import { requireNamespaces } from './namespaces.js';
import { inState, machineNames, type MachineName } from './place.js';
import { run, until } from './run.js';
import { shellQuote } from './quote.js';

export const redisPort = 6379;
const pairName = 'bed';
const unit = 'hotswap-pair';
const logPath = '/var/log/hotswap-pair.log';
const keyPath = '/etc/hotswap/pair.key';
const command = 'node /opt/hotswap/bin/hs-replicate.js';
const startBoundMs = 600_000;

/** No persistence: what survives, survives by replication alone. */
export const redisCommand = ['redis-server', '--port', String(redisPort), '--bind', '0.0.0.0',
  '--protected-mode', 'no', '--save', '', '--appendonly', 'no', '--dir', '/tmp'];

export interface PairOptions {
  detect?: string;
  onPartition?: string;
  primaryOptions?: readonly string[];
  program?: readonly string[];
  /** Where the two meet; the channel of the primary if nothing else is said. */
  listen?: string;
}

/** The bound on silence: an emulated machine on a busy host does not run for seconds at times. */
export function detection(): string {
  const wanted = process.env['HOTSWAP_BED_DETECT'];
  if (wanted) return wanted;
  return requireNamespaces().accelerator === 'kvm' ? '100x3' : '1000x5';
}

/** Milliseconds of a bound in the pair's way of writing it. */
export function boundMs(detect = detection()): number {
  const [each = 0, times = 0] = detect.split('x').map(Number);
  return each * times;
}

export function primaryLine(options: PairOptions = {}): string {
  return [command, 'primary', '--listen', `${options.listen ?? plan.channel.primary}:7400`,
    '--vip', plan.vipPrefix, '--dev', plan.serviceDevice, '--key-file', keyPath,
    '--name', pairName, '--wait-backup', '--detect', options.detect ?? detection(),
    '--on-partition', options.onPartition ?? 'backup-takes-over',
    ...(options.primaryOptions ?? []), '--',
    ...(options.program ?? redisCommand).map(shellQuote)].join(' ');
}

export function backupLine(options: PairOptions = {}): string {
  return [command, 'backup', '--connect', `${options.listen ?? plan.channel.primary}:7400`,
    '--dev', plan.serviceDevice, '--key-file', keyPath, '--name', pairName,
    // The check `processor` is to show what then happens.
    '--detect', options.detect ?? detection(), '--processors', 'any'].join(' ');
}

/** Starts a line as the unit of the pair. */
export async function startUnit(name: MachineName, line: string): Promise<void> {
  await on(name, `rm -f ${logPath}; systemctl reset-failed ${unit} 2>/dev/null; `
    + `systemd-run -q --unit=${unit} -p WorkingDirectory=/tmp -p LimitNOFILE=65536 `
    + `-p StandardOutput=append:${logPath} -p StandardError=append:${logPath} `
    + `-p RemainAfterExit=yes -- ${line}`);
}

/** Ends a unit with all its processes; one that is not there has ended. */
export async function stopUnit(name: MachineName): Promise<void> {
  await on(name, `systemctl stop ${unit} 2>/dev/null; systemctl reset-failed ${unit} 2>/dev/null; `
    + `ip addr del ${plan.vipPrefix} dev ${plan.serviceDevice} 2>/dev/null; `
    + `ip addr del ${plan.vip}/32 dev lo 2>/dev/null; true`);
}

export interface UnitState {
  isRunning: boolean;
  exitStatus: number;
}

export async function unitState(name: MachineName): Promise<UnitState> {
  const text = await on(name,
    `systemctl show -p SubState -p ExecMainStatus -p ActiveState ${unit}`);
  const of = (key: string): string => new RegExp(`^${key}=(.*)$`, 'm').exec(text)?.[1] ?? '';
  return { isRunning: of('SubState') === 'running', exitStatus: Number(of('ExecMainStatus')) };
}

export async function lastWords(name: MachineName, lines = 6): Promise<string> {
  return on(name, `tail -n ${lines} ${logPath} 2>/dev/null || :`)
    .then((text) => text.trim() || 'it said nothing', () => 'it cannot be reached');
}

/** Starts both and waits until they protect each other and redis answers the client. */
export async function startPair(options: PairOptions = {}): Promise<void> {
  await writeKeys();
  await startUnit('primary', primaryLine(options));
  await until('the primary listens', startBoundMs, async () => {
    await requireRunning('primary');
    return (await on('primary', 'ss -Hltn sport = :7400')).trim() !== '';
  }, 1000);
  await startUnit('backup', backupLine(options));
  try {
    await until('the pair is protected', startBoundMs, async () => {
      await requireRunning('primary');
      await requireRunning('backup');
      return (await askHost('primary'))?.protected === true;
    }, 1000);
    await until('redis answers the client', startBoundMs, answersPing, 500);
  } catch (cause) {
    const words = `primary: ${await lastWords('primary')}\nbackup: ${await lastWords('backup')}`;
    throw new OperatingError(`${(cause as Error).message}\n${words}`, { cause });
  }
}

export async function writeKeys(): Promise<void> {
  const key = `${randomBytes(32).toString('hex')}\n`;
  await Promise.all((['primary', 'backup'] as const).map((name) => putFile(name, keyPath, key)));
}

async function requireRunning(name: MachineName): Promise<void> {
  const { isRunning, exitStatus } = await unitState(name);
  if (isRunning) return;
  throw new OperatingError(
    `the pair's ${name} ended with status ${exitStatus}: ${await lastWords(name)}`);
}

/** Ends what is left of a pair on machines that run. */
export async function stopPair(names: readonly MachineName[] = ['primary', 'backup']) {
  await Promise.all(names.map((name) => stopUnit(name)));
}

export async function answersPing(): Promise<boolean> {
  return on('client', `redis-cli -h ${plan.vip} -p ${redisPort} ping`, { boundMs: 60_000 })
    .then((text) => text.trim() === 'PONG', () => false);
}

/** What the engine on a machine says; undefined when it says nothing. */
export async function askHost(name: MachineName): Promise<PairState | undefined> {
  const path = inState(`control-${name}`);
  rmSync(path, { force: true });
  const forward = `${path}:/run/hotswap/${pairName}/control.sock`;
  await run(sshArgv(name, '-O', 'forward', '-L', forward)).catch(() => undefined);
  try {
    return await askSocket(path, 20_000);
  } finally {
    await run(sshArgv(name, '-O', 'cancel', '-L', forward)).catch(() => undefined);
    rmSync(path, { force: true });
  }
}

/** The load client's machine, in the shape of a bed of namespaces. */
export const clientHost = {
  spawn: (_host: 'client', argv: readonly string[], options: Parameters<typeof spawnOn>[2]) =>
    spawnOn('client', ['node', '/opt/hotswap/dist/src/bed/redis-load.js', ...argv], options),
};

/** Whether a machine can be spoken to now. */
export const isUp = (name: MachineName): Promise<boolean> =>
  on(name, 'true', { boundMs: 10_000 }).then(() => true, () => false);

export const allMachines = machineNames;
