/* control-protocol.ts: what is said on a pair's control socket, RUNTIME-DIR/NAME/control.sock.
 * One connection carries one request line and one answer line, both JSON:
 *   {"op":"status"}   →   {"ok":true,"result":{...}}   or   {"ok":false,"error":{...}}
 * The rule: both sides parse with these schemas; neither trusts the other's bytes. */
import { join } from 'node:path';
import { z } from 'zod';

/** Longest line either side accepts, in bytes. */
export const maxLineBytes = 1 << 20;

/** Longest path of a Unix socket that the kernel takes (sun_path less the final zero). */
export const maxSocketPathBytes = 107;

export const controlSocketPath = (runtimeDir: string, name: string): string =>
  join(runtimeDir, name, 'control.sock');

export const controlOps = ['status', 'switchover', 'stop', 'audit'] as const;
export type ControlOp = (typeof controlOps)[number];

export const requestSchema = z.strictObject({ op: z.enum(controlOps) });
export type ControlRequest = z.output<typeof requestSchema>;

export const answerSchema = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), result: z.unknown() }),
  z.object({
    ok: z.literal(false),
    error: z.object({
      code: z.string(),
      reason: z.string().optional(),
      message: z.string(),
    }),
  }),
]);
export type ControlAnswer = z.output<typeof answerSchema>;

const count = z.number().int().nonnegative();

/** The answer to `status`. Further fields may come with it and are passed through. */
export const statusSchema = z.looseObject({
  name: z.string(),
  /** `live`: a backup that has taken over, or a primary that goes on alone. */
  role: z.enum(['primary', 'backup', 'live']),
  pid: count,
  /** The other engine, as HOST:PORT; null without one. */
  peer: z.string().nullable(),
  commit: z.enum(['async', 'logged', 'verified']),
  /** Sequence numbers: everything up to it is recorded, received, ... */
  watermarks: z.object({ recorded: count, received: count, replayed: count, released: count }),
  behind: z.object({ records: count, bytes: count }),
  connections: count,
  divergence: z.looseObject({ seq: z.string(), call: z.string() }).nullable(),
  protected: z.boolean(),
  /** ISO time since when it has been protected, or has not. */
  protectedSince: z.string(),
  /** Why it is not protected; null when it is. */
  unprotectedWhy: z.string().nullish(),
  /** Totals of the audit; null with `--audit off`. The request `audit` gives the details. */
  audit: z.looseObject({
    policy: z.string(),
    isRunning: z.boolean(),
    bypasses: count,
    refused: count,
    differences: count,
  }).nullish(),
});
export type PairStatus = z.output<typeof statusSchema>;

const kind = z.string();

/** The answer to `audit`. Addresses and arguments are hexadecimal: they may be above 2^53. */
export const auditSchema = z.looseObject({
  name: z.string(),
  role: z.enum(['primary', 'backup', 'live']),
  policy: z.enum(['off', 'report', 'refuse', 'fatal']),
  isRunning: z.boolean(),
  /** Why it is not running. */
  why: z.string().nullable(),
  /** Calls of the program's processes that were looked at, and processes ever in its tree. */
  calls: count,
  processes: count,
  /** Calls made past the shim, without those refused. */
  bypasses: count,
  refused: count,
  byKind: z.record(kind, count),
  sites: z.array(z.looseObject({
    kind,
    call: z.string(),
    number: z.number().int(),
    address: z.string(),
    count,
    first: z.looseObject({
      pid: count, tid: count, hostPid: count, name: z.string(), arguments: z.array(z.string()),
    }),
  })),
  /** What is in a total and found no room for its details. */
  lost: z.looseObject({ sites: count, processes: count, connections: count }),
  /** Null where no service address is served: on the backup, and without a network. */
  bytes: z.object({
    connections: count, compared: count, unchecked: count,
    deliveredBytes: count, recordedBytes: count, leftBytes: count, releasedBytes: count,
    different: count,
    differences: z.array(z.object({
      what: z.string(), client: z.string(), port: count, kernelBytes: count, shimBytes: count,
      isClosed: z.boolean(),
    })),
  }).nullable(),
  /** What the copy has executed and compared, call by call, with the record. */
  replay: z.looseObject({
    compared: count, divergence: z.looseObject({ seq: z.string() }).nullable(),
  }),
});
export type AuditReport = z.output<typeof auditSchema>;
