// What must hold for the call table as a whole: it is the kernel's, it is complete, and a row that
// cannot be right does not load.
import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Argument, fd, flags, in_, isPointer, isWritten, out, size,
  value } from '../../../src/calls/arguments.js';
import { events, EVENT_BASE, eventRow } from '../../../src/calls/events.js';
import { irregulars } from '../../../src/calls/irregulars.js';
import { ioctlName, isCarried } from '../../../src/calls/ioctls.js';
import { input, result } from '../../../src/calls/policies.js';
import { isRefused, refusals } from '../../../src/calls/refusals.js';
import { type Call, row, table } from '../../../src/calls/row.js';
import { calls } from '../../../src/calls/table.js';
import { reasonOf, verdictOf } from '../../../src/calls/verdicts.js';

const header = '/usr/include/x86_64-linux-gnu/asm/unistd_64.h';
const reExecuted = ['local', 'file', 'descriptor', 'memory'];

function each(check: (call: Call) => string | false | undefined): void {
  const faults = calls.map((call) => [call.name, check(call)]).filter(([, fault]) => fault);
  assert.equal(faults, []);
}

function kernelNumbers(): Map<string, number> {
  const lines = readFileSync(header, 'utf8').matchAll(/^#define __NR_(\w+) (\d+)$/gm);
  return new Map([...lines].map(([, name, nr]) => [name!, Number(nr)]));
}

test("every number and name is the kernel's", () => {
  const kernel = kernelNumbers();
  assert.ok(kernel.size > 350, `only ${kernel.size} calls in ${header}`);
  const newest = Math.max(...kernel.values());
  each((call) => call.nr <= newest && kernel.get(call.name) !== call.nr &&
    `is ${kernel.get(call.name)}, not ${call.nr}`);
});

test('every call of the kernel has a row', () => {
  const own = new Set(calls.map((call) => call.name));
  assert.equal([...kernelNumbers().keys()].filter((name) => !own.has(name)), []);
});

test('numbers 0 to 334 and 424 to 462 are complete, each once and in order', () => {
  const range = (from: number, to: number): number[] =>
    Array.from({ length: to - from + 1 }, (_, at) => from + at);
  const numbers = calls.map((call) => call.nr);
  const wanted = [...range(0, 334), ...range(424, 462)];
  assert.equal(wanted.filter((nr) => !numbers.includes(nr)), []);
  assert.equal(numbers, [...new Set(numbers)].sort((a, b) => a - b));
});

test('every pointer of a call that is made has a direction and a length', () => {
  const carried = (one: Argument): boolean => !isPointer(one) || one.size > 0;
  each((call) => !call.arguments.every(carried) && 'a pointer without a length');
  // An address that is not followed may stand only where the shim makes of it what it must.
  const unfollowed = calls.filter((call) =>
    !['irregular', 'refuse', 'memory'].includes(call.policy.name) &&
    call.arguments.some((one) => one.kind === 'ADDRESS'));
  assert.equal(unfollowed.map((call) => call.name), ['mincore', 'getcpu']);
});

test('a call that both sides make writes only what has a fixed length', () => {
  each((call) => reExecuted.includes(call.policy.name) &&
    call.arguments.some((one) => isWritten(one) && one.length.from !== 'one') &&
    'its own bytes would show behind the recorded ones');
});

test('bytes of the result\'s length have their capacity beside them', () => {
  each((call) => {
    const at = call.arguments.findIndex((one) =>
      one.kind === 'OUT' && one.length.from === 'result');
    if (at < 0) return false;
    const bounded = call.arguments[at + 1]?.kind === 'VALUE';
    return !bounded && call.arguments[at - 1]?.kind !== 'VALUE' && 'unbounded';
  });
});

test('input and output go through the first argument, or through sets of descriptors', () => {
  const sets = ['poll', 'ppoll', 'select', 'pselect6'];
  each((call) => ['input', 'output'].includes(call.policy.name) && !sets.includes(call.name) &&
    call.arguments[0]?.kind !== 'FD' && 'has no descriptor');
});

test('every refusal says why, and carries a number', () => {
  each((call) => call.policy.name === 'refuse' && !(call.policy.refusal && reasonOf(call)) &&
    'refused without a reason');
});

test('every row has a verdict', () => {
  each((call) => !['replayed', 'ordered', 're-executed', 'refused'].includes(verdictOf(call)) &&
    'no verdict');
});

test('every irregular function is used by a row and is explained', () => {
  for (const [name, { short, why }] of Object.entries(irregulars)) {
    assert.ok(calls.some((call) => call.policy.irregular === name), `${name} has no row`);
    assert.ok(short.length > 10 && why.length > 60, `${name} is not explained`);
  }
});

test('a length that names no argument does not load', () => {
  assert.throws(() => row(0, 'read', [fd, out.bytes('count'), size], input), /names no single/);
  assert.throws(() => row(0, 'x', [in_.bytes('size'), size, size], result), /names no single/);
});

test('a sized buffer without its length, and a seventh argument, do not load', () => {
  assert.throws(() => row(43, 'accept', [fd, out.sized('address'), flags], input), /must be its/);
  const seven = Array.from({ length: 7 }, (_, at) => value(`a${at}`));
  assert.throws(() => row(0, 'x', seven, result), /more than six/);
});

test('a number or a name that stands twice does not load', () => {
  const a = row(1, 'a', [], result);
  const named = row(2, 'a', [], result);
  assert.throws(() => table({ files: [a], ids: [a] }), /number 1/);
  assert.throws(() => table({ files: [a], ids: [named] }), /name a/);
});

test('events have their own numbers behind the calls', () => {
  assert.equal(eventRow('PROCESS_INIT'), EVENT_BASE);
  assert.equal(new Set(events.map((event) => event.name)).size, events.length);
  const ring = readFileSync(new URL('../../../shim/ring.h', import.meta.url), 'utf8');
  assert.match(ring, `#define HS_EVENT_BASE 0x${EVENT_BASE.toString(16)}u`);
});

test('a refused argument is one of an irregular row, and its errno is the answer', () => {
  for (const { call, argument } of refusals) {
    const row = calls.find(({ name }) => name === call);
    assert.is(row?.policy.name, 'irregular', call);
    assert.ok(row?.arguments.some(({ label }) => label === argument), `${call} ${argument}`);
  }
  const clones = refusals.filter(({ call }) => call === 'clone');
  const refused = (value: bigint) => clones.some((each) => isRefused(each, value));
  assert.ok(refused(0x20000011n), 'a PID namespace');
  assert.ok(refused(0x100n), 'memory without a thread');
  assert.not(refused(0x4111n), 'vfork');
  assert.not(refused(0x3d0f00n), 'a thread');
});

test('what an ioctl request writes is known, or it is named', () => {
  assert.ok(isCarried(0x5401), 'TCGETS');
  assert.ok(isCarried(0x8927), 'SIOCGIFHWADDR');
  assert.ok(isCarried(0x80045430), 'TIOCGPTN');
  assert.not(isCarried(0x8946), 'SIOCETHTOOL goes through an address');
  assert.not(isCarried(0xae80), 'KVM_RUN');
  assert.not(isCarried(0xc0206440), 'a graphics card');
  assert.is(ioctlName(0x541b), 'FIONREAD');
  assert.is(ioctlName(0xae80), '0xae80');
});

test.run();
