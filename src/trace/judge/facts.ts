/* facts.ts: an Observation made ready for the judge: calls with their rows, arguments read back
 * into numbers, instructions found in the program's files, the files of its processes looked at.
 * The rule: nothing is decided here; what cannot be read is absent, and `gaps` says so. */
import { errnoOf, UserError } from '../../errors.js';
import { findSites, instructionNames, type InstructionName } from '../../code/index.js';
import { inspectProgram, type ProgramFile } from '../../program-file.js';
import type { Call } from '../../calls/row.js';
import { calls } from '../../calls/table.js';
import type { CallArgument, CallStats, Observation } from '../observation.js';

/** A call that was seen, and its row. */
export interface SeenCall extends CallStats {
  readonly row: Call | undefined;
}

/** Where a file has an instruction. */
export interface SeenInstruction {
  readonly name: InstructionName;
  readonly file: string;
  /** Places that surely are the instruction, and places that may be. */
  readonly offsets: readonly number[];
}

export interface Facts {
  readonly observation: Observation;
  readonly calls: readonly SeenCall[];
  readonly instructions: readonly SeenInstruction[];
  /** Files in which there are bytes that may be such instructions, or may not. */
  readonly doubtful: readonly string[];
  readonly programs: readonly ProgramFile[];
  readonly gaps: readonly string[];
}

/** How the judge looks at files; a test puts its own in. */
export interface Eyes {
  findSites: typeof findSites;
  inspectProgram: typeof inspectProgram;
}
export const ownEyes: Eyes = { findSites, inspectProgram };

const rows = new Map(calls.map((call) => [call.nr, call]));

export async function gatherFacts(observation: Observation, eyes: Eyes): Promise<Facts> {
  const gaps = [...observation.gaps];
  const seen = observation.calls.map((call) => ({ ...call, row: rows.get(call.nr) }));
  const programs: ProgramFile[] = [];
  const exes = new Set(observation.processes.flatMap(({ exe }) => (exe === null ? [] : [exe])));
  for (const exe of exes) {
    try {
      programs.push(eyes.inspectProgram(exe));
    } catch (error) {
      if (errnoOf(error) === undefined && !(error instanceof UserError)) throw error;
      gaps.push(`${exe} could not be read: what kind of program it is, is not known`);
    }
  }
  const { instructions, doubtful } = await readCode(observation, eyes, gaps);
  return { observation, calls: seen, instructions, doubtful, programs, gaps };
}

async function readCode(
  observation: Observation, eyes: Eyes, gaps: string[],
): Promise<Pick<Facts, 'instructions' | 'doubtful'>> {
  const paths = new Set(observation.processes.flatMap(({ files }) =>
    files.filter(({ isExecutable, path }) => isExecutable && path.startsWith('/'))
      .map(({ path }) => path)));
  if (paths.size === 0) return { instructions: [], doubtful: [] };
  const { files, problem } = await eyes.findSites([...paths], instructionNames);
  if (problem !== undefined) gaps.push(`not all code was read: ${problem}`);
  const instructions = files.flatMap(({ path: file, sites }) => instructionNames
    .map((name) => {
      const offsets = sites.filter(({ kind }) => kind === name).map(({ offset }) => offset);
      return { name, file, offsets };
    })
    .filter(({ offsets }) => offsets.length > 0));
  const doubtful = files.filter(({ sites }) => sites.some(({ kind }) => kind === 'unknown'))
    .map(({ path }) => path);
  return { instructions, doubtful };
}

/** A call by name, when it was made. */
export const seenCall = (facts: Facts, name: string): SeenCall | undefined =>
  facts.calls.find((call) => call.name === name && call.count > 0);

/** How often a call came back without an error. */
export const successes = ({ count, errors }: CallStats): number => count - errors;

/** What a call's argument was, as seen. */
export function argumentsOf(
  { observation, calls: seen }: Facts, name: string, label: string,
): readonly CallArgument[] {
  const nr = seen.find((call) => call.name === name)?.nr;
  return observation.arguments.filter((one) => one.nr === nr && one.label === label);
}

/** The number an argument's value is, when it was given as one: `0x5413`, `22`. */
export function numberOf({ value }: Pick<CallArgument, 'value'>): bigint | undefined {
  return /^(0x[0-9a-f]+|[0-9]+)$/i.test(value) ? BigInt(value) : undefined;
}

/** The words of a value: `MAP_SHARED|PROT_WRITE` are two. */
export const wordsOf = ({ value }: Pick<CallArgument, 'value'>): string[] =>
  value.split(/[|, ]+/).filter((word) => word !== '');

/** `once`, `twice`, `5 times`. */
export function times(count: number): string {
  if (count === 1) return 'once';
  return count === 2 ? 'twice' : `${count.toLocaleString('en')} times`;
}

/** `a`, `a and b`, `a, b and c`; with more than `most`, `a, b and 3 more`. */
export function listed(names: readonly string[], most = 4): string {
  const shown = names.length > most ? names.slice(0, most - 1) : [...names];
  if (names.length > shown.length) shown.push(`${names.length - shown.length} more`);
  if (shown.length < 2) return shown.join('');
  return `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)!}`;
}
