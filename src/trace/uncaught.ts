/* uncaught.ts: the instructions whose answers nothing intercepts: observe/ counts where they run,
 * judge/ says what that means.
 * The rule: one that the shim learns to catch leaves this list. */
import type { InstructionName } from '../code/index.js';

export const uncaught: readonly InstructionName[] = [
  'rdpmc', 'xbegin',
];
