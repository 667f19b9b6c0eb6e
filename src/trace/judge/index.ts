/* index.ts: the judge: from what was seen of a program to what it means for replication.
 * The rules are in rules/, one idea each; the first effect that prevents decides.
 * The rule: the verdict stands on the call table and on facts, never on a program's name. */
import type { Observation } from '../observation.js';
import { reasonsOf, type Finding, type Report, type Verdict } from '../report.js';
import { gatherFacts, ownEyes, type Eyes, type Facts } from './facts.js';
import { refusedArguments, refusedCalls, unknownCalls, unknownRequests } from './rules/calls.js';
import {
  otherProcessor, privileged, sameProcessor, uncaughtInstructions,
} from './rules/programs.js';
import type { Rule } from './rules/rule.js';
import { foreignMemory, manyThreads, sharedMemory, threads } from './rules/sharing.js';
import { idle, watching } from './rules/watching.js';
import { findSources } from './sources.js';

export type { Eyes } from './facts.js';

/** In the order their findings are shown. */
const rules: readonly Rule[] = [
  privileged, otherProcessor, unknownCalls, refusedCalls, refusedArguments, unknownRequests,
  foreignMemory, manyThreads, uncaughtInstructions, threads, sharedMemory, sameProcessor, idle,
  watching,
];

/** Names of all rules: each has a test. */
export const ruleNames: readonly string[] = rules.map(({ name }) => name);

export interface JudgeOptions {
  /** How files are looked at; default: as they are. */
  eyes?: Partial<Eyes>;
}

/** Judges an observation. Reads the files that it names, and throws nothing for one that is gone:
 * that is a finding. */
export async function judge(
  observation: Observation, { eyes }: JudgeOptions = {},
): Promise<Report> {
  const facts = await gatherFacts(observation, { ...ownEyes, ...eyes });
  const findings = findAll(facts);
  const verdict = verdictOf(findings);
  return {
    observation, sources: findSources(facts), verdict, sentence: sentenceOf(verdict, findings),
    findings,
  };
}

const weight = { prevents: 0, serial: 1, note: 2 } as const;

function findAll(facts: Facts): Finding[] {
  const all = rules.flatMap(({ name, look }) =>
    look(facts).map((each) => ({ rule: name, ...each })));
  return all.sort((a, b) => weight[a.effect] - weight[b.effect]);
}

function verdictOf(findings: readonly Finding[]): Verdict {
  if (findings.some(({ effect }) => effect === 'prevents')) return 'not replicable';
  const isSerial = findings.some(({ effect }) => effect === 'serial');
  return isSerial ? 'replicable with --schedule serial' : 'replicable';
}

function sentenceOf(verdict: Verdict, findings: readonly Finding[]): string {
  const decisive = verdict === 'not replicable' ? 'prevents' : 'serial';
  const clauses = reasonsOf({ findings }).filter(({ effect }) => effect === decisive)
    .map(({ because }) => because);
  return clauses.length === 0 ? verdict : `${verdict} because ${clauses.join('; ')}`;
}
