/* checks.ts: `npm run bed:check [NAME…]`: what only two machines show, one row each: what is made
 * different or goes wrong, and what must come of it. Each row is a trial of its own.
 * The rule: a row puts back what it changed, also when it fails; the line says what happened. */
import { setTimeout as delay } from 'node:timers/promises';
import type { LoadReport } from '../../src/bed/redis-client/report.js';
import { OperatingError, UserError } from '../../src/errors.js';
import {
  on, pause, plan, powerCut, powerOn, redefine, resume, setLink, stateOf,
} from './machines.js';
import { askHost, boundMs, unitState } from './pair.js';
import { inState } from './place.js';
import { secondsSince, until, type Screen } from './run.js';
import { describe, faultOf, prepare as allOn, trial, untilTakenOver, type Load } from './trial.js';
import { Witness } from './witness.js';

interface Check {
  name: string;
  what: string;
  /** Before the pair starts; returns what puts it back. */
  prepare?: () => Promise<() => Promise<unknown>>;
  /** In the middle of traffic. Returns what else was seen. */
  event: (load: Load) => Promise<string>;
}

const roleOf = (name: 'primary' | 'backup') => async (): Promise<string | undefined> =>
  (await askHost(name))?.role;

async function cutPrimary(load: Load): Promise<string> {
  load.markKill();
  await powerCut('primary');
  return 'power cut survived';
}

/** Changes a machine's definition while it is off, and puts the old one back afterwards. */
async function redefined(change: (xml: string) => string): Promise<() => Promise<unknown>> {
  const restart = async (how: (xml: string) => string): Promise<string> => {
    if (await stateOf('backup') === 'running') await powerCut('backup');
    const before = await redefine('backup', how);
    await powerOn('backup');
    return before;
  };
  const before = await restart(change);
  return () => restart(() => before);
}

const shell = async (name: 'primary' | 'backup', line: string, undo: string) => {
  await on(name, line);
  return () => on(name, undo);
};

/** The primary does not run for longer than the bound, and then it does again. */
async function pausePrimary(load: Load): Promise<string> {
  const witness = await Witness.create('primary');
  try {
    load.markKill();
    await pause('primary');
    await untilTakenOver(roleOf('backup'));
    await delay(boundMs());
    const resumedAt = Date.now() / 1000;
    await resume('primary');
    await until('the end of the old primary', 60_000 + 4 * boundMs(),
      async () => !(await unitState('primary')).isRunning, 500);
    const { exitStatus } = await unitState('primary');
    const after = witness.sightings.filter(({ at }) => at > resumedAt);
    const spoken = after.filter(({ lenBytes, isReset }) => lenBytes > 0 || isReset);
    if (exitStatus !== 5) throw new OperatingError(`the old primary ended with ${exitStatus}`);
    const arps = after.filter(({ kind }) => kind === 'arp').length;
    return 'it ended with status 5 (lost the role); after its return it sent '
      + `${after.length} packets of the address: ${spoken.length} with data or reset, ${arps} ARP`;
  } finally {
    witness.close();
    if (await stateOf('primary') === 'paused') await resume('primary');
  }
}

/** One network fails and the other does not. */
async function cutChannel(load: Load): Promise<string> {
  load.markKill();
  await setLink('primary', 'channel', false);
  try {
    await untilTakenOver(roleOf('backup'));
  } finally {
    await setLink('primary', 'channel', true);
  }
  await until('the end of the old primary', 120_000 + 4 * boundMs(),
    async () => !(await unitState('primary')).isRunning, 500);
  return `the old primary ended with status ${(await unitState('primary')).exitStatus}`;
}

async function cutService(load: Load): Promise<string> {
  load.markKill();
  await setLink('primary', 'service', false);
  await delay(2 * boundMs());
  const role = await roleOf('backup')();
  await setLink('primary', 'service', true);
  return `the backup stayed ${role ?? 'silent'}: the hosts still hear each other`;
}

/** Nothing can be written on the backup's disk any more. */
async function fillDisk(load: Load): Promise<string> {
  await on('backup', 'dd if=/dev/zero of=/var/fill bs=1M 2>/dev/null; sync; true');
  try {
    return await cutPrimary(load);
  } finally {
    await on('backup', 'rm -f /var/fill');
  }
}

const { channelDevice: channel } = plan;

export const checks: readonly Check[] = [
  {
    name: 'clock', what: 'the backup\'s real-time clock is an hour ahead', event: cutPrimary,
    prepare: () => shell('backup', 'date -s "+1 hour" >/dev/null', 'date -s "-1 hour" >/dev/null'),
  },
  {
    name: 'kernel', what: 'the primary runs Debian\'s Linux 6.1, the backup 6.12',
    event: cutPrimary,
    prepare: () => redefined((xml) => xml.replaceAll(inState('boot', 'first'),
      inState('boot', 'second'))),
  },
  {
    name: 'processor', what: 'the backup has another processor (qemu64)', event: cutPrimary,
    prepare: () => redefined((xml) => xml.replace(/<cpu [\s\S]*?(<\/cpu>|\/>)/,
      '<cpu mode=\'custom\' match=\'exact\'><model fallback=\'allow\'>qemu64</model></cpu>')),
  },
  {
    name: 'name', what: 'the backup is called something else since it was started',
    event: cutPrimary,
    prepare: () => shell('backup', 'hostname other', 'hostname backup'),
  },
  {
    name: 'mtu', what: 'the channel takes 1500 bytes on one side and 1280 on the other',
    event: cutPrimary,
    prepare: () => shell('backup', `ip link set ${channel} mtu 1280`,
      `ip link set ${channel} mtu 1500`),
  },
  {
    name: 'loss', what: 'the channel loses 2 % of its packets, and delays them by 20 ± 5 ms',
    event: cutPrimary,
    prepare: () => shell('primary',
      `tc qdisc add dev ${channel} root netem loss 2% delay 20ms 5ms`,
      `tc qdisc del dev ${channel} root 2>/dev/null; true`),
  },
  { name: 'channel', what: 'the channel is cut, the service network is not', event: cutChannel },
  { name: 'service', what: 'the service network is cut, the channel is not', event: cutService },
  { name: 'disk', what: 'the backup\'s disk is full', event: fillDisk },
  { name: 'pause', what: 'the hypervisor pauses the primary for twice the bound',
    event: pausePrimary },
];

export async function check(names: readonly string[], screen: Screen): Promise<boolean> {
  const unknown = names.find((name) => !checks.some((each) => each.name === name));
  if (unknown !== undefined) {
    throw new UserError(`"${unknown}" is none of ${checks.map(({ name }) => name).join(', ')}`);
  }
  const chosen = checks.filter(({ name }) => names.length === 0 || names.includes(name));
  let failed = 0;
  for (const each of chosen) {
    const startMs = performance.now();
    const { isGood, text } = await once(each, screen);
    if (!isGood) failed++;
    const took = secondsSince(startMs);
    screen.say(`${isGood ? '✓' : '✗'} ${each.name}: ${each.what}: ${text} (${took})`);
  }
  screen.say(`bed: ${chosen.length - failed} of ${chosen.length} checks are as they should be`);
  return failed === 0;
}

async function once({ prepare, event }: Check, screen: Screen) {
  let undo: (() => Promise<unknown>) | undefined;
  try {
    await allOn();
    undo = await prepare?.();
    let seen = '';
    const onStep = (step: string): void => screen.moment(`  … ${step}`);
    const report: LoadReport = await trial({ seed: 1, onStep }, async (load) => {
      seen = await event(load);
    });
    const fault = faultOf(report);
    return { isGood: fault === undefined, text: `${seen}; ${fault ?? describe(report)}` };
  } catch (error) {
    return { isGood: false, text: error instanceof Error ? error.message : String(error) };
  } finally {
    await undo?.().catch((error: Error) => screen.say(`  not put back: ${error.message}`));
  }
}
