/* observe-layout.ts: the structures of observe.h as TypeScript sees them: offsets in bytes,
 * little-endian, u32 unless said otherwise.
 * The rule: observe.h is the source; test/trace/layout.test.ts compares every number here with
 * the compiler's. */

export const observeRows = 1024;
export const observeNative = 512;
export const observeOther = 1023;
export const observeBuckets = 40;
export const observeRules = 2;
export const observePath = 256;
export const observeText = 88;
export const observeShort = 80;

/** enum hs_observe_kind */
export const observeKind = { none: 0, value: 1, pair: 2, word: 3, family: 4 } as const;

/** struct hs_observe_rule: kind and argument are u16, mask is u64. */
export const ruleOffsets = { kind: 0, argument: 2, mask: 8 } as const;
export const ruleBytes = 16;

/** struct hs_observe_settings */
export const settingsOffsets = { detail: 0, streams: 4, stops: 8, target: 12, rules: 16 } as const;
export const settingsBytes = 16 + observeNative * observeRules * ruleBytes;

/** struct hs_observe_state */
export const stateOffsets = {
  self: 0, level: 4, arming: 8, root: 12, live: 16, marked: 20, spaces: 24,
} as const;

/** struct hs_observe_count and struct hs_observe_time: u64 words. */
export const countWords = { count: 0, errors: 1 } as const;
export const countBytes = 16;
export const timeWords = { ns: 0, buckets: 1 } as const;
export const timeBytes = 8 + 8 * observeBuckets;

/** Parts of `what` of a tally; the rest is the row. */
export const tallyOf = {
  site: 0, argument: 0x10000, second: 0x1000, signal: 0x20000, library: 0x30000,
} as const;

/** struct hs_observe_tally: value is u64. */
export const tallyOffsets = { what: 0, space: 4, value: 8 } as const;
export const tallyBytes = 16;

/** struct hs_observe_slot: the tally, and a count, u64. */
export const slotOffsets = { key: 0, count: 16 } as const;
export const slotBytes = 24;

/** struct hs_observe_text: text is a string. */
export const textOffsets = { row: 0, text: 4 } as const;
export const textBytes = 4 + observeText;

/** enum hs_observe_loss */
export const lossRow = { events: 0, facts: 1, tallies: 2, threads: 3 } as const;

/** enum hs_observe_happened */
export const happened = { found: 1, fork: 2, exec: 3, exit: 4, map: 5 } as const;

/** struct hs_observe_fact: timeNs and a to d are u64, comm and path strings. */
export const factOffsets = {
  happened: 0, pid: 4, tid: 8, parent: 12, space: 16, timeNs: 24, a: 32, b: 40, c: 48, d: 56,
  comm: 64, path: 80,
} as const;
export const factBytes = 80 + observePath;

/** struct hs_observe_event: timeNs, ns and ip are u64, result is i64. */
export const eventOffsets = {
  timeNs: 0, ns: 8, ip: 16, result: 24, pid: 32, tid: 36, row: 40,
} as const;
export const eventBytes = 48;
