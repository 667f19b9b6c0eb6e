// verdicts.ts: one word per row for hs-trace: what replication makes of the call.
//   replayed      the primary makes it; the backup is given what came of it
//   ordered       it waits or wakes: the order is the record
//   re-executed   both make it, and it must come out the same
//   refused       answered as by a kernel that lacks it
import { irregulars } from './irregulars.js';
import { type Verdict, policies } from './policies.js';
import { type Call } from './row.js';
import { invariant } from '../errors.js';

export function verdictOf(call: Call): Verdict {
  const regular = policies[call.policy.name].verdict;
  if (regular !== null) return regular;
  invariant(call.policy.irregular, `row ${call.name}: irregular without a name`);
  return irregulars[call.policy.irregular].verdict;
}

/** Why, where it is not obvious: the row's own reason, or that of its irregular function. */
export function reasonOf(call: Call): string | undefined {
  const { why, irregular } = call.policy;
  return why ?? (irregular && irregulars[irregular].short);
}

/** Why nothing is lost when the call is refused; undefined when that depends on the program. */
export const fallbackOf = (call: Call): string | undefined => call.policy.fallback;
