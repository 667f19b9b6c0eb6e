/* audit-layout.test.ts: src/engine/audit-layout.ts against bpf/audit.h and the core's headers: the
 * compiler is asked for every offset, size and value. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { repositoryRoot } from '../../src/bed/bed.js';
import * as layout from '../../src/engine/audit-layout.js';
import { suite } from '../support/suite.js';

const test = suite('layout of the audit');
const root = repositoryRoot();

type Claim = [string, number | bigint];

const offsets = (struct: string, fields: Record<string, number>, prefix = ''): Claim[] =>
  Object.entries(fields).map(([name, at]) =>
    [`__builtin_offsetof(struct ${struct}, ${prefix}${name})`, at]);

/** Compiles a file that asserts all of them; gives what the compiler complains of. */
function complaints(headers: string[], claims: Claim[], ...flags: string[]): string {
  const includes = headers.map((header) => `#include "${header}"`);
  const asserts = claims.map(([c, value]) => `_Static_assert(${c} == ${value}, "not ${value}");`);
  const source = [...includes, ...asserts, ''].join('\n');
  const args = ['-x', 'c', '-std=gnu11', '-fsyntax-only', '-I', root, ...flags, '-'];
  const done = spawnSync('gcc', args, { input: source, encoding: 'utf8' });
  assert.is(done.error, undefined);
  return done.stderr;
}

function auditClaims(): Claim[] {
  const { found, ...counters } = layout.countersAt;
  const kinds = layout.auditKinds.map((kind, i): Claim => [`HS_AUDIT_${kind.toUpperCase()}`, i]);
  return [
    ...offsets('hs_audit_settings', { ...layout.settingsAt, ...counters, found }),
    ...offsets('hs_audit_place', layout.placeAt),
    ...offsets('hs_audit_site', layout.siteAt),
    ...offsets('hs_audit_connection', layout.connectionAt),
    ['sizeof(struct hs_audit_settings)', layout.settingsBytes],
    ['sizeof(struct hs_audit_place)', layout.placeBytes],
    ['sizeof(struct hs_audit_site)', layout.siteBytes],
    ['sizeof(struct hs_audit_connection)', layout.connectionBytes],
    ['sizeof(((struct hs_audit_site *)0)->name)', layout.siteNameBytes],
    ['HS_AUDIT_IN_END', layout.connectionFlag.inEnd],
    ['HS_AUDIT_OUT_END', layout.connectionFlag.outEnd],
    ['HS_AUDIT_CLOSED', layout.connectionFlag.closed],
    ['HS_AUDIT_SEEN_CALLS', layout.seenAt.calls],
    ['HS_AUDIT_SEEN_SEGMENTS', layout.seenAt.segments],
    ['HS_AUDIT_KINDS', layout.auditKinds.length],
    ...kinds,
  ];
}

test('what the BPF program counts is read where it is', () => {
  assert.is(complaints(['bpf/audit.h'], auditClaims()), '');
});

test('the shim\'s account of a connection is read where it is', () => {
  const { raddr, rport, lport, iss1, irs1, ...own } = layout.shimConnectionAt;
  const claims: Claim[] = [
    ...offsets('hs_conn', own),
    ...offsets('hs_conn', { raddr, rport, lport, iss1, irs1 }, 'tcp.'),
    ['(unsigned long)CONN(1) - (unsigned long)CONN(0)', layout.shimConnectionBytes],
  ];
  const flags = ['-ffreestanding', '-fno-builtin', '-mcrc32', '-mfsgsbase'];
  assert.is(complaints(['shim/core/connections.h'], claims, ...flags), '');
});

test('the stacks and the last call before the program are the core\'s', () => {
  const claims: Claim[] = [
    ['HS_AUDIT_STACK_FROM', 0x200000000000n], ['HS_THREADS_BASE', 0x200000000000n],
    ['HS_AUDIT_STACK_TO', 0x300000000000n], ['HS_SESSION_BASE', 0x300000000000n],
    ['HS_AUDIT_LAST_BYTES', 0x800000],
  ];
  const flags = ['-ffreestanding', '-fno-builtin', '-mcrc32', '-mfsgsbase'];
  assert.is(complaints(['shim/core/state.h', 'bpf/audit.h'], claims, ...flags), '');
});

test('a wrong offset is a complaint', () => {
  assert.match(complaints(['bpf/audit.h'], [['sizeof(struct hs_audit_place)', 17]]), 'not 17');
});

test.run();
