// refusals.ts: calls that are made, but not with every argument: what would undo the shim, or leave
// what both sides share, is answered with an errno before the call's own function sees it.
// dispatch.c carries it out for irregular rows, hs-trace looks for it in what a program does.
// The rule: the C code refuses no argument by itself; a refusal stands here, with its reason.
import { type Errno } from './policies.js';

export interface Refusal {
  /** A row of the table, with an irregular policy. */
  readonly call: string;
  /** A refused call whose callers make this one instead, with the same argument. */
  readonly insteadOf?: string;
  /** The label of one of its arguments. */
  readonly argument: string;
  /** What the argument is called where it has this value. */
  readonly name: string;
  /** It is refused when `argument & mask` is this; 'any': when any bit of the mask is set. */
  readonly mask: number;
  readonly equals: number | 'any';
  readonly errno: Errno;
  readonly why: string;
}

const whole = 0xffffffff;
const own = "is the shim's own";

/** In the order of the calls' numbers. */
export const refusals: readonly Refusal[] = [
  {
    call: 'clone', insteadOf: 'clone3', argument: 'flags', name: 'CLONE_NEW*', mask: 0x7e020000,
    equals: 'any',
    errno: 'EPERM', why: 'a new namespace would leave those in which both sides are equal',
  },
  {
    call: 'clone', insteadOf: 'clone3', argument: 'flags',
    name: 'CLONE_VM without CLONE_THREAD or CLONE_VFORK',
    mask: 0x14100, equals: 0x100,
    errno: 'EPERM', why: 'processes would share all memory without being threads of one',
  },
  {
    call: 'prctl', argument: 'option', name: 'PR_SET_SECCOMP', mask: whole, equals: 22,
    errno: 'EINVAL', why: "a filter would judge the shim's calls instead of the program's",
  },
  {
    call: 'prctl', argument: 'option', name: 'PR_SET_TSC', mask: whole, equals: 26,
    errno: 'EINVAL', why: `trapping rdtsc ${own}`,
  },
  {
    call: 'prctl', argument: 'option', name: 'PR_SET_MM', mask: whole, equals: 35,
    errno: 'EPERM', why: `what the kernel knows of the address space ${own}`,
  },
  {
    call: 'prctl', argument: 'option', name: 'PR_SET_SYSCALL_USER_DISPATCH', mask: whole,
    equals: 59, errno: 'EINVAL', why: `syscall user dispatch ${own}`,
  },
  {
    call: 'arch_prctl', argument: 'option', name: 'ARCH_SET_GS', mask: whole, equals: 0x1001,
    errno: 'EPERM', why: `the gs base ${own}`,
  },
  {
    call: 'arch_prctl', argument: 'option', name: 'ARCH_GET_GS', mask: whole, equals: 0x1004,
    errno: 'EINVAL', why: `the gs base ${own}`,
  },
];

/** Whether this refusal is of the argument's value. */
export function isRefused({ mask, equals }: Refusal, value: bigint): boolean {
  const bits = value & BigInt(mask);
  return equals === 'any' ? bits !== 0n : bits === BigInt(equals);
}
