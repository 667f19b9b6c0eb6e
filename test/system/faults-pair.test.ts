/* faults-pair.test.ts: a running pair whose backup dies or does something else: the primary goes on
 * unprotected, says so and since when, and its clients notice nothing; and a program that ends by
 * itself, which is no reason to take over.
 * bound: 240 */
import type { ChildProcess } from 'node:child_process';
import * as assert from 'uvu/assert';
import { Bed, plan } from '../../src/bed/bed.js';
import { redisCommand, redisPort } from '../../src/bed/subject.js';
import { Witness } from '../../src/bed/witness.js';
import { suite } from '../support/suite.js';
import { Running, replicate, refusal, startOn, told, until } from './support/command.js';
import {
  endSides, giveKeys, startBackup, startPair, startPrimary, untilSaid, untilState,
} from './support/pair.js';

const test = suite('faults of pairs');
let bed: Bed;
test.before(async () => {
  bed = await Bed.create();
  await giveKeys(bed);
});
test.after.each(() => endSides());
test.after(() => bed.close());

interface Status {
  role: string;
  protected: boolean;
  peer: string | null;
  unprotectedSince: string | null;
  unprotectedWhy: string | null;
  divergence: { seq: string; call: string; expected: string; got: string } | null;
}

async function statusOf(host: 'primary' | 'backup'): Promise<{ json: Status; text: string }> {
  const ask = (...more: string[]): Promise<string> =>
    bed.run(host, replicate(['status', '--name', 'bed', ...more]));
  const [json, text] = await Promise.all([ask('--json'), ask()]);
  return { json: JSON.parse(json) as Status, text };
}

/** One connection of a redis client, kept open: a line in, a line of answer out. */
class Client {
  #heard = '';
  readonly #running: Running;

  constructor() {
    const script = 'exec 3<>/dev/tcp/$0/$1; cat <&3 & cat >&3; kill $!';
    const child: ChildProcess = bed.spawn(
      'client', ['bash', '-c', script, plan.vip, String(redisPort)],
      { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#running = new Running(child, 'the client');
  }

  async ask(line: string): Promise<string> {
    this.#heard = this.#running.stdout;
    this.#running.child.stdin!.write(`${line}\r\n`);
    await until(() => this.#running.stdout.length > this.#heard.length,
      () => `an answer to ${line}: ${this.#running.words}`);
    return this.#running.stdout.slice(this.#heard.length);
  }

  async close(): Promise<void> {
    this.#running.child.stdin!.end();
    await this.#running.ended;
  }
}

/** The pid that the program has for itself, and its number of this start. */
const identity = (info: string): string[] =>
  [...info.matchAll(/^(?:run_id|process_id):.*$/gm)].map(String);

test('a backup that is killed leaves its primary unprotected, and nothing else', async () => {
  const { primary, backup } = await startPair(bed, redisCommand);
  await until(() => bed.run('client', ['redis-cli', '-h', plan.vip, 'ping'])
    .then((answer) => answer === 'PONG\n', () => false), () => primary.words);
  const client = new Client();
  assert.is(await client.ask('INCR counter'), ':1\r\n');
  const before = await client.ask('INFO server');
  assert.is((await statusOf('primary')).json.protected, true);

  const killedAt = Date.now();
  backup.kill('SIGKILL');
  const { signal } = await backup.ended;
  assert.is(signal, 'SIGKILL');
  await untilState(bed, 'primary', (state) => !state.protected, [primary]);
  const { json, text } = await statusOf('primary');
  assert.equal([json.role, json.peer, json.divergence], ['primary', null, null]);
  const since = Date.parse(json.unprotectedSince ?? '');
  assert.ok(since >= killedAt - 5 && since <= Date.now(), `${json.unprotectedSince}`);
  assert.ok((json.unprotectedWhy ?? '').length > 10, JSON.stringify(json));
  assert.match(text, `NOT protected since ${json.unprotectedSince}`);
  assert.ok(text.includes(json.unprotectedWhy!), text);
  await untilSaid(primary, /UNPROTECTED/);

  assert.is(await client.ask('INCR counter'), ':2\r\n', 'the same connection');
  const after = await client.ask('INFO server');
  assert.is(identity(before).length, 2);
  assert.equal(identity(after), identity(before), 'the program is another one');
  await client.close();
  assert.not.match(await bed.run('backup', ['ps', '-e', '-o', 'args=']), 'redis');
  primary.kill('SIGTERM');
  assert.is((await primary.ended).code, 130);
});

test('a file that differs on the backup is a divergence; the primary goes on', async () => {
  const script = 'cat /srv/word > /srv/heard; exec sleep 1000';
  await bed.writeFile('primary', '/srv/word', 'right\n');
  await bed.writeFile('backup', '/srv/word', 'another\n');
  const primary = startPrimary(bed, ['/bin/sh', '-c', script]);
  const backup = startBackup(bed);
  const sentence = refusal(await backup.ended, 3);
  const parts = /^divergence at record (\d+): (\w+) in process \d+, thread \d+: expected .+, got ./
    .exec(sentence);
  assert.ok(parts, sentence);
  await untilState(bed, 'primary', (state) => !state.protected, [primary]);
  const { json, text } = await statusOf('primary');
  assert.equal([json.divergence?.seq, json.divergence?.call], [parts[1], parts[2]]);
  assert.match(text, `at record ${parts[1]}: ${parts[2]}`);
  assert.match(json.unprotectedWhy ?? '', `diverged at record ${parts[1]}`);
  await until(() => bed.run('primary', ['cat', '/srv/heard'])
    .then((word) => word === 'right\n', () => false), () => primary.words);
  assert.match(await bed.run('primary', ['ps', '-e', '-o', 'args=']), /^sleep 1000$/m);
  assert.not.match(await bed.run('backup', ['ps', '-e', '-o', 'args=']), /^sleep 1000$/m);
  primary.kill('SIGTERM');
  assert.is((await primary.ended).code, 130);
});

const ends: [string, string, number][] = [
  ['with a status', 'read word < /srv/go; exit 7', 7],
  ['by a signal', 'read word < /srv/go; kill -SEGV $$', 139],
  ['by a signal that nothing can record', 'read word < /srv/go; kill -KILL $$', 137],
];
for (const [how, script, code] of ends) {
  test(`a program that ends ${how} ends both sides so, and nobody takes over`, async () => {
    for (const host of ['primary', 'backup'] as const) {
      await bed.run(host, ['sh', '-c', 'rm -f /srv/go; mkdir -p /srv; mkfifo /srv/go']);
    }
    const witness = await Witness.create(bed);
    const { primary, backup } = await startPair(bed, ['/bin/sh', '-c', script]);
    const word = startOn(bed, 'primary', ['sh', '-c', 'echo go > /srv/go']);
    const [first, second] = await Promise.all([primary.ended, backup.ended, word.ended]);
    assert.is(first.code, code, told(first));
    assert.is(second.code, code, told(second));
    assert.is(witness.close().hasTakenOver, false, 'the backup spoke for the address');
    assert.not.match(second.stderr, /TAKING OVER/);
    assert.match(await bed.run('backup', ['ip', '-o', 'addr', 'show', 'dev', 'lo']), plan.vip);
  });
}

test.run();
