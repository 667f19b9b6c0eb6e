/* calls.ts: rules about calls as such: no row, refused, refused with these arguments, and what an
 * ioctl may write. A refusal that the program met already without HotSwap, or that its C library
 * is made for, changes nothing.
 * The rule: what is refused is read from the table; no call is named here but for its words. */
import { ioctlName, isCarried } from '../../../calls/ioctls.js';
import { isRefused, refusals, type Refusal } from '../../../calls/refusals.js';
import { CALL_ROWS } from '../../../calls/row.js';
import { fallbackOf, reasonOf, verdictOf } from '../../../calls/verdicts.js';
import type { CallArgument } from '../../observation.js';
import {
  argumentsOf, listed, numberOf, seenCall, successes, times, wordsOf, type Facts,
} from '../facts.js';
import { finding, type Rule } from './rule.js';

export const unknownCalls: Rule = {
  name: 'unknown-call',
  look: ({ calls }) => calls
    .filter((call) => call.row === undefined && call.nr < CALL_ROWS && successes(call) > 0)
    .map(({ name, count }) => finding(
      'prevents', `the call table has no row for ${name} (made ${times(count)}): it is refused`,
      'if the program goes on without the call, record it and see: ' +
        'hs-replicate record -o DIR -- CMD')),
};

/** Calls whose rows belong together: what uses them is turned off together. */
function groupOf(name: string): string {
  const group = /^(io_uring|io|pkey|mq|shm|sem|msg|landlock|lsm|fs|fanotify|kexec)_?/.exec(name);
  return group ? group[1]! : name;
}

export const refusedCalls: Rule = {
  name: 'refused-call',
  look: ({ calls }) => {
    const refused = calls.filter(({ row }) => row && verdictOf(row) === 'refused');
    const groups = new Map<string, typeof refused>();
    for (const call of refused.filter((each) => successes(each) > 0)) {
      const group = groupOf(call.name);
      groups.set(group, [...groups.get(group) ?? [], call]);
    }
    return [...groups].map(([group, members]) => {
      const first = members[0]!.row!;
      const names = listed(members.map(({ name }) => name));
      const made = times(members.reduce((sum, { count }) => sum + count, 0));
      const what = `${names} (made ${made}) ${members.length > 1 ? 'are' : 'is'} answered ` +
        `${first.policy.refusal}: ${reasonOf(first)}`;
      const fallbacks = members.map(({ row }) => fallbackOf(row!));
      if (fallbacks.every((each) => each !== undefined)) {
        return finding('note', `${what}; ${fallbacks[0]!}`);
      }
      return finding('prevents', what, `turn off what uses ${group} in the program's settings, ` +
        'or record it and see whether it goes on without: hs-replicate record -o DIR -- CMD');
    });
  },
};

/** A value names the refusal, in words or as a number. */
function isOf(refusal: Refusal, argument: CallArgument): boolean {
  const number = numberOf(argument);
  if (number !== undefined) return isRefused(refusal, number);
  const words = wordsOf(argument);
  if (refusal.name.endsWith('*')) {
    return words.some((word) => word.startsWith(refusal.name.slice(0, -1)));
  }
  const [wanted, , ...without] = refusal.name.split(' ').filter((word) => word !== 'or');
  return words.includes(wanted!) && !without.some((word) => words.includes(word));
}

export const refusedArguments: Rule = {
  name: 'refused-argument',
  look: (facts) => refusals.flatMap((refusal) => {
    const { call, insteadOf, argument: label } = refusal;
    const names = [call, ...insteadOf === undefined ? [] : [insteadOf]];
    const made = names.map((name) => seenCall(facts, name)).filter((each) => each !== undefined);
    const values = made.filter((each) => successes(each) > 0)
      .flatMap(({ name }) => argumentsOf(facts, name, label));
    const count = values.filter((argument) => isOf(refusal, argument))
      .reduce((sum, argument) => sum + argument.count, 0);
    if (count === 0) return [];
    return [finding(
      'prevents',
      `${call} with ${refusal.name} (${times(count)}) is answered ${refusal.errno}: ` +
        refusal.why,
      "turn off what asks for it in the program's settings (sandboxing, for instance)",
    )];
  }),
};

export const unknownRequests: Rule = {
  name: 'ioctl',
  look: (facts) => {
    const call = seenCall(facts, 'ioctl');
    if (!call || successes(call) <= 0) return [];
    const unknown = argumentsOf(facts, 'ioctl', 'request').filter((argument) => {
      const number = numberOf(argument);
      return number !== undefined && !isCarried(Number(number & 0xffffffffn));
    });
    if (unknown.length === 0) return [];
    const names = unknown.map((argument) => ioctlName(Number(numberOf(argument)!)));
    return [finding(
      'prevents',
      `what ioctl ${listed(names)} write${names.length > 1 ? '' : 's'} to memory is not known, ` +
        'so it may not be carried',
      'start the program without the device that it asks',
    )];
  },
};
