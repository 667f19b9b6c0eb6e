/* redis-load.ts: the process of the load client, run inside the client host. It is controlled by
 * JSON lines: {"do":"start"}, {"do":"markKill","atNs":"…"}, {"do":"stop"} on standard input;
 * {"event":"connected"|"progress"|"report"|"failed",…} on standard output.
 * The rule: when its input ends, so does it. */
import { createInterface } from 'node:readline';
import { Load, type LoadOptions } from './redis-client/load.js';

type Order = { do: 'start' } | { do: 'markKill'; atNs: string } | { do: 'stop' };

const progressEveryMs = 100;

function say(event: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

/** Converts the bed's clock (process.hrtime, one for all processes) to this performance.now(). */
function toLocalMs(atNs: string): number {
  return performance.now() - Number(process.hrtime.bigint() - BigInt(atNs)) / 1e6;
}

async function main(options: LoadOptions): Promise<void> {
  const load = new Load(options);
  await load.open();
  say({ event: 'connected', connections: options.connections });
  const ticker = setInterval(() => say({ event: 'progress', ...load.progress() }), progressEveryMs);
  const orders = createInterface({ input: process.stdin });
  for await (const line of orders) {
    const order = JSON.parse(line) as Order;
    if (order.do === 'start') load.start();
    if (order.do === 'markKill') load.markKill(toLocalMs(order.atNs));
    if (order.do !== 'stop') continue;
    const report = await load.stop();
    clearInterval(ticker);
    say({ event: 'report', report });
    break;
  }
}

main(JSON.parse(process.argv[2] ?? '{}') as LoadOptions).then(
  () => process.stdout.write('', () => process.exit(0)),
  (error: unknown) => {
    say({ event: 'failed', message: error instanceof Error ? error.message : String(error) });
    process.stdout.write('', () => process.exit(1));
  },
);
