/* pair.ts: a real primary and a real backup on two hosts of a bed, each with its key, for tests
 * that break something about them. Nothing is assumed to go well: each side is started by itself.
 * The rule: what a test starts is ended by its bed, also when the test failed. */
import { randomBytes } from 'node:crypto';
import { plan, type Bed, type HostName } from '../../../src/bed/bed.js';
import { askHost, type PairState } from '../../../src/bed/subject.js';
import { replicate, root, startOn, until, type Running } from './command.js';

export const channelPort = 7400;
export const keyPath = '/run/hs-test.key';
/** The name under which `askHost` looks for a pair. */
const pairName = 'bed';
/** Other tests share this machine: a busy one must not look dead. */
const detect = '500x6';

export interface SideOptions {
  /** Another copy of the programs; default: this checkout. */
  installation?: string;
  keyFile?: string;
  more?: readonly string[];
}

export interface PrimarySide extends SideOptions {
  vip?: string;
  dev?: string;
  listen?: string;
  /** Runs at once instead of when a backup has joined. */
  isAlone?: boolean;
}

export interface BackupSide extends SideOptions {
  connect?: string;
  dev?: string;
}

export const newKey = (): string => `${randomBytes(32).toString('hex')}\n`;

/** The same key for both hosts. */
export async function giveKeys(bed: Bed): Promise<void> {
  const key = newKey();
  for (const host of ['primary', 'backup'] as const) await bed.writeFile(host, keyPath, key);
}

const common = ({ keyFile = keyPath, more = [] }: SideOptions): string[] =>
  ['--key-file', keyFile, '--name', pairName, '--detect', detect, ...more];

const sides = new Set<Running>();

function keep(side: Running): Running {
  sides.add(side);
  void side.ended.catch(() => undefined).then(() => sides.delete(side));
  return side;
}

/** Ends what a test that failed has left running, for the test after it. */
export async function endSides(...others: readonly Running[]): Promise<void> {
  const left = [...sides].filter((side) => !others.includes(side));
  for (const side of left) side.kill('SIGKILL');
  await Promise.allSettled(left.map((side) => side.ended));
}

export function startPrimary(
  bed: Bed, program: readonly string[], side: PrimarySide = {},
): Running {
  const { vip = plan.vipPrefix, dev = plan.serviceDevice, isAlone = false } = side;
  const { listen = `${plan.channel.primary}:${channelPort}`, installation = root } = side;
  const args = ['primary', '--listen', listen, '--vip', vip, '--dev', dev, ...common(side)];
  if (!isAlone) args.push('--wait-backup');
  return keep(startOn(bed, 'primary', replicate([...args, '--', ...program], installation)));
}

export function startBackup(bed: Bed, side: BackupSide = {}): Running {
  const { dev = plan.serviceDevice, installation = root } = side;
  const { connect = `${plan.channel.primary}:${channelPort}` } = side;
  const args = ['backup', '--connect', connect, '--dev', dev, ...common(side)];
  return keep(startOn(bed, 'backup', replicate(args, installation)));
}

/** The log lines of a side, as the sentences in them. */
export const said = ({ stderr }: { stderr: string }): string =>
  [...stderr.matchAll(/"msg":("(?:[^"\\]|\\.)*")/g)].map((m) => JSON.parse(m[1]!)).join('\n');

/** Waits until a side says something on its log. */
export const untilSaid = (side: Running, what: RegExp): Promise<void> =>
  until(() => {
    if (what.test(said(side))) return true;
    if (!side.isRunning) throw new Error(`ended without saying ${what}: ${side.words}`);
    return false;
  }, () => `${what}: ${side.words}`);

/** Waits until the pair on a host is in a state. */
export async function untilState(
  bed: Bed, host: HostName, isIt: (state: PairState) => boolean, sides: readonly Running[],
): Promise<PairState> {
  let state: PairState | undefined;
  await until(async () => {
    state = await askHost(bed, host);
    return state !== undefined && isIt(state);
  }, () => `${host}: ${JSON.stringify(state)}; ${sides.map((side) => side.words).join(' | ')}`);
  return state!;
}

/** Waits until the backup has done all that the primary has recorded. */
export const untilFollowed = (bed: Bed, sides: readonly Running[]): Promise<PairState> =>
  untilState(bed, 'primary', ({ watermarks }) => {
    const { recorded, replayed } = watermarks as { recorded: number; replayed: number };
    return recorded === replayed;
  }, sides);

/** A pair that is protected. */
export async function startPair(
  bed: Bed, program: readonly string[], more: readonly string[] = [],
) {
  const primary = startPrimary(bed, program, { more });
  const backup = startBackup(bed, { more });
  await untilState(bed, 'primary', (state) => state.protected, [primary, backup]);
  return { primary, backup };
}
