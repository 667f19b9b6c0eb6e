/* load-process.ts: the far end of load-handle.ts: what the process of a load client does with the
 * orders it gets: {"do":"start"}, {"do":"markKill","atNs":"…"}, {"do":"stop"}, a line each, on
 * standard input; {"event":"connected"|"progress"|"report"|"failed",…} go to standard output.
 * The rule: when its input ends, so does it. */
import { createInterface } from 'node:readline';

type Order = { do: 'start' } | { do: 'markKill'; atNs?: string } | { do: 'stop' };

/** A load client, as its process sees it. */
export interface LoadClient {
  open(): Promise<void>;
  start(): void;
  /** `atMs` is of this process's performance.now(). */
  markKill(atMs: number): void;
  progress(): { ops: number; alive: number; bytesWrong: number };
  stop(): Promise<unknown>;
}

const progressEveryMs = 100;

function say(event: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

/** Converts the bed's clock (process.hrtime, one for all processes) to this performance.now(). */
function toLocalMs(atNs: string): number {
  return performance.now() - Number(process.hrtime.bigint() - BigInt(atNs)) / 1e6;
}

async function obey(load: LoadClient): Promise<void> {
  await load.open();
  say({ event: 'connected', connections: load.progress().alive });
  const ticker = setInterval(() => say({ event: 'progress', ...load.progress() }), progressEveryMs);
  const orders = createInterface({ input: process.stdin });
  for await (const line of orders) {
    const order = JSON.parse(line) as Order;
    if (order.do === 'start') load.start();
    if (order.do === 'markKill') {
      load.markKill(order.atNs === undefined ? performance.now() : toLocalMs(order.atNs));
    }
    if (order.do !== 'stop') continue;
    const report = await load.stop();
    clearInterval(ticker);
    say({ event: 'report', report });
    break;
  }
}

/** Serves a client until it has reported or failed; ends the process. */
export function serveLoad(make: () => LoadClient | Promise<LoadClient>): void {
  Promise.resolve().then(make).then(obey).then(
    () => process.stdout.write('', () => process.exit(0)),
    (error: unknown) => {
      say({ event: 'failed', message: error instanceof Error ? error.message : String(error) });
      process.stdout.write('', () => process.exit(1));
    },
  );
}
