/* control.ts: `status`, `switchover` and `stop`: what an operator asks of a running pair, through
 * its control socket. What the pair answers is shown; nothing is decided here. */
import { Option } from 'commander';
import { setTimeout as delay } from 'node:timers/promises';
import { OperatingError } from '../../errors.js';
import type { PairStatus } from '../../engine/control-protocol.js';
import { askPair, askStatus, type PairAddress } from '../control-client.js';
import { printJson, printLine, printTable, type CommandSpec, type Invocation } from '../shell.js';

const watchIntervalMs = 1000;
/** The old primary catches up and changes its role before it answers. */
const changeTimeoutMs = 60_000;

const pairOf = ({ configuration }: Invocation): PairAddress => ({
  runtimeDir: configuration.settings.runtimeDir,
  name: configuration.settings.name,
});

export const statusCommand: CommandSpec = {
  usage: 'status',
  summary: 'show role, peer, watermarks, connections and protection of a running pair',
  settings: ['name', 'runtimeDir'],
  options: [new Option('--watch', 'again every second, until interrupted')],
  examples: ['hs-replicate status', 'hs-replicate status --name web --json'],
  run: async (invocation) => {
    const pair = pairOf(invocation);
    for (;;) {
      const status = await askStatus(pair);
      if (invocation.isJson) printJson(status);
      else printStatus(status);
      if (invocation.options['watch'] !== true) return;
      await delay(watchIntervalMs, undefined, { signal: invocation.signal });
      if (!invocation.isJson) printLine();
    }
  },
};

function printStatus(status: PairStatus): void {
  const { watermarks, behind, divergence, audit } = status;
  const shield = status.protected ? 'protected' : 'NOT protected';
  const why = status.protected ? [] : [['because', status.unprotectedWhy ?? 'unknown']];
  printTable([
    ['pair', `${status.name} (engine ${status.pid})`],
    ['role', status.role],
    ['peer', status.peer ?? 'none'],
    ['state', `${shield} since ${status.protectedSince}`],
    ...why,
    ['commit', status.commit],
    ['recorded', String(watermarks.recorded)],
    ['received', String(watermarks.received)],
    ['replayed', String(watermarks.replayed)],
    ['released', String(watermarks.released)],
    ['behind', `${behind.records} records, ${behind.bytes} bytes`],
    ['connections', String(status.connections)],
    ['divergence', divergence ? `at record ${divergence.seq}: ${divergence.call}` : 'none'],
    ['audit', auditOf(audit)],
  ]);
}

function auditOf(audit: PairStatus['audit']): string {
  if (!audit) return 'off';
  if (!audit.isRunning) return 'NOT running';
  const refused = audit.refused > 0 ? `, ${audit.refused} calls refused` : '';
  return `${audit.bypasses} bypasses, ${audit.differences} byte differences${refused}`;
}

export const switchoverCommand: CommandSpec = {
  usage: 'switchover',
  summary: 'change the roles of a running pair, as planned; clients notice nothing',
  settings: ['name', 'runtimeDir'],
  examples: ['hs-replicate switchover --name web'],
  run: async (invocation) => order(invocation, 'switchover', 'the roles have changed'),
};

export const stopCommand: CommandSpec = {
  usage: 'stop',
  summary: 'stop a running pair cleanly',
  settings: ['name', 'runtimeDir'],
  examples: ['hs-replicate stop --name web'],
  run: async (invocation) => order(invocation, 'stop', 'stopped'),
};

async function order(
  invocation: Invocation,
  op: 'switchover' | 'stop',
  done: string,
): Promise<void> {
  const pair = pairOf(invocation);
  const result = await askPair(pair, op, changeTimeoutMs);
  if (result !== null && typeof result !== 'object') {
    throw new OperatingError(`pair "${pair.name}" answered ${op} with ${JSON.stringify(result)}`);
  }
  if (invocation.isJson) printJson({ ok: true, ...result });
  else printLine(`pair "${pair.name}": ${done}`);
}
