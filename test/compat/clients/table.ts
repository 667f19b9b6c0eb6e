/* table.ts: a client of a database with a table kv(k, v, n): it writes values under its own keys,
 * by transactions and without, and reads them back, each with the count of its writes.
 * The rule: nobody else writes a client's keys, so every answer is known beforehand. */
import type { Session, SessionContext } from '../program.js';
import { randomBody } from './http.js';
import { check, same, type Wire } from './wire.js';

type Row = (string | null)[];

export interface Dialect {
  logIn: (wire: Wire) => Promise<void>;
  query: (wire: Wire, text: string) => Promise<Row[]>;
  /** Inserts, or writes over what is there and adds one to n. */
  write: (key: string, value: string) => string;
}

export async function tableClient(context: SessionContext, dialect: Dialect): Promise<Session> {
  const wire = await context.wire();
  const { random, index } = context;
  const ask = async (text: string): Promise<Row[]> => await dialect.query(wire, text);
  await dialect.logIn(wire);
  const name = index < 0 ? `v${-index}-${random.between(0, 1e9)}` : `c${index}`;
  const book = new Map<string, { value: string; writes: number }>();
  const get = async (key: string): Promise<void> => {
    const rows = await ask(`select v, n from kv where k = '${key}'`);
    const expected = book.get(key);
    check(rows.length === (expected ? 1 : 0), `how many are ${key}`, rows.length);
    if (!expected) return;
    same(Buffer.from(rows[0]![0] ?? ''), Buffer.from(expected.value), key);
    check(rows[0]![1] === String(expected.writes), `writes of ${key}`, rows[0]![1]);
  };
  const session: Session & { acknowledged: number } = {
    acknowledged: 0,
    exchange: async () => {
      const key = `${name}/${random.between(0, 20)}`;
      const what = random.next();
      if (what < 0.4) return await get(key);
      const isTransaction = what < 0.6;
      const value = randomBody(context, random.between(1, 1500)).toString('base64');
      if (isTransaction) await ask('begin');
      await ask(dialect.write(key, value));
      if (isTransaction) await ask('commit');
      book.set(key, { value, writes: (book.get(key)?.writes ?? 0) + 1 });
      session.acknowledged++;
    },
    lost: async () => {
      for (const key of book.keys()) await get(key);
      return 0;
    },
    close: () => wire.close(),
  };
  return session;
}
