/* audit.test.ts: each way of getting round the shim is found by the witness in the kernel, with
 * its number and its first example, and what is none is not taken for one. bound: 300 */
import * as assert from 'uvu/assert';
import { Bed, plan } from '../../src/bed/bed.js';
import { askHost, redisCommand } from '../../src/bed/subject.js';
import { suite } from '../support/suite.js';
import {
  audit, auditUntil, findings, outsider, plant, planted, preload, programOf, staticProgram,
} from './support/audit.js';
import { until } from './support/command.js';
import { endSides, giveKeys, startPrimary } from './support/pair.js';

const test = suite('audit');
let bed: Bed;

test.before(async () => {
  bed = await Bed.create();
  await giveKeys(bed);
});
test.after(() => bed?.close());
test.after.each(() => endSides());

async function programPid(): Promise<number> {
  const state = await askHost(bed, 'primary');
  return programOf(bed, 'primary', Number(state?.['programPid']));
}

test('a call in code the shim has never seen goes through it, and is no finding', async () => {
  await planted(bed, ['inline']);
  const { code, report } = await audit(bed);
  assert.is(code, 0);
  assert.equal(findings(report), []);
  assert.ok(report.calls > 50, `looked at ${report.calls} calls`);
  assert.ok(report.processes >= 3, `${report.processes} processes`);
});

test('calls by the core\'s own instruction are found, with the first arguments', async () => {
  await planted(bed, ['borrow']);
  const { code, report } = await audit(bed);
  assert.is(code, 3);
  assert.equal(findings(report), ['borrowed getppid 3']);
  assert.is(report.bypasses, 3);
  const { first } = report.sites[0]!;
  assert.equal(first.arguments.slice(0, 4), ['0xb', '0xc', '0xd', '0xe']);
  assert.equal([first.pid, first.tid, first.name], [2, 2, 'audit-plant']);
});

test('dispatch turned off is found, and every call made because of it', async () => {
  await planted(bed, ['dispatch']);
  const { report } = await audit(bed);
  const [off, ...rest] = findings(report);
  assert.is(off, 'dispatch prctl 1');
  assert.ok(rest.includes('outside getppid 5'), rest.join('; '));
});

test('a preloaded library that turns dispatch off is found', async () => {
  const library = preload();
  await planted(bed, [], [], ['env', `LD_PRELOAD=${library}`, plant]);
  const { report } = await audit(bed);
  const found = findings(report);
  assert.ok(found.includes('dispatch prctl 1'), found.join('; '));
  assert.ok(found.includes('outside getpgrp 7'), found.join('; '));
});

test('a static child that the shim did not load is found', async () => {
  await planted(bed, ['child', staticProgram]);
  const { report } = await audit(bed);
  const found = findings(report);
  assert.ok(found.includes('borrowed execve 1'), found.join('; '));
  assert.ok(found.includes('outside getpid 1'), found.join('; '));
  const outside = report.sites.filter(({ kind }) => kind === 'outside');
  assert.ok(outside.every(({ first }) => first.name === 'fault-static' && first.pid === 3));
});

test('a request of an io_uring is found though no call is made for it', async () => {
  await planted(bed, ['ring']);
  const { report } = await audit(bed);
  const found = findings(report);
  assert.ok(found.includes('borrowed io_uring_setup 1'), found.join('; '));
  assert.ok(found.includes('ring io_uring operation 0 1'), found.join('; '));
  assert.not.ok(found.some((line) => line.includes('io_uring_enter')), found.join('; '));
});

test('a call injected by a tracer is found, though the core\'s instruction makes it', async () => {
  await planted(bed, ['none']);
  const pid = await programPid();
  const said = await bed.run('primary', [outsider, 'inject', String(pid)]);
  assert.match(said, 'injected: 1');
  const { report } = await audit(bed);
  assert.ok(findings(report).includes('traced getppid 1'), findings(report).join('; '));
});

test('a process that somebody puts among the program\'s is found', async () => {
  await planted(bed, ['none']);
  const pid = await programPid();
  await bed.run('primary', ['nsenter', `--pid=/proc/${pid}/ns/pid`, staticProgram]);
  const { report } = await audit(bed);
  const found = findings(report);
  assert.ok(found.includes('intruder none 1'), found.join('; '));
  assert.ok(found.includes('outside getpid 1'), found.join('; '));
});

test('bytes read and sent unseen are named with their connection', async () => {
  const side = startPrimary(bed, [plant, 'serve'], { isAlone: true });
  await until(() => side.stdout.includes('listening'), () => side.words);
  const client = `import socket
s = socket.create_connection(("${plan.vip}", 7000))
s.sendall(b"x" * 100)
n = 0
while n < 50: n += len(s.recv(50))
input()`;
  const child = bed.spawn('client', ['python3', '-c', client], { stdio: ['pipe', 'pipe', 'pipe'] });
  try {
    const { code, report } = await auditUntil(bed, ({ bytes }) =>
      bytes!.deliveredBytes === 100 && bytes!.differences.length === 2);
    assert.is(code, 3);
    const { bytes } = report;
    assert.is(bytes!.different, 1);
    assert.equal(bytes!.differences.map((d) => [d.what, d.port, d.kernelBytes, d.shimBytes]), [
      ['delivered-not-recorded', 7000, 100, 40], ['left-not-released', 7000, 50, 20],
    ]);
    assert.match(bytes!.differences[0]!.client, plan.service.client);
  } finally {
    child.kill('SIGKILL');
  }
});

test('a stranger who speaks on the program\'s connection is found by the bytes alone', async () => {
  const side = startPrimary(bed, redisCommand, { isAlone: true });
  await until(() => side.stdout.includes('Ready to accept'), () => side.words);
  const stdio = ['pipe', 'pipe', 'pipe'] as const;
  const client = bed.spawn('client', ['redis-cli', '-h', plan.vip], { stdio: [...stdio] });
  try {
    client.stdin!.write('ping\n');
    await auditUntil(bed, ({ bytes }) => bytes!.leftBytes > 0);
    const pid = await programPid();
    await bed.run('primary', [outsider, 'steal', String(pid), '+STOLEN']);
    const { report } = await auditUntil(bed, ({ bytes }) => bytes!.different === 1);
    assert.equal(findings(report), []);
    const { what, kernelBytes, shimBytes } = report.bytes!.differences[0]!;
    assert.equal([what, kernelBytes - shimBytes], ['left-not-released', '+STOLEN'.length]);
  } finally {
    client.kill('SIGKILL');
  }
});

test.run();
