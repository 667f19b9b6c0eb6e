/* audit-layout.ts: the structures of bpf/audit.h and struct hs_conn of shim/core/connections.h as
 * the audit reads them. Offsets in bytes, little-endian.
 * The rule: the headers are the source; test/system/audit-layout.test.ts compares every number. */

/** Kinds of finding, in the order of their numbers. */
export const auditKinds = [
  'outside', 'borrowed', 'dispatch', 'traced', 'ring', 'intruder', 'refused',
] as const;
export type AuditKind = (typeof auditKinds)[number];

/** struct hs_audit_settings: what the engine writes. */
export const settingsAt = {
  textFrom: 0, textTo: 8, pidNsDev: 16, pidNsInode: 24, enginePid: 32, isSpawning: 36, vip: 40,
  netNsInode: 44,
} as const;

/** struct hs_audit_settings: what is counted; `found` is one u64 for each kind. */
export const countersAt = {
  programNsInode: 48, processes: 52, found: 56, sitesLost: 112, processesLost: 120,
  connectionsLost: 128,
} as const;
export const settingsBytes = 136;

/** struct hs_audit_place */
export const placeAt = { address: 0, number: 8, kind: 12 } as const;
export const placeBytes = 16;

/** struct hs_audit_site; six u64 of arguments. */
export const siteAt = {
  count: 0, ns: 8, arguments: 16, pid: 64, tid: 68, hostPid: 72, name: 80,
} as const;
export const siteBytes = 96;
export const siteNameBytes = 16;

/** struct hs_audit_connection; ports and address in network order. */
export const connectionAt = {
  raddr: 0, rport: 4, lport: 6, irs1: 8, iss1: 12, delivered: 16, left: 24, copied: 32, sent: 36,
  inEnd: 40, outEnd: 44, flags: 48,
} as const;
export const connectionBytes = 56;
export const connectionFlag = { inEnd: 1, outEnd: 2, closed: 4 } as const;

/** Map `seen`: number of the entry. */
export const seenAt = { calls: 0, segments: 1 } as const;

/** struct hs_conn, the shim's own account; `tcp` is struct hs_tcp of shim/core/repair.h. */
export const shimConnectionAt = {
  state: 0, read: 8, written: 16, sendable: 120, sent: 128,
  raddr: 136, rport: 144, lport: 146, iss1: 152, irs1: 156,
} as const;
export const shimConnectionBytes = 512;
