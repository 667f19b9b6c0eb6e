// conformance.ts: the rows a program of test/calls/ has to reach; the suite fails on one it misses.
import { calls } from '../../src/calls/table.js';
import { verdictOf } from '../../src/calls/verdicts.js';

export function conformance(): string {
  const rows = calls.map((call) => ({
    nr: call.nr,
    name: call.name,
    family: call.family,
    policy: call.policy.name,
    verdict: verdictOf(call),
    ...(call.policy.refusal && { refusal: call.policy.refusal }),
  }));
  return `[\n${rows.map((row) => `  ${JSON.stringify(row)}`).join(',\n')}\n]\n`;
}
