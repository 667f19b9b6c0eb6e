// row.ts: one row of the call table, and the checks every row passes when the table is loaded.
// The rule: a row that cannot be right does not load; nothing downstream checks it again.
import { type Argument, isPointer } from './arguments.js';
import { type Policy } from './policies.js';
import { invariant } from '../errors.js';

/** As the programs of test/calls/ are grouped; also the file of src/calls/rows/ a call lives in. */
export type Family =
  | 'files'
  | 'descriptors'
  | 'sockets'
  | 'memory'
  | 'signals'
  | 'processes'
  | 'threads'
  | 'time'
  | 'ids'
  | 'ipc'
  | 'system';

export interface Row {
  /** System call number of x86_64. */
  readonly nr: number;
  /** The kernel's name. */
  readonly name: string;
  readonly arguments: readonly Argument[];
  readonly policy: Policy;
}

export interface Call extends Row {
  readonly family: Family;
}

/** Rows of the regular table are indexed by number; events follow it (shim/ring.h). */
export const CALL_ROWS = 0x200;

export function row(nr: number, name: string, args: readonly Argument[], policy: Policy): Row {
  invariant(Number.isInteger(nr) && nr >= 0 && nr < CALL_ROWS, `row ${name}: no number ${nr}`);
  invariant(args.length <= 6, `row ${name}: more than six arguments`);
  args.forEach((argument, at) => checkArgument(name, args, argument, at));
  return { nr, name, arguments: args, policy };
}

function checkArgument(call: string, args: readonly Argument[], one: Argument, at: number): void {
  const where = `row ${call}, argument ${at} (${one.label})`;
  invariant(!isPointer(one) || one.size > 0, `${where}: a pointer needs a size`);
  const { length } = one;
  if (length.from === 'argument') {
    const named = args.filter((other) => other.kind === 'VALUE' && other.label === length.label);
    invariant(named.length === 1, `${where}: its length names no single value '${length.label}'`);
  }
  if (one.kind === 'OUT_SIZED') {
    invariant(args[at + 1]?.kind === 'LENGTH', `${where}: the next argument must be its length`);
  }
}

/** The index of the argument that a length names. */
export function lengthArgument(args: readonly Argument[], label: string): number {
  return args.findIndex((other) => other.kind === 'VALUE' && other.label === label);
}

/** The whole table from its families: in the kernel's order, every number and name once. */
export function table(families: Partial<Record<Family, readonly Row[]>>): readonly Call[] {
  const all: Call[] = [];
  for (const [family, rows] of Object.entries(families) as [Family, readonly Row[]][]) {
    for (const each of rows) all.push({ ...each, family });
  }
  all.sort((a, b) => a.nr - b.nr);
  const names = new Set<string>();
  all.forEach((call, at) => {
    invariant(all[at - 1]?.nr !== call.nr, `two rows have the number ${call.nr}`);
    invariant(!names.has(call.name), `two rows have the name ${call.name}`);
    names.add(call.name);
  });
  return all;
}
