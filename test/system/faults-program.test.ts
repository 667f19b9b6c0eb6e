/* faults-program.test.ts: which programs are refused, by whom and on which kernels, each with the
 * status of the contract and one sentence; which odd ones work; and that a program's own end is
 * the end of `record`.
 * bound: 240 */
import { chmodSync, chownSync, copyFileSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { RecordResult, ReplayResult } from '../../src/engine/options.js';
import { suite } from '../support/suite.js';
import {
  compile, hs, makePlace, refusal, replicate, resultOf, run, told, type Ended,
} from './support/command.js';

const test = suite('faults of programs and hosts');
const place = makePlace('faults-program');
const nobody = 65534;
let logs = 0;
const newLog = (): string => join(place, `log${++logs}`);

function executable(name: string, bytes: string | Buffer, mode = 0o755): string {
  const path = join(place, name);
  writeFileSync(path, bytes);
  chmodSync(path, mode);
  return path;
}

/** Records a command that must be refused; nothing may be left of the try. */
async function refused(code: number, ...command: string[]): Promise<string> {
  const log = newLog();
  const sentence = refusal(await hs(['record', '-o', log, '--', ...command], place), code);
  assert.is(existsSync(log), false, 'a refused program has left a log');
  return sentence;
}

/** Nobody, but for the right to read a checkout that lies in somebody's home. */
const asNobody = (args: string[]): Promise<Ended> => run([
  'setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups',
  '--inh-caps=-all,+dac_read_search', '--ambient-caps=-all,+dac_read_search', ...replicate(args),
], place);

test('a static program is recorded, and its replay is the same in every byte', async () => {
  const program = compile('fault-static', '-static');
  const log = newLog();
  const recorded = await hs(['record', '--json', '-o', log, '--', program]);
  assert.is(recorded.code, 0, told(recorded));
  assert.match(recorded.stdout, /^\d+\.\d{9} [0-9a-f]{16} \d+\n/);
  const { records, calls } = resultOf<RecordResult>(recorded);
  assert.ok((calls['getrandom'] ?? 0) >= 1, JSON.stringify(calls));
  const replayed = await hs(['replay', '--json', log]);
  assert.is(replayed.code, 0, told(replayed));
  const result = resultOf<ReplayResult>(replayed);
  assert.is(result.replayed, records);
  assert.is(result.complete, true);
  assert.ok(result.memory.equal && result.memory.bytes > 0, told(replayed));
});

test('what is no program is refused by name, and leaves nothing', async () => {
  assert.match(await refused(2, './missing'), /\.\/missing/);
  assert.match(await refused(2, 'no-such-program-anywhere'), /"no-such-program-anywhere".*PATH/);
  assert.match(await refused(2, place), new RegExp(place));
  const plain = executable('plain.txt', 'text\n', 0o644);
  assert.match(await refused(2, plain), /plain\.txt is no executable file/);
  const garbage = executable('garbage', 'neither one nor the other\n');
  assert.match(await refused(4, garbage), /garbage has neither an ELF header nor a #! line/);
  const orphan = executable('orphan', '#!/no/such/interpreter\n');
  assert.match(await refused(4, orphan), /no \/no\/such\/interpreter/);
});

test('a 32-bit program and one of another processor are refused as such', async () => {
  const head = Buffer.alloc(256);
  head.write('\x7fELF\x01\x01\x01', 'latin1');
  head.writeUInt16LE(3, 18); // EM_386
  assert.match(await refused(4, executable('elf32', head)), /elf32 is not for x86-64/);
  head[4] = 2;
  head.writeUInt16LE(183, 18); // EM_AARCH64
  assert.match(await refused(4, executable('elf-arm', head)), /elf-arm is not for x86-64/);
});

test('a set-uid and a set-gid program are refused', async () => {
  const path = join(place, 'setuid');
  copyFileSync('/bin/true', path);
  chownSync(path, nobody, nobody);
  chmodSync(path, 0o4755);
  assert.match(await refused(4, path), /setuid is set-uid or set-gid/);
  chmodSync(path, 0o2755);
  assert.match(await refused(4, path), /setuid is set-uid or set-gid/);
  chmodSync(path, 0o755);
  const ended = await hs(['record', '-o', newLog(), '--', path]);
  assert.is(ended.code, 0, `without the bits it works: ${told(ended)}`);
});

test('without privileges every start is refused before it begins', async () => {
  chmodSync(place, 0o777);
  const log = newLog();
  assert.is((await hs(['record', '-o', log, '--', '/bin/true'])).code, 0);
  const commands = {
    record: ['record', '-o', join(place, 'of-nobody'), '--', '/bin/true'],
    replay: ['replay', log],
    primary: ['primary', '--listen', '127.0.0.1:7411', '--vip', '10.99.0.9/24', '--dev', 'lo',
      '--', '/bin/true'],
    backup: ['backup', '--connect', '127.0.0.1:9', '--dev', 'lo'],
  };
  const results = Object.values(commands).map(asNobody);
  for (const [at, command] of Object.keys(commands).entries()) {
    const sentence = refusal(await results[at]!, 4);
    assert.match(sentence, /without CAP_NET_ADMIN.*run as root/, command);
  }
  assert.is(existsSync(join(place, 'of-nobody')), false);
});

test('a kernel without syscall user dispatch is found out, and refused', async () => {
  const refuse = compile('fault-refuse');
  const without = (args: string[]): Promise<Ended> => run([refuse, ...replicate(args)], place);
  const log = newLog();
  const sentence = refusal(await without(['record', '-o', log, '--', '/bin/true']), 4);
  assert.match(sentence, /syscall user dispatch: does not work \(EINVAL\).*boot Linux 5\.11/);
  assert.is(existsSync(log), false);
  const checked = await without(['check', '--json']);
  assert.is(checked.code, 4, told(checked));
  const { probes } = resultOf<{ probes: { name: string; status: string }[] }>(checked);
  const missing = probes.filter(({ status }) => status === 'missing');
  assert.equal(missing.map(({ name }) => name), ['syscall user dispatch']);
});

test("a program's own status is the status of record", async () => {
  const ends: [string, number, number | null, string | null][] = [
    ['exit 7', 7, 7, null],
    ['kill -KILL $$', 137, null, 'SIGKILL'],
    ['kill -SEGV $$', 139, null, 'SIGSEGV'],
    ['exit 255', 255, 255, null],
  ];
  for (const [script, code, exitCode, exitSignal] of ends) {
    const command = ['record', '--json', '-o', newLog(), '--', '/bin/sh', '-c', script];
    const ended = await hs(command);
    assert.is(ended.code, code, `${script}: ${told(ended)}`);
    const result = resultOf<RecordResult>(ended);
    assert.equal([result.exitCode, result.exitSignal], [exitCode, exitSignal], script);
  }
});

test.run();
