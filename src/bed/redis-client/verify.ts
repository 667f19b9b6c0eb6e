/* verify.ts: the end of a run: the whole data set is read back and compared with the model.
 * The rule: a surviving connection does it; a new one is opened only when none survived, so that
 * the report can still say what the server has lost. */
import type { Connection } from './connection.js';
import { isPresent, matches, readBack, type KeyBook } from './model.js';
import type { Reply } from './resp.js';
import type { Shared } from './shared.js';

export interface Verification {
  /** False if no connection could be used: then every acknowledged write counts as lost. */
  isDone: boolean;
  keysCompared: number;
  /** Keys whose value is neither the acknowledged one nor that of an unanswered write. */
  keysWrong: number;
  isSizeRight: boolean;
  samples: string[];
}

const maxSamples = 10;
const batch = 32;

export function unverified(books: readonly KeyBook[]): Verification {
  const keys = books.reduce((sum, book) => sum + book.keys().length, 0);
  const samples = ['no connection was left to read the data set back'];
  return { isDone: false, keysCompared: 0, keysWrong: keys, isSizeRight: false, samples };
}

export async function verify(
  connection: Connection,
  books: readonly KeyBook[],
  shared: Shared,
): Promise<Verification> {
  const result: Verification = {
    isDone: true, keysCompared: 0, keysWrong: 0, isSizeRight: false, samples: [],
  };
  for (const book of books) await compareBook(connection, book, result);
  await compareCounters(connection, shared, result);
  await compareSize(connection, books, shared, result);
  return result;
}

async function compareBook(connection: Connection, book: KeyBook, result: Verification) {
  const keys = book.keys();
  for (let at = 0; at < keys.length; at += batch) {
    const some = keys.slice(at, at + batch);
    await Promise.all(some.map((key) => compareKey(connection, book, key, result)));
  }
}

async function compareKey(
  connection: Connection,
  book: KeyBook,
  key: string,
  result: Verification,
): Promise<void> {
  const allowed = book.allowed(key);
  // Alternatives of one key are of one type, or absent: one request reads all of them.
  const asked = allowed.find((state) => state.type !== 'absent') ?? allowed[0];
  if (!asked) return;
  result.keysCompared++;
  await connection.call(readBack(key, asked), (reply, raw) => {
    if (allowed.some((state) => matches(state, reply, raw))) return undefined;
    result.keysWrong++;
    note(result, `${key} is not as acknowledged`);
    return `the acknowledged value of ${key}`;
  });
}

async function compareCounters(connection: Connection, shared: Shared, result: Verification) {
  for (const { key, sent, acknowledged } of shared.counters) {
    result.keysCompared++;
    await connection.call(['GET', key], (reply) => {
      const value = reply.kind === 'bulk' && reply.data ? Number(reply.data.toString()) : 0;
      if (value >= acknowledged && value <= sent) return undefined;
      result.keysWrong++;
      note(result, `${key} is ${value}, and ${acknowledged} of ${sent} INCR were acknowledged`);
      return `between ${acknowledged} and ${sent}`;
    });
  }
}

async function compareSize(
  connection: Connection,
  books: readonly KeyBook[],
  shared: Shared,
  result: Verification,
): Promise<void> {
  let least = shared.counters.filter(({ acknowledged }) => acknowledged > 0).length;
  let most = shared.counters.filter(({ sent }) => sent > 0).length + shared.mortalKeys.size;
  most += 1; // the queue, if its last items were not taken
  for (const book of books) {
    for (const key of book.keys()) {
      const states = book.allowed(key);
      if (states.every((state) => isPresent(state))) least++;
      if (states.some((state) => isPresent(state) || state.type === 'unknown')) most++;
    }
  }
  const isRight = (reply: Reply) => {
    return reply.kind === 'integer' && reply.value >= least && reply.value <= most;
  };
  await connection.call(['DBSIZE'], (reply) => {
    result.isSizeRight = isRight(reply);
    if (result.isSizeRight) return undefined;
    const size = reply.kind === 'integer' ? reply.value : reply.kind;
    note(result, `DBSIZE is ${size}, and the model has ${least} to ${most} keys`);
    return `${least} to ${most}`;
  });
}

function note(result: Verification, text: string): void {
  if (result.samples.length < maxSamples) result.samples.push(text);
}
