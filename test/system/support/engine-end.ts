/* engine-end.ts: one end of a fake pair in a process of its own, so that it can be killed. */
import { backup, primary } from '../../../src/engine/index.js';
import type { BackupOptions, PrimaryOptions } from '../../../src/engine/options.js';
import { asHotswapError } from '../../../src/errors.js';
import type { EndOrder } from './engine.js';

const order = JSON.parse(process.argv[2]!) as EndOrder;
const { signal } = new AbortController();
try {
  const result = order.side === 'primary'
    ? await primary({ ...(order.options as PrimaryOptions), signal }, order.parts)
    : await backup({ ...(order.options as BackupOptions), signal }, order.parts);
  process.stdout.write(`${JSON.stringify(result)}\n`);
} catch (error) {
  process.stdout.write(`${JSON.stringify(asHotswapError(error))}\n`);
}
