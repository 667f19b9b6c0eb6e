/* rule.ts: what a rule of the verdict is: a name, and a function from facts to findings.
 * The rule: a rule looks at facts and tables, never at the name of a program. */
import type { Effect, Finding } from '../../report.js';
import type { Facts } from '../facts.js';

export interface Rule {
  readonly name: string;
  readonly look: (facts: Facts) => readonly Omit<Finding, 'rule'>[];
}

export function finding(
  effect: Effect, because: string, change: string | null = null,
): Omit<Finding, 'rule'> {
  return { effect, because, change };
}
