/* later.ts: commands whose place in the contract is fixed and that this version does not have.
 * Each ends with a usage error that says so, and never pretends to have done anything. */
import { UserError } from '../../errors.js';
import type { CommandSpec } from '../shell.js';

/** A command that is not part of this version. `instead` completes the sentence. */
export function laterCommand(
  usage: string,
  summary: string,
  example: string,
  instead?: string,
): CommandSpec {
  const name = usage.split(' ')[0]!;
  return {
    usage,
    summary: `${summary} (not in this version)`,
    // Its own options do not exist yet: whatever follows is taken as it is.
    hasProgram: true,
    takesAnything: true,
    examples: [example],
    run: async () => {
      const advice = instead === undefined ? '' : `: ${instead}`;
      throw new UserError(`"${name}" is not part of this version yet${advice}`, {
        reason: 'not-yet',
      });
    },
  };
}
