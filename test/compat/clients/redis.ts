/* redis.ts: the redis load client of the bed as a client of the list: its findings in the list's
 * words. The rule: it does what src/bed/redis-client does; here is only the translation. */
import { setTimeout as delay } from 'node:timers/promises';
import type { LoadClient } from '../../../src/bed/load-process.js';
import { Load } from '../../../src/bed/redis-client/load.js';
import { OperatingError } from '../../../src/errors.js';
import { emptyReport, type CompatLoadOptions, type CompatReport } from '../load.js';
import { Wire } from './wire.js';

const readyMs = 60_000;

export class RedisLoad implements LoadClient {
  private readonly load: Load;
  private startMs = 0;

  constructor(
    private readonly port: number, connections: number, private readonly options: CompatLoadOptions,
  ) {
    const { host, seed, drainMs } = options;
    this.load = new Load({ host, port, connections, seed, mode: 'mixed', thinkMs: 4, drainMs });
  }

  async open(): Promise<void> {
    const endMs = performance.now() + readyMs;
    while (!(await this.isOpen())) {
      if (performance.now() > endMs) throw new OperatingError('the server does not answer');
      await delay(100);
    }
    await this.load.open();
  }

  start(): void {
    this.startMs = performance.now();
    this.load.start();
  }

  markKill(atMs: number): void {
    this.load.markKill(atMs);
  }

  progress(): { ops: number; alive: number; bytesWrong: number } {
    return this.load.progress();
  }

  async stop(): Promise<CompatReport> {
    const seconds = Math.round(performance.now() - this.startMs) / 1000;
    const { connections, lostConnections, errors, bytes, mismatches, writes, data, ops, blackoutMs,
      ok } = await this.load.stop();
    const isOpenAtEnd = await this.isOpen();
    return {
      ...emptyReport(),
      ok: ok && isOpenAtEnd,
      clients: { opened: connections.opened, kept: connections.kept },
      losses: lostConnections.map(({ name, reason, detail }) => `${name}: ${reason}: ${detail}`),
      resets: errors.resets,
      wrong: bytes.wrong,
      mismatches: [
        ...mismatches.map(({ connection, request, expected, got }) =>
          `${connection}: ${request}: expected ${expected}, got ${got}`),
        ...(data.isEqual ? [] : [`data differ: ${JSON.stringify(data)}`]),
      ],
      exchanges: ops, bytes: { in: bytes.in, out: bytes.out }, writes, isOpenAtEnd, seconds,
      pauseMs: blackoutMs.all,
    };
  }

  private async isOpen(): Promise<boolean> {
    try {
      const wire = await Wire.open(this.options.host, this.port);
      const late = setTimeout(() => wire.abandon(), 5000);
      try {
        wire.write('PING\r\n');
        await wire.expect('+PONG\r\n', 'PING');
        return true;
      } finally {
        clearTimeout(late);
        wire.close();
      }
    } catch {
      return false;
    }
  }
}
