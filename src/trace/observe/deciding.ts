/* deciding.ts: the arguments that decide what a call means, and the words for their values: one
 * table, from which the kernel half's rules come and by which its tallies are read.
 * Where a value is judged (src/calls/refusals.ts) it must be one that can be read back: words of
 * the kernel's headers joined by `|`, or a number.
 * The rule: an argument is found by its label in the call table; two of one call at most. */
import { observeKind } from '../../../bpf/observe-layout.js';
import { calls } from '../../calls/table.js';
import { refusals } from '../../calls/refusals.js';
import { invariant } from '../../errors.js';
import type { KernelRule } from './kernel.js';
import * as words from './words.js';

interface Deciding {
  readonly call: string;
  /** Label of the argument in the call table, or its place where the row says less. */
  readonly argument: string | number;
  /** As an Observation labels it. */
  readonly label: string;
  readonly kind?: keyof typeof observeKind;
  readonly mask?: bigint;
  readonly say: (value: bigint) => string;
}

const whole = 0xffffffffn;

const table: readonly Deciding[] = [
  { call: 'socket', argument: 0, label: 'family', say: words.families },
  { call: 'socket', argument: 1, label: 'type', say: words.socketTypes },
  { call: 'socketpair', argument: 0, label: 'family', say: words.families },
  { call: 'socketpair', argument: 1, label: 'type', say: words.socketTypes },
  { call: 'bind', argument: 1, label: 'family', kind: 'family', say: words.families },
  { call: 'connect', argument: 1, label: 'family', kind: 'family', say: words.families },
  { call: 'setsockopt', argument: 1, label: 'option', kind: 'pair', say: words.pairs },
  { call: 'ioctl', argument: 'request', label: 'request', say: words.hex },
  { call: 'fcntl', argument: 'command', label: 'command', say: words.fcntlCommands },
  { call: 'mmap', argument: 2, label: 'flags', kind: 'pair', mask: 0x17_0000_0007n | 0x20n << 32n,
    say: words.mappings },
  { call: 'futex', argument: 1, label: 'operation', mask: 0x7fn, say: words.futexOperations },
  { call: 'clone', argument: 'flags', label: 'flags', mask: whole & ~0xffn, say: words.cloneFlags },
  { call: 'clone3', argument: 0, label: 'flags', kind: 'word', say: words.cloneFlags },
  { call: 'unshare', argument: 'flags', label: 'flags', say: words.cloneFlags },
  { call: 'setns', argument: 'flags', label: 'flags', say: words.cloneFlags },
  { call: 'prctl', argument: 'option', label: 'option', say: words.decimal },
  { call: 'arch_prctl', argument: 'option', label: 'option', say: words.hex },
  { call: 'seccomp', argument: 'option', label: 'option', say: words.decimal },
  { call: 'ptrace', argument: 'option', label: 'option', say: words.decimal },
  { call: 'bpf', argument: 'option', label: 'option', say: words.decimal },
  { call: 'personality', argument: 'persona', label: 'persona', say: words.hex },
  { call: 'madvise', argument: 'advice', label: 'advice', say: words.decimal },
  { call: 'membarrier', argument: 'command', label: 'command', say: words.hex },
  { call: 'io_uring_setup', argument: 0, label: 'entries', say: words.decimal },
  { call: 'memfd_create', argument: 'flags', label: 'flags', say: words.hex },
  { call: 'getrandom', argument: 'flags', label: 'flags', say: words.hex },
  { call: 'shmget', argument: 'flags', label: 'flags', say: words.hex },
  { call: 'clock_gettime', argument: 'clock', label: 'clock', say: words.clocks },
  { call: 'clock_getres', argument: 'clock', label: 'clock', say: words.clocks },
  { call: 'clock_nanosleep', argument: 'clock', label: 'clock', say: words.clocks },
  { call: 'timer_create', argument: 'clock', label: 'clock', say: words.clocks },
  { call: 'timerfd_create', argument: 'clock', label: 'clock', say: words.clocks },
  { call: 'clock_settime', argument: 'clock', label: 'clock', say: words.clocks },
];

/** What the judge looks for and the table above does not name is seen as numbers. */
function judged(): Deciding[] {
  const known = new Set(table.map(({ call, label }) => `${call} ${label}`));
  const all = refusals.map(({ call, argument }) =>
    ({ call, argument, label: argument, say: words.hex }));
  return all.filter(({ call, label }) => {
    const key = `${call} ${label}`;
    return !known.has(key) && known.add(key);
  });
}

interface Placed extends Deciding {
  readonly nr: number;
  readonly rule: KernelRule;
}

function place(one: Deciding): Placed {
  const call = calls.find(({ name }) => name === one.call);
  invariant(call, `deciding argument of ${one.call}: no such call`);
  const argument = typeof one.argument === 'number'
    ? one.argument : call.arguments.findIndex(({ label }) => label === one.argument);
  invariant(argument >= 0, `${one.call} has no argument ${one.argument}`);
  const { nr } = call;
  const mask = one.mask ?? (one.kind === 'pair' || one.kind === 'word' ? ~0n : whole);
  return { ...one, nr,
    rule: { nr, kind: observeKind[one.kind ?? 'value'], argument,
      mask: BigInt.asUintN(64, mask) } };
}

const placed = [...table, ...judged()].map(place);

export const decidingRules: readonly KernelRule[] = placed.map(({ rule }) => rule);

/** Label and words of a tally: the rule is the first or the second of its call. */
export function describeArgument(
  nr: number, which: number, value: bigint,
): { label: string; value: string } {
  const one = placed.filter((each) => each.nr === nr)[which];
  invariant(one, `call ${nr} has no deciding argument ${which}`);
  return { label: one.label, value: one.say(value) };
}
