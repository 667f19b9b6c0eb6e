/* results.ts: what is kept of a run: results/NAME.json, one file per program, each of its parts
 * with the command that made it.
 * The rule: a part that was not run keeps what it was; a part that was run is replaced as a whole,
 * good or bad. */
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

const recordPart = z.object({
  command: z.string(),
  runs: z.number(),
  /** Runs whose replay came to the log's end, without divergence, with equal memory. */
  good: z.number(),
  records: z.number(),
  processes: z.number(),
  threads: z.number(),
  exchanges: z.number(),
  faults: z.array(z.string()),
});

const pairPart = z.object({
  command: z.string(),
  commit: z.string(),
  kills: z.number(),
  good: z.number(),
  clients: z.number(),
  lost: z.number(),
  resets: z.number(),
  wrong: z.number(),
  acknowledged: z.number(),
  acknowledgedLost: z.number(),
  unaccepted: z.number(),
  exchanges: z.number(),
  /** The longest pause of any client, of each kill: the median and the greatest. */
  pauseMs: z.object({ p50: z.number(), max: z.number() }).nullable(),
  faults: z.array(z.string()),
});

const overheadPart = z.object({
  command: z.string(),
  turns: z.number(),
  /** Exchanges a second, medians of the turns. */
  native: z.number(),
  recorded: z.number(),
  /** The median of native/recorded of each turn. */
  ratio: z.number(),
});

export const resultSchema = z.object({
  name: z.string(),
  version: z.string(),
  record: recordPart.optional(),
  pair: pairPart.optional(),
  overhead: overheadPart.optional(),
});

export type RecordPart = z.output<typeof recordPart>;
export type PairPart = z.output<typeof pairPart>;
export type OverheadPart = z.output<typeof overheadPart>;
export type Result = z.output<typeof resultSchema>;

const folder = fileURLToPath(new URL('results/', import.meta.url));

const fileOf = (name: string): string => `${folder}${name}.json`;

export function readResult(name: string): Result | undefined {
  if (!existsSync(fileOf(name))) return undefined;
  return resultSchema.parse(JSON.parse(readFileSync(fileOf(name), 'utf8')));
}

export function readResults(): Result[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).filter((file) => file.endsWith('.json')).sort()
    .map((file) => readResult(file.replace(/\.json$/, ''))!);
}

/** Keeps a result; parts that it lacks stay as they were. */
export function saveResult(result: Result): void {
  mkdirSync(folder, { recursive: true });
  const all = { ...readResult(result.name), ...result };
  writeFileSync(fileOf(result.name), `${JSON.stringify(all, null, 2)}\n`);
}
