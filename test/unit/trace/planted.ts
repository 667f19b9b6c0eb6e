/* planted.ts: observations made by hand for the tests of the judge and of the pages: an empty
 * one, and what is planted in it. Files are not looked at: the eyes are planted too.
 * The rule: nothing is there that a test did not plant. */
import type { CodeFiles, InstructionName, SiteKind } from '../../../src/code/index.js';
import type { ProgramFile } from '../../../src/program-file.js';
import { calls as rows } from '../../../src/calls/table.js';
import { judge, type Eyes } from '../../../src/trace/judge/index.js';
import { HISTOGRAM_BUCKETS, type CallArgument, type CallSite, type CallStats, type Observation,
  type ObservedProcess } from '../../../src/trace/observation.js';
import type { Cause, Report } from '../../../src/trace/report.js';

export function observation(planted: Partial<Observation> = {}): Observation {
  return {
    command: ['subject'], detail: 'full', startedMs: 1_790_000_000_000, durationMs: 1000,
    processes: [process()], calls: [], sites: [], arguments: [], library: [], timeline: null,
    shared: [], events: 0, lostPerCpu: [0, 0], gaps: [], nsPerEvent: 120, ...planted,
  };
}

export function process(planted: Partial<ObservedProcess> = {}): ObservedProcess {
  return {
    pid: 100, parent: 1, exe: '/bin/subject', comm: 'subject', threadsMax: 1, threadsEver: 1,
    execs: 1, exit: { code: 0, signal: 0 }, signals: {},
    files: [{ path: '/bin/subject', isExecutable: true }], ...planted,
  };
}

export const nrOf = (name: string): number => {
  const row = rows.find((each) => each.name === name);
  if (!row) throw new Error(`no row ${name}`);
  return row.nr;
};

export function call(name: string, count = 1, more: Partial<CallStats> = {}): CallStats {
  const known = rows.some((each) => each.name === name);
  return {
    nr: known ? nrOf(name) : Number(name.replace('syscall_', '')), name, count, errors: 0,
    ns: count * 700, histogram: Array.from({ length: HISTOGRAM_BUCKETS }, (_, at) =>
      (at === 9 ? count : 0)), ...more,
  };
}

export const argument = (of: string, label: string, value: string, count = 1): CallArgument =>
  ({ nr: nrOf(of), label, value, count });

export const site = (of: string, file: string, symbol: string, count = 1): CallSite =>
  ({ nr: nrOf(of), file, symbol, offset: 0x1000, count });

export interface Planted extends Partial<Observation> {
  /** By file: the instructions that are in it. */
  code?: Readonly<Record<string, readonly SiteKind[]>>;
  programs?: Readonly<Record<string, Partial<ProgramFile>>>;
  isGone?: boolean;
}

/** The judge's report of what was planted. */
export async function judged({ code, programs, isGone, ...planted }: Planted): Promise<Report> {
  const eyes: Eyes = {
    findSites: async (files): Promise<CodeFiles> => ({
      files: files.map((path) => ({
        path, bytes: 1000, isCached: true,
        sites: (code?.[path] ?? []).map((kind, at) => ({ offset: at, kind, isPrefixed: false })),
      })),
    }),
    inspectProgram: (path) => {
      if (isGone) throw Object.assign(new Error('gone'), { code: 'ENOENT' });
      return {
        path, kind: 'elf', isX8664: true, isPrivileged: false, ...programs?.[path],
      };
    },
  };
  return judge(observation(planted), { eyes });
}

/** Everything the report's sources name, as `kind name`. */
export const namedIn = ({ sources }: Report): string[] =>
  sources.flatMap(({ kind, causes }) => causes.map(({ name }) => `${kind} ${name}`)).sort();

export const causeOf = ({ sources }: Report, name: string): Cause => {
  const found = sources.flatMap(({ causes }) => causes).find((cause) => cause.name === name);
  if (!found) throw new Error(`${name} is in no source`);
  return found;
};

/** The rules that found something of this effect. */
export const rulesOf = ({ findings }: Report, effect: string): string[] =>
  [...new Set(findings.filter((each) => each.effect === effect).map(({ rule }) => rule))];

export type { InstructionName };
