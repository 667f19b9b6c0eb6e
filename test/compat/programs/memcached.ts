/* memcached.ts: memcached with four worker threads, by its text protocol.
 * The rule: no key is ever evicted in a run, so that what was stored has to be there. */
import type { Program, Session, SessionContext } from '../program.js';
import { randomBody } from '../clients/http.js';
import { check, same } from '../clients/wire.js';

async function connect(context: SessionContext): Promise<Session> {
  const wire = await context.wire();
  const { random, index } = context;
  const book = new Map<string, { flags: number; value: Buffer }>();
  const name = index < 0 ? `v${-index}.${random.between(0, 1e9)}` : `c${index}`;
  const counter = `${name}:n`;
  let count: number | undefined;
  const get = async (key: string): Promise<void> => {
    wire.write(`get ${key}\r\n`);
    const stored = book.get(key);
    const head = stored ? `VALUE ${key} ${stored.flags} ${stored.value.length}` : 'END';
    const line = await wire.line();
    check(line === head, `get ${key}: expected ${head}`, line);
    if (!stored) return;
    same(await wire.bytes(stored.value.length), stored.value, `get ${key}`);
    await wire.expect('\r\nEND\r\n', `the end of get ${key}`);
  };
  const session: Session & { acknowledged: number } = {
    acknowledged: 0,
    exchange: async () => {
      const key = `${name}:${random.between(0, 30)}`;
      const what = random.next();
      if (what < 0.4) return await get(key);
      if (what < 0.5) {
        wire.write(count === undefined ? `set ${counter} 0 0 1\r\n0\r\n` : `incr ${counter} 7\r\n`);
        count = count === undefined ? 0 : count + 7;
        await wire.expect(count === 0 ? 'STORED\r\n' : `${count}\r\n`, `incr ${counter}`);
      } else if (what < 0.6 && book.has(key)) {
        wire.write(`delete ${key}\r\n`);
        await wire.expect('DELETED\r\n', `delete ${key}`);
        book.delete(key);
      } else {
        const value = randomBody(context, random.next() < 0.05 ? 200_000 : random.between(0, 3000));
        const flags = random.between(0, 65535);
        wire.write(`set ${key} ${flags} 0 ${value.length}\r\n`);
        wire.write(value);
        wire.write('\r\n');
        await wire.expect('STORED\r\n', `set ${key}`);
        book.set(key, { flags, value });
      }
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

const programs: Program[] = [{
  name: 'memcached',
  what: 'Four worker threads, 24 clients and 2 that come and go: get, set (up to 200 kB), incr, '
    + 'delete by the text protocol.',
  packages: ['memcached'],
  version: ['memcached', '-V'],
  command: ['memcached', '-u', 'root', '-l', '0.0.0.0', '-p', '11211', '-U', '0', '-t', '4',
    '-m', '256'],
  port: 11211,
  clients: 24,
  visitors: 2,
  connect,
}];

export default programs;
