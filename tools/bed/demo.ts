/* demo.ts: `npm run bed:demo`: redis as a pair on two machines, the power of the primary cut in the
 * middle of a client's traffic, what the client saw, and the machine's return, which must not
 * answer for the address any more.
 * The rule: it says that it went well only if nothing was lost and only one machine speaks. */
import { setTimeout as delay } from 'node:timers/promises';
import { OperatingError } from '../../src/errors.js';
import type { LoadReport } from '../../src/bed/redis-client/report.js';
import { on, plan, powerCut, powerOn } from './machines.js';
import {
  answersPing, detection, lastWords, primaryLine, startUnit, stopPair, unitState,
} from './pair.js';
import { secondsSince, until, type Screen } from './run.js';
import { describe, faultOf, ownerSeenBy, trial, type Load } from './trial.js';
import { Witness, type Sighting } from './witness.js';

export async function demo(
  screen: Screen, seed: number, isReused: boolean,
): Promise<boolean> {
  const startMs = performance.now();
  screen.say('One redis, two machines, and one of them loses its power.');
  screen.say(`  · silence counts as death after ${detection()} ms`);
  const report = await shownTrial(screen, seed, isReused);
  const fault = faultOf(report);
  screen.say(`  ${fault === undefined ? '✓' : '✗'} the client: ${fault ?? describe(report)}`);
  const owner = await ownerSeenBy('client');
  screen.say(`  ${owner === 'backup' ? '✓' : '✗'} the client's neighbour table: the address is the `
    + `${owner ?? 'nobody'}'s`);
  await screen.step('the machine that lost its power comes back', () => powerOn('primary'));
  const isSilent = await showReturned(screen);
  const isGood = fault === undefined && owner === 'backup' && isSilent;
  await stopPair();
  screen.say(isGood
    ? `bed: the power was cut, nothing was lost, one machine speaks (${secondsSince(startMs)})`
    : `bed: this did not go as it should (${secondsSince(startMs)})`);
  return isGood;
}

/** The machine that came back: it does not speak for the address, and may not begin to. */
export async function showReturned(screen: Screen): Promise<boolean> {
  const sightings = await watchReturned(screen);
  const refusal = await screen.step('it is told to serve again, as by an operator', startAgain);
  screen.say(`    ${refusal.words}`);
  for (const { text } of sightings.slice(0, 5)) screen.say(`    it said: ${text}`);
  return sightings.length === 0 && refusal.isRefused && await answersPing();
}

async function shownTrial(
  screen: Screen, seed: number, isReused: boolean,
): Promise<LoadReport> {
  const words: Record<string, string> = {
    preparing: 'the machines are on', starting: 'redis runs on the primary, its twin on the backup',
    connecting: 'a client has opened its connections, once and for all',
    traffic: 'traffic', event: 'the primary\'s power is cut (virsh destroy)',
    after: 'the same connections go on', verifying: 'everything is read back',
  };
  let since = performance.now();
  let last: string | undefined;
  const done = (): void => {
    if (last !== undefined) screen.say(`  ✓ ${words[last]} ${secondsSince(since)}`);
    since = performance.now();
  };
  let ticker: NodeJS.Timeout | undefined;
  const onStep = (what: string, load?: Load): void => {
    done();
    last = what;
    clearInterval(ticker);
    const traffic = (): string => load === undefined ? ''
      : `: ${load.progress.alive} connections, ${load.progress.ops} operations`;
    const show = (): void =>
      screen.moment(`  … ${words[what]} ${secondsSince(since)}${traffic()}`);
    ticker = setInterval(show, 500);
  };
  try {
    const report = await trial({ seed, isReused, onStep, beforeMs: 5000 }, async (load) => {
      load.markKill();
      await powerCut('primary');
    });
    done();
    return report;
  } finally {
    clearInterval(ticker);
  }
}

/** Asks for the address on the wire while the returned machine is watched at its port. */
async function watchReturned(screen: Screen): Promise<Sighting[]> {
  const witness = await Witness.create('primary');
  try {
    const answers = await screen.step('who has the address? asked on the wire, ten times', () =>
      on('client', `arping -c 10 -w 12 -I ${plan.serviceDevice} ${plan.vip}`));
    const backup = await on('backup', `cat /sys/class/net/${plan.serviceDevice}/address`);
    const macs = new Set([...answers.matchAll(/\[([0-9A-F:]+)\]/gi)]
      .map(([, mac = '']) => mac.toLowerCase()));
    screen.say(`    answers from ${[...macs].join(', ')}; the backup is ${backup.trim()}`);
    if (macs.size !== 1 || !macs.has(backup.trim())) {
      throw new OperatingError('somebody else than the backup answers for the address');
    }
    await delay(2000);
    return [...witness.sightings];
  } finally {
    witness.close();
  }
}

/** The primary's command on the returned machine: the address is another's now. */
async function startAgain(): Promise<{ isRefused: boolean; words: string }> {
  await startUnit('primary', primaryLine());
  await until('an end of the refused command', 600_000,
    async () => !(await unitState('primary')).isRunning, 1000);
  const { exitStatus } = await unitState('primary');
  const words = `status ${exitStatus}: ${await lastWords('primary', 1)}`;
  return { isRefused: exitStatus === 4, words };
}
