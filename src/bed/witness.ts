/* witness.ts: an independent observer at the switch of a bed: which host speaks with the service
 * address? After a takeover only one may. It sees what the hosts send, not what they say.
 * The rule: a packet of the old primary that was sent after the first one of the backup is the
 * proof that two hosts answered at once. */
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { plan, type Bed } from './bed.js';

export class Witness {
  private readonly watchers: ChildProcess[] = [];
  private firstOfBackup: number | undefined;
  private lastOfPrimary: number | undefined;
  private isPrimaryWatched = false;

  /** To be made before the fault; resolves when the backup's port is being watched. */
  static async create(bed: Bed): Promise<Witness> {
    const witness = new Witness(bed);
    await witness.watch('service-b', 1, (at) => (witness.firstOfBackup ??= at));
    return witness;
  }

  private constructor(private readonly bed: Bed) {}

  /** From the fault on, the old primary's port is watched too. */
  async fault(): Promise<void> {
    if (this.isPrimaryWatched) return;
    this.isPrimaryWatched = true;
    await this.watch('service-p', undefined, (at) => (this.lastOfPrimary = at));
  }

  /** True if both spoke for the service address after the takeover had begun. */
  close(): { hasTakenOver: boolean; twoHosts: boolean } {
    for (const watcher of this.watchers) watcher.kill('SIGKILL');
    const { firstOfBackup: backup, lastOfPrimary: primary } = this;
    const twoHosts = backup !== undefined && primary !== undefined && primary > backup;
    return { hasTakenOver: backup !== undefined, twoHosts };
  }

  /** Reports the kernel's timestamp of each packet with the service address as its source. */
  private watch(port: string, count: number | undefined, onPacket: (at: number) => void) {
    const limit = count === undefined ? [] : ['-c', String(count)];
    const flags = ['-i', port, '-Q', 'in', '-n', '-l', '-tt', '-s', '64', '--immediate-mode'];
    const argv = ['tcpdump', ...flags, ...limit, `src host ${plan.vip}`];
    const watcher = this.bed.spawnAtSwitch(argv, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.watchers.push(watcher);
    if (watcher.stdout) {
      createInterface({ input: watcher.stdout }).on('line', (line) => onPacket(parseFloat(line)));
    }
    return new Promise<void>((resolve, reject) => {
      watcher.once('error', reject);
      watcher.once('close', () => resolve());
      watcher.stderr?.on('data', (chunk: Buffer) => {
        if (chunk.includes('listening on')) resolve();
      });
    });
  }
}
