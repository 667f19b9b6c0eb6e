/* colors.ts: which colour a kind of source has on the page: the most frequent ones have one of
 * their own, the rest share one.
 * The rule: a kind has one colour on the whole page. */
import type { Source, SourceKind } from '../../report.js';

const own = 8;
const rest = 's8';

export interface Group {
  readonly name: string;
  readonly color: string;
  readonly of: readonly Source[];
}

export interface Colors {
  readonly of: (kind: SourceKind) => string;
  /** Sources by colour, the most frequent first, the rest together. */
  readonly groups: (sources: readonly Source[]) => Group[];
}

export function colorsOf(sources: readonly Source[]): Colors {
  const byCount = [...sources].sort((a, b) => b.count - a.count).map(({ kind }) => kind);
  const of = (kind: SourceKind): string => {
    const at = byCount.indexOf(kind);
    return at >= 0 && at < own ? `s${at}` : rest;
  };
  const groups = (all: readonly Source[]): Group[] => {
    const sorted = [...all].sort((a, b) => b.count - a.count);
    const single = sorted.filter(({ kind }) => of(kind) !== rest)
      .map((source) => ({ name: source.title, color: of(source.kind), of: [source] }));
    const others = sorted.filter(({ kind }) => of(kind) === rest);
    return others.length === 0 ? single : [...single, { name: 'others', color: rest, of: others }];
  };
  return { of, groups };
}
