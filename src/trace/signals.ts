/* signals.ts: the names of signals, for people.
 * The rule: Node's table is the source; what it lacks are the real-time signals. */
import { constants } from 'node:os';

const names = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]));
// Two names for one number: the one that signal(7) gives first.
names.set(constants.signals.SIGABRT, 'SIGABRT').set(constants.signals.SIGIO, 'SIGIO');

/** Real-time signals are counted from SIGRTMIN as the kernel has it. */
export const signalName = (number: number): string =>
  names.get(number) ?? (number >= 32 && number <= 64 ? `SIGRT${number - 32}` : `signal ${number}`);
