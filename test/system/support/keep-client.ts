/* keep-client.ts: programs/keep-client.py on the client host: it opens connections once and uses
 * them, round after round, until its standard input ends. */
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { plan, repositoryRoot, type Bed } from '../../../src/bed/bed.js';
import { Running, until, type Ended } from './command.js';
import { untilState } from './pair.js';

export const programs = join(repositoryRoot(), 'test/system/programs');
export type KeepKind = 'lines' | 'http' | 'memcached' | 'mqtt';

export function startKeepClient(
  bed: Bed, { port, kind, connections }: { port: number; kind: KeepKind; connections: number },
): Running {
  const script = join(programs, 'keep-client.py');
  const argv = ['python3', script, plan.vip, String(port), kind, String(connections)];
  return new Running(bed.spawn('client', argv, { stdio: ['pipe', 'pipe', 'pipe'] }), 'the client');
}

/** The first line of the answer to one line, on a connection of its own. */
export const asked = (bed: Bed, line: string): Promise<string> => bed.run('client', ['bash', '-c',
  `exec 3<>/dev/tcp/${plan.vip}/80; echo ${line} >&3; head -1 <&3`]);

/** What a bash script on the client prints that talks with the service by descriptor 3: as soon as
 * that can be reached, for a minute at most, with its own arguments. */
export const converse = (bed: Bed, script: string, ...args: string[]): Promise<string> =>
  bed.run('client', ['timeout', '60', 'bash', '-c',
    `until exec 3<>/dev/tcp/${plan.vip}/80; do sleep 0.1; done 2>/dev/null\n${script}`,
    'converse', ...args]);

/** Waits until every connection has been used so many times more. */
export async function untilRounds(client: Running, more: number): Promise<void> {
  const rounds = (): number => client.stdout.split('\n').length;
  const from = rounds();
  await until(() => {
    if (!client.isRunning) throw new Error(`the client ended: ${client.words}`);
    return rounds() >= from + more;
  }, () => `${more} more rounds: ${client.words}`);
}

interface Sides { primary: Running; backup: Running }

/** Waits until every connection is there, and has been used some times. */
export async function untilInUse(client: Running, { primary, backup }: Sides): Promise<void> {
  const words = (): string => `${client.words} | ${primary.words} | ${backup.words}`;
  await until(() => {
    if (!client.isRunning) throw new Error(`the client ended: ${words()}`);
    return client.stdout.includes('READY');
  }, words);
  await untilRounds(client, 5);
}

/** The primary's power is cut: the backup goes live, and every connection is used again. */
export async function keepOver(
  bed: Bed, client: Running, { primary, backup }: Sides,
): Promise<void> {
  await untilState(bed, 'primary', (state) => state.protected, [primary, backup]);
  await bed.powerCut('primary');
  await untilState(bed, 'backup', ({ role }) => role === 'live', [backup]);
  await untilRounds(client, 20);
}

/** Ends the client, which must have found nothing wrong. */
export async function endClient(client: Running, { backup }: Sides): Promise<Ended> {
  client.child.stdin!.end();
  const ended = await client.ended;
  assert.is(ended.code, 0, `${ended.stderr} ${backup.words}`);
  return ended;
}
