// records.ts: makes records for tests, from a seed, so that a failure can be repeated.

import { encodeRecord, encodedBytes, type RecordFields } from '../../../src/channel/record.js';

/** A small, fast generator (mulberry32): the same numbers from the same seed everywhere. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 0x100000000;
  };
}

/** The seed of this run: HOTSWAP_SEED or a new one, printed so that a failure can be repeated. */
export function runSeed(test: string): number {
  const seed = Number(process.env.HOTSWAP_SEED ?? Date.now() % 0x7fffffff);
  console.log(`${test}: seed ${seed} (repeat with HOTSWAP_SEED=${seed})`);
  return seed;
}

export function someRecord(seq: number, dataBytes: number, random: () => number): RecordFields {
  const data = new Uint8Array(dataBytes);
  for (let i = 0; i < dataBytes; i++) data[i] = random() * 256;
  return {
    method: Math.floor(random() * 0x300),
    pid: 100 + Math.floor(random() * 50),
    seq,
    tid: 100 + Math.floor(random() * 50),
    object: Math.floor(random() * 0xffffffff),
    result: BigInt(Math.floor((random() - 0.5) * 2 ** 50)),
    check: BigInt(Math.floor(random() * 2 ** 50)) << 13n,
    data,
  };
}

/** A run of records from `firstSeq` on; `size` gives the bytes of data of each. */
export function makeRun(
  firstSeq: number,
  count: number,
  random: () => number,
  size: () => number = () => (random() < 0.5 ? 0 : Math.floor(random() * 300)),
): { bytes: Uint8Array; fields: RecordFields[] } {
  const fields = Array.from({ length: count }, (_, i) => someRecord(firstSeq + i, size(), random));
  return { bytes: packRun(fields), fields };
}

export function packRun(fields: RecordFields[]): Uint8Array {
  const total = fields.reduce((sum, { data }) => sum + encodedBytes(data.length), 0);
  const bytes = new Uint8Array(total);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const record of fields) at += encodeRecord(view, at, record);
  return bytes;
}
