/* dialled.test.ts: connections that the program opens itself, to a server on a third host, outlive
 * the primary: they come from the service's address, and neither end sees more than a pause. Once
 * a server that connects and waits, once one in front of a redis that never waits. bound: 240 */
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Bed, plan } from '../../src/bed/bed.js';
import { suite } from '../support/suite.js';
import { compile, root } from './support/command.js';
import { Hand } from './support/enforce.js';
import { programs } from './support/keep-client.js';
import { endSides, giveKeys, startBackup, startPair, startPrimary, untilState } from
  './support/pair.js';

const test = suite('opened by the program');

interface Read { bytes: number; exact: boolean; eof: boolean; error: string | null }

function clientOn(bed: Bed) {
  const script = `${root}/test/system/programs/takeover-client.py`;
  const hand = Hand.on(bed, 'client', ['python3', script]);
  return <T = object>(op: string, fields: object = {}): Promise<T> =>
    hand.ask<T>(JSON.stringify({ op, ...fields }), 25_000);
}

for (const commit of ['logged', 'async'] as const) {
  test(`${commit}: a connection that was waited for goes on, to the byte`, async () => {
    await using bed = await Bed.create();
    try {
      await giveKeys(bed);
      const command = [compile('takeover-server'), plan.vip];
      const primary = startPrimary(bed, command, { more: ['--commit', commit] });
      const backup = startBackup(bed);
      await untilState(bed, 'primary', (state) => state.protected, [primary, backup]);
      const order = clientOn(bed);
      await order('connect', { name: 'control', host: plan.vip, port: 7009 });
      await order('listen', { name: 'behind', host: plan.service.client, port: 9000 });
      const text = `dial ${plan.service.client} 9000`;
      await order('ask', { name: 'control', text });
      const { from } = await order<{ from: string }>('accept', { name: 'd', listener: 'behind' });
      assert.is(from, plan.vip);
      const exchange = async (n: number): Promise<void> => {
        await order('send', { name: 'd', n });
        const read = await order<Read>('read', { name: 'd', n });
        assert.equal(read, { bytes: n, exact: true, eof: false, error: null }, backup.words);
      };
      await exchange(100_000);
      await bed.powerCut('primary');
      await untilState(bed, 'backup', ({ role, takeover }) =>
        role === 'live' && Boolean(takeover), [backup]);
      await exchange(300_000);
      await order('ask', { name: 'control', text });
      const again = await order<{ from: string }>('accept', { name: 'e', listener: 'behind' });
      assert.is(again.from, plan.vip);
      await order('shut', { name: 'd' });
      assert.is((await order<Read>('read', { name: 'd', n: 1 })).eof, true);
    } finally {
      await endSides();
    }
  }, 100_000);
}

/** Each connection counts for itself: an answer that is lost or comes twice is seen. */
const loader = String.raw`
import socket, sys
def connect():
    while True:
        try: return socket.create_connection((sys.argv[1], 80), 20)
        except ConnectionRefusedError: pass
socks = [connect() for _ in range(6)]
def ask(s, line):
    s.sendall(line.encode() + b"\r\n")
    answer = b""
    while not answer.endswith(b"\n"):
        piece = s.recv(4096)
        if not piece: sys.exit("ended")
        answer += piece
    return answer.decode().strip()
for s in socks:
    s.settimeout(30)
    assert ask(s, "own") == "+" + sys.argv[1], "own"
count = 0
for order in sys.stdin:
    for _ in range(int(order)):
        count += 1
        for i, s in enumerate(socks):
            answer = ask(s, f"incr k{i}")
            if answer != f":{count}": sys.exit(f"{i}: {answer}, not {count}")
    print(count, flush=True)
`;

test('a server in front of a redis keeps its connections to it', async () => {
  await using bed = await Bed.create();
  try {
    await giveKeys(bed);
    const redis = bed.spawn('client', ['redis-server', '--port', '6379', '--bind', '0.0.0.0',
      '--protected-mode', 'no', '--save', '', '--dir', '/tmp'], { stdio: 'ignore' });
    redis.on('error', () => undefined);
    const { backup } = await startPair(bed, ['/usr/bin/python3', join(programs,
      'dialling-server.py'), plan.vip, plan.service.client, '6379']);
    const hand = Hand.on(bed, 'client', ['python3', '-c', loader, plan.vip]);
    assert.is(await hand.ask<number>('100', 60_000), 100, backup.words);
    await bed.powerCut('primary');
    await untilState(bed, 'backup', ({ role }) => role === 'live', [backup]);
    assert.is(await hand.ask<number>('100', 60_000), 200, backup.words);
    assert.not.match(backup.words, /lost:/);
  } finally {
    await endSides();
  }
}, 100_000);

test.run();
