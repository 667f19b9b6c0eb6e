/* name-server.test.ts: dnsmasq as a pair: a program that asks the kernel for its interfaces, and
 * answers datagrams by the address they came to. Its clients are answered by the copy.
 * bound: 200 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Bed, plan } from '../../src/bed/bed.js';
import { suite } from '../support/suite.js';
import { until } from './support/command.js';
import { programs } from './support/keep-client.js';
import { endSides, giveKeys, said, startPair, untilState } from './support/pair.js';

const test = suite('a name server');
const program = '/usr/sbin/dnsmasq';
const command = [program, '-k', '--conf-file=/dev/null', '--no-resolv', '--no-hosts', '--pid-file',
  '--user=root', '--address=/pair.test/10.1.2.3', '--port=53', '--log-facility=-'];

const ask = (bed: Bed): Promise<string> =>
  bed.run('client', ['python3', join(programs, 'name-client.py'), plan.vip, 'www.pair.test', '20']);

function serves(title: string, more: readonly string[]): void {
  if (!existsSync(program)) return test.skip(title, 'dnsmasq is not installed');
  test(title, async () => {
    await using bed = await Bed.create();
    try {
      await giveKeys(bed);
      const { primary, backup } = await startPair(bed, [...command, ...more]);
      await until(async () => (await ask(bed)) === '10.1.2.3\n', () => primary.words);
      await untilState(bed, 'primary', (state) => state.protected, [primary, backup]);
      await bed.powerCut('primary');
      await untilState(bed, 'backup', ({ role }) => role === 'live', [backup]);
      for (let i = 0; i < 5; i++) assert.is(await ask(bed), '10.1.2.3\n', said(backup));
    } finally {
      await endSides();
    }
  }, 90_000);
}

serves('one that binds the service address', [`--listen-address=${plan.vip}`, '--bind-interfaces']);
serves('one that binds all addresses', []);

test.run();
