/* watching.ts: notes about the watching itself: what was not looked at, lost or could not be read.
 * The rule: a verdict never claims to rest on what was not watched. */
import { lostOf } from '../../report.js';
import { successes } from '../facts.js';
import { finding, type Rule } from './rule.js';

export const watching: Rule = {
  name: 'watching',
  look: ({ observation, gaps }) => [
    ...observation.detail === 'full' ? [] : [finding(
      'note', `it was watched at the level ${observation.detail}: arguments, instructions and ` +
        'shared memory were not looked at',
      'watch it with --detail full before trusting the verdict')],
    ...observation.command !== null ? [] : [finding(
      'note', 'it was watched while it ran: what it did at its start was not seen',
      'start it under hs-trace to see that too')],
    ...lostOf(observation) === 0 ? [] : [finding(
      'note', `${lostOf(observation).toLocaleString('en')} events found no room`)],
    ...gaps.map((gap) => finding('note', gap)),
  ],
};

export const idle: Rule = {
  name: 'idle',
  look: ({ calls }) => calls.some((call) => successes(call) > 0) ? [] : [finding(
    'note', 'not a single call was seen: the verdict rests on nothing')],
};
