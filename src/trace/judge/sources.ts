/* sources.ts: the sources of nondeterminism in what was seen: each kind with its causes, how often
 * each, from where, and what the shim does about it in the call table's own words.
 * The rule: a source is reported only when something was seen that is one. */
import { policies, type Verdict as Treatment } from '../../calls/policies.js';
import { sourceKinds, sourceOf, type SourceKind } from '../../calls/sources.js';
import { reasonOf, verdictOf } from '../../calls/verdicts.js';
import { signalName } from '../signals.js';
import type { CallSite, LibraryCall } from '../observation.js';
import type { Cause, Place, Source } from '../report.js';
import type { InstructionName } from '../../code/index.js';
import type { Facts, SeenCall } from './facts.js';

const placesShown = 12;
type Found = readonly [kind: SourceKind, cause: Cause];

export function findSources(facts: Facts): Source[] {
  const found: Found[] = [
    ...facts.calls.filter(({ count }) => count > 0).flatMap((call) => ofCall(facts, call)),
    ...ofLibrary(facts),
    ...ofInstructions(facts),
    ...ofSignals(facts),
    ...ofShared(facts),
    ...ofDevices(facts),
  ];
  return (Object.keys(sourceKinds) as SourceKind[]).flatMap((kind) => {
    const causes = found.filter(([of]) => of === kind).map(([, cause]) => cause)
      .sort((a, b) => (b.count ?? 0) - (a.count ?? 0));
    if (causes.length === 0) return [];
    const count = causes.reduce((sum, cause) => sum + (cause.count ?? 0), 0);
    return [{
      kind, title: sourceKinds[kind], count, timeline: timelineOf(facts, causes), causes,
    }];
  });
}

/** As many windows as the watching took: what lies behind its end is empty. */
function timelineOf({ observation, calls }: Facts, causes: Cause[]): number[] {
  const { timeline, durationMs } = observation;
  if (!timeline) return [];
  const windows = Math.ceil(durationMs / timeline.windowMs);
  const sums: number[] = Array.from({ length: windows }, () => 0);
  for (const { by, name } of causes) {
    const call = by === 'call' ? calls.find((each) => each.name === name) : undefined;
    const counts = call ? timeline.calls[call.nr] ?? [] : [];
    counts.forEach((count, at) => { sums[Math.min(at, windows - 1)]! += count; });
  }
  return sums.some((count) => count > 0) ? sums : [];
}

function ofCall({ observation }: Facts, call: SeenCall): Found[] {
  const { row, name, count, errors, nr } = call;
  const kind = row ? sourceOf(row) : 'unknown';
  if (kind === null) return [];
  const places = topPlaces(observation.sites.filter((site) => site.nr === nr));
  const cause: Cause = {
    by: 'call', name, count, errors, places, treatment: row ? verdictOf(row) : 'none',
    how: row ? howOf(call) : 'the call table has no row for it: it is refused and reported',
  };
  return [[kind, cause]];
}

/** What the shim does, in one line: the row's own reason, behind the word for its class. */
function howOf({ row }: SeenCall): string {
  const words: Record<Treatment, string> = {
    'replayed': 'the primary makes it, the backup is given what came of it',
    'ordered': 'the order in which it comes back is the record',
    're-executed': 'both sides make it, and it must come out the same',
    'refused': 'answered as by a kernel that lacks it',
  };
  const { policy } = row!;
  const general = policy.name === 'file' ? policies.file.backup : words[verdictOf(row!)];
  const reason = reasonOf(row!);
  return reason === undefined ? general : `${general}: ${reason}`;
}

const topPlaces = (sites: readonly (CallSite | LibraryPlace)[]): Place[] =>
  sites.map(({ file, symbol, offset, count }) => ({ file, symbol, offset, count }))
    .sort((a, b) => b.count - a.count).slice(0, placesShown);

type LibraryPlace = Pick<Place, 'file' | 'symbol' | 'offset' | 'count'>;

/** Which kind a function's answers are, when it gives them without a call. */
const ofFunction: Readonly<Record<string, SourceKind>> = {
  clock_gettime: 'time', gettimeofday: 'time', time: 'time', clock_getres: 'time',
  getcpu: 'host', sched_getcpu: 'host', getrandom: 'randomness',
};
const vdsoHow = 'the vDSO is hidden from the program: it makes the call instead, which is replayed';

function ofLibrary({ observation: { library } }: Facts): Found[] {
  const bare = ({ name }: LibraryCall): string => name.replace(/^_*(vdso_)?/, '');
  const own = library.filter(({ name, count }) => count > 0 && !(name in ofInstruction));
  return own.map((each): Found => {
    const { name, file, count } = each;
    const places = [{ file, symbol: name, offset: 0, count }];
    return [ofFunction[bare(each)] ?? 'time', {
      by: 'function', name, count, errors: 0, treatment: 'replayed', how: vdsoHow, places,
    }];
  });
}

interface InstructionWords {
  readonly treatment: Cause['treatment'];
  readonly how: string;
}
const uncaught: InstructionWords = {
  treatment: 'none', how: 'nothing intercepts it: what it answers is in no record',
};
const drawn: InstructionWords = {
  treatment: 'replayed', how: 'found as its code is mapped from a file, and rewritten',
};
const sameProcessor: InstructionWords = {
  treatment: 'none', how: 'nothing intercepts it: both hosts must have the same kind of processor',
};
const ofInstruction: Record<InstructionName, InstructionWords | null> = {
  rdtsc: { treatment: 'replayed', how: 'found before the start and rewritten, or trapped' },
  rdtscp: { treatment: 'replayed', how: 'found before the start and rewritten, or trapped' },
  rdrand: drawn,
  rdseed: drawn,
  rdpid: drawn,
  rdpmc: uncaught,
  xbegin: uncaught,
  cpuid: sameProcessor,
  xgetbv: sameProcessor,
  lock: null, // evidence of sharing: rules/threads.ts
};

function ofInstructions({ instructions, observation: { library } }: Facts): Found[] {
  const names = [...new Set(instructions.map(({ name }) => name))];
  return names.flatMap((name): Found[] => {
    const words = ofInstruction[name];
    if (words === null) return [];
    const files = instructions.filter((each) => each.name === name);
    const places = files.flatMap(({ file, offsets }) =>
      [{ file, symbol: null, offset: offsets[0]!, count: offsets.length }]);
    const ran = library.filter((each) => each.name === name)
      .reduce((sum, { count }) => sum + count, 0);
    const count = ran > 0 ? ran : null;
    const cause: Cause = {
      by: 'instruction', name, count, errors: 0, ...words, places: topPlaces(places),
    };
    return [['instructions', cause]];
  });
}

function ofSignals({ observation: { processes } }: Facts): Found[] {
  const counts = new Map<number, number>();
  for (const { signals } of processes) {
    for (const [number, count] of Object.entries(signals)) {
      counts.set(Number(number), (counts.get(Number(number)) ?? 0) + count);
    }
  }
  return [...counts].filter(([, count]) => count > 0).map(([number, count]): Found => ['signals', {
    by: 'signal', name: signalName(number), count, errors: 0, treatment: 'replayed',
    how: 'delivered at a record of its own, at the same place on the backup', places: [],
  }]);
}

function ofShared({ observation: { shared } }: Facts): Found[] {
  return shared.map(({ what, pids }): Found => ['sharedMemory', {
    by: 'memory', name: what, count: null, errors: 0, treatment: 'ordered', places: [],
    how: `mapped writable by ${pids.length} process${pids.length === 1 ? '' : 'es'}: ` +
      'one thread of the application runs at a time',
  }]);
}

/** Devices that were opened by name; those of random bytes are randomness. */
function ofDevices({ observation, calls }: Facts): Found[] {
  return observation.arguments.flatMap(({ nr, label, value, count }): Found[] => {
    if (label !== 'path' || !/^\/(dev|proc|sys)\//.test(value)) return [];
    const call = calls.find((each) => each.nr === nr)?.name ?? `call ${nr}`;
    const kind = /^\/dev\/u?random$/.test(value) ? 'randomness'
      : value.startsWith('/dev/shm/') ? 'sharedMemory'
        : value.startsWith('/dev/') ? 'devices' : 'host';
    return [[kind, {
      by: 'path', name: value, count, errors: 0, treatment: 'replayed', places: [],
      how: `${call}: opened on the primary alone; what is read from it is carried`,
    }]];
  });
}
