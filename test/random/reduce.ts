/* reduce.ts: makes a failing random program smaller: fewer kinds of operations, fewer threads,
 * fewer operations of each. What fails depends on time, so each smaller one is tried some times.
 * The rule: what is left out changes nothing of the rest (programs/world.h). */
import type { Lanes } from '../support/lanes.js';
import { choiceOf, commandOf, type Plan } from './programs.js';

/** Whether it fails at least once in `tries`. */
async function fails(plan: Plan, lanes: Lanes, tries: number): Promise<boolean> {
  let count = 0;
  function* jobs() {
    for (let i = 0; i < tries && count === 0; i++) yield { command: commandOf(plan) };
  }
  await lanes.runAll(jobs(), (_job, { kind }) => { if (kind !== 'equal') count++; });
  return count > 0;
}

/** The smallest program found that still fails. */
export async function reduce(
  plan: Plan, lanes: Lanes, tries: number, say: (text: string) => void,
): Promise<Plan> {
  const choice = await choiceOf(plan.seed);
  let best: Plan = {
    ...plan,
    threads: plan.threads || choice.threads,
    operations: plan.operations || choice.operations,
  };
  const attempt = async (smaller: Plan, what: string): Promise<boolean> => {
    if (!(await fails(smaller, lanes, tries))) return false;
    best = smaller;
    say(`still fails ${what}`);
    return true;
  };
  // Halves first, then one by one.
  let names = choice.names.filter((name) => !plan.without.includes(name));
  for (let size = Math.ceil(names.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < names.length;) {
      const part = names.slice(at, at + size);
      const smaller = { ...best, without: [...best.without, ...part] };
      if (part.length < names.length && await attempt(smaller, `without ${part.join(', ')}`)) {
        names = names.filter((name) => !part.includes(name));
      } else {
        at += size;
      }
    }
  }
  while (best.threads > 1 &&
    await attempt({ ...best, threads: best.threads - 1 }, `with ${best.threads - 1} threads`));
  while (best.operations > 2 && await attempt(
    { ...best, operations: Math.floor(best.operations / 2) },
    `with ${Math.floor(best.operations / 2)} operations`,
  ));
  say(`left: ${names.join(', ')}`);
  return best;
}
