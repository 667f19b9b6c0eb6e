/* pump-worker.ts: the worker thread that moves records between the ring and the channel, and does
 * nothing else: no dashboard, no control socket, no logging. Its first loop turn decides latency.
 * The rule: whatever fails here is told to the main thread, which owns the program. */
import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { asHotswapError } from '../errors.js';
import { BackupPump } from './backup-pump.js';
import { PrimaryPump } from './primary-pump.js';
import type { FromPump, PumpConfig, ToPump } from './pump-messages.js';
import { plainError } from './pump.js';

const config = workerData as PumpConfig;
const port = parentPort!;
const tell = (message: FromPump): void => port.postMessage(message);
const fail = (error: unknown): void => {
  tell({ kind: 'failed', error: plainError(asHotswapError(error)) });
};

/** Linux gives each thread its own: this one alone, not the program, which the main thread starts.
 * It sends the signs of life and judges the peer's, and on a busy host both come late otherwise. */
const NICE = -10;
try {
  setPriority(0, NICE);
} catch {
  // Without CAP_SYS_NICE it is as late as the host is busy.
}

const pump = config.role === 'primary'
  ? new PrimaryPump(config, tell, fail)
  : new BackupPump(config, tell, fail);

port.on('message', (message: ToPump) => {
  try {
    pump.onMessage(message);
  } catch (error) {
    fail(error);
  }
});
process.on('uncaughtException', fail);
pump.start().catch(fail);
