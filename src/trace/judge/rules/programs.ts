/* programs.ts: rules about the files of the program and the instructions in them.
 * The rule: an instruction in a library prevents it when it was executed; in the program's own file
 * it does so by being there. */
import { CALL_ROWS } from '../../../calls/row.js';
import type { InstructionName } from '../../../code/index.js';
import { inspectProgram } from '../../../program-file.js';
import { uncaught } from '../../uncaught.js';
import { listed, times, type Facts } from '../facts.js';
import { finding, type Rule } from './rule.js';

type ProgramFile = ReturnType<typeof inspectProgram>;
const paths = (files: readonly ProgramFile[]): string => listed(files.map(({ path }) => path), 3);

export const privileged: Rule = {
  name: 'set-uid',
  look: ({ programs }) => {
    const files = programs.filter(({ isPrivileged }) => isPrivileged);
    return files.length === 0 ? [] : [finding(
      'prevents', `${paths(files)} is set-uid or set-gid: the kernel drops the shim at its start`,
      'take the bit away (chmod u-s,g-s), or start a copy as the user it would become')];
  },
};

export const otherProcessor: Rule = {
  name: 'not-x86-64',
  look: ({ programs, calls }) => {
    const files = programs.filter(({ kind, isX8664 }) => kind === 'elf' && !isX8664);
    const old = calls.filter(({ nr, count }) => nr >= CALL_ROWS && count > 0);
    return [
      ...files.length === 0 ? [] : [finding(
        'prevents', `${paths(files)} is not for x86-64`, 'use a 64-bit x86 build')],
      ...old.length === 0 || files.length > 0 ? [] : [finding(
        'prevents', `it makes calls of the 32-bit interface: ${listed(old.map((c) => c.name))}`,
        'use a build whose code is all 64-bit')],
    ];
  },
};

export const uncaughtInstructions: Rule = {
  name: 'instructions',
  look: (facts) => uncaught.flatMap((name) => look(facts, name)),
};

function look({ observation, instructions, programs }: Facts, name: InstructionName) {
  const files = instructions.filter((each) => each.name === name).map(({ file }) => file);
  const executed = observation.library.filter((each) => each.name === name && each.count > 0);
  const what = `${name}, whose answer nothing intercepts,`;
  const change = 'use a build without it, or tell its library not to use it';
  if (executed.length > 0) {
    const count = executed.reduce((sum, each) => sum + each.count, 0);
    const where = listed([...new Set(executed.map(({ file }) => file))], 3);
    return [finding('prevents', `${what} was executed ${times(count)} in ${where}`, change)];
  }
  const own = files.filter((file) => programs.some(({ path }) => path === file));
  if (own.length > 0) {
    return [finding('prevents', `${what} stands in the program's own code: ${listed(own)}`,
      change)];
  }
  return files.length === 0 ? [] : [finding('note',
    `${name} is in ${listed(files, 3)}: if it is executed, the program cannot be replicated`)];
}

export const sameProcessor: Rule = {
  name: 'processor',
  look: ({ instructions }) => instructions.some(({ name }) => name === 'cpuid')
    ? [finding('note', 'its code asks for the processor (cpuid): both hosts need the same kind')]
    : [],
};
