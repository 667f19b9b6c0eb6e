/* index.ts: what the commands call: one function per command that replicates. Their options and
 * results are in options.ts. */
export { backup } from './backup.js';
export { primary } from './primary.js';
export { record } from './record.js';
export { replay } from './replay.js';
