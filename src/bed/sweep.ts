/* sweep.ts: who cleans up beds. Hosts end with their maker by themselves (host.ts); this file
 * closes them in order on signals, and at the start of every bed removes what a maker that was
 * stopped or killed in the middle of set-up may have left. */
import { readFileSync, readdirSync } from 'node:fs';
import { processStart, signalPid } from './host.js';

interface Closable {
  close(): Promise<void>;
  closeNow(): void;
}

const open = new Set<Closable>();
let installed = false;

/** Makes sure that the bed is closed when this process ends. */
export function adopt(bed: Closable): void {
  open.add(bed);
  if (installed) return;
  installed = true;
  process.on('exit', () => {
    for (const each of open) each.closeNow();
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    const onSignal = () => {
      void Promise.allSettled([...open].map((each) => each.close())).then(() => {
        // Somebody else who listens decides how the process ends; otherwise it ends as it would
        // have without us.
        if (process.listenerCount(signal) > 1) return;
        process.off(signal, onSignal);
        process.kill(process.pid, signal);
      });
    };
    process.on(signal, onSignal);
  }
}

export function disown(bed: Closable): void {
  open.delete(bed);
}

/** Ends hosts of beds whose maker is dead; returns how many there were. */
export function sweepStale(): number {
  let swept = 0;
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const owner = ownerOf(Number(entry));
    if (!owner || processStart(owner.pid) === owner.start) continue;
    if (signalPid(Number(entry), 'SIGKILL')) swept++;
  }
  return swept;
}

function ownerOf(pid: number): { pid: number; start: string } | undefined {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0');
    if (words[0] !== 'bash' && words[0] !== 'unshare') return undefined;
    const tag = words.find((word) => word.startsWith('hs-bed:'))?.split(':');
    return tag ? { pid: Number(tag[1]), start: tag[2] ?? '' } : undefined;
  } catch {
    return undefined; // it ended while we looked
  }
}
