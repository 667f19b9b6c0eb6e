/* etcd.ts: etcd, a single member, by its JSON gateway: put, range and a watch.
 * The rule: a key belongs to one client, so that its value and its version are known. */
import { randomBody, request } from '../clients/http.js';
import { check, same } from '../clients/wire.js';
import type { Program, Session, SessionContext } from '../program.js';

interface Answer {
  header: { revision: string };
  kvs?: { value: string; version: string }[];
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');

async function connect(context: SessionContext): Promise<Session> {
  const wire = await context.wire();
  const { random, index } = context;
  const name = index < 0 ? `v${-index}-${random.between(0, 1e9)}` : `c${index}`;
  const book = new Map<string, { value: string; version: number }>();
  let revision = 0;
  const ask = async (what: string, body: object): Promise<Answer> => {
    const { status, body: text } =
      await request(wire, 'POST', `/v3/kv/${what}`, Buffer.from(JSON.stringify(body)));
    check(status === 200, `status of ${what}`, `${status} ${text}`);
    const answer = JSON.parse(text.toString()) as Answer;
    const now = Number(answer.header.revision);
    check(now >= revision, `a revision of at least ${revision}`, now);
    revision = now;
    return answer;
  };
  const get = async (key: string): Promise<void> => {
    const { kvs = [] } = await ask('range', { key: base64(key) });
    const expected = book.get(key);
    check(kvs.length === (expected ? 1 : 0), `how many are ${key}`, kvs.length);
    if (!expected) return;
    same(Buffer.from(kvs[0]!.value), Buffer.from(expected.value), key);
    check(kvs[0]!.version === String(expected.version), `version of ${key}`, kvs[0]!.version);
  };
  const session: Session & { acknowledged: number } = {
    acknowledged: 0,
    exchange: async () => {
      const key = `${name}/k${random.between(0, 20)}`;
      if (random.next() < 0.4) return await get(key);
      const value = randomBody(context, random.between(4, 2000)).toString('base64');
      await ask('put', { key: base64(key), value });
      book.set(key, { value, version: (book.get(key)?.version ?? 0) + 1 });
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
  name: 'etcd',
  what: 'A single member with its write-ahead log and its mapped database; 12 clients put and read '
    + 'keys by the JSON gateway, each with its version.',
  packages: ['etcd-server'],
  version: ['etcd', '--version'],
  command: ['etcd', '--data-dir', '/srv/compat/data', '--listen-client-urls',
    'http://0.0.0.0:2379', '--advertise-client-urls', 'http://127.0.0.1:2379',
    '--listen-peer-urls', 'http://127.0.0.1:2380'],
  port: 2379,
  clients: 12,
  visitors: 1,
  connect,
}];

export default programs;
