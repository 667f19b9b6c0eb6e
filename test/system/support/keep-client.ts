/* keep-client.ts: programs/keep-client.py on the client host: it opens connections once and uses
 * them, round after round, until its standard input ends. */
import { join } from 'node:path';
import { plan, repositoryRoot, type Bed } from '../../../src/bed/bed.js';
import { Running, until } from './command.js';

export const programs = join(repositoryRoot(), 'test/system/programs');
export type KeepKind = 'lines' | 'http' | 'memcached' | 'mqtt';

export function startKeepClient(
  bed: Bed, { port, kind, connections }: { port: number; kind: KeepKind; connections: number },
): Running {
  const script = join(programs, 'keep-client.py');
  const argv = ['python3', script, plan.vip, String(port), kind, String(connections)];
  return new Running(bed.spawn('client', argv, { stdio: ['pipe', 'pipe', 'pipe'] }), 'the client');
}

/** Waits until every connection has been used so many times more. */
export async function untilRounds(client: Running, more: number): Promise<void> {
  const rounds = (): number => client.stdout.split('\n').length;
  const from = rounds();
  await until(() => {
    if (!client.isRunning) throw new Error(`the client ended: ${client.words}`);
    return rounds() >= from + more;
  }, () => `${more} more rounds: ${client.words}`);
}
