// frequent.ts: the two control messages that are sent all the time. For a watermark a client waits
// under commit mode `logged`, and claims to the role go both ways a hundred times a second. So
// they have codecs of their own that only copy numbers. The rule: their bytes are exactly those
// capnp-ts makes (a test compares them), and what is unusual goes the general way.

import { roleSchema, type Control, type Role } from './control.js';
import { CONTROL_ROOT_HIGH } from './layout.js';

type WatermarkControl = Extract<Control, { kind: 'watermark' }>;
type RoleControl = Extract<Control, { kind: 'role' }>;
export type Watermark = Omit<WatermarkControl, 'kind'>;

/** What is before the fields, in u32: framing word, root pointer, 2 data words, 1 pointer. */
const FIELDS = 40;
const HIGH = 0x100000000;
/** Above this a count is not exact, and the general codec refuses it by name. */
const EXACT_HIGH = 0x200000;

const watermarkHead = headOf(4, 4);
const roleHead = headOf(1, 2);
const roles: readonly Role[] = roleSchema.options;

/** The words of a Control whose union has this tag, and points to so many data words. */
function headOf(tag: number, dataWords: number): readonly number[] {
  return [0, FIELDS / 8 - 1 + dataWords, 0, CONTROL_ROOT_HIGH, tag, 0, 0, 0, 0, dataWords];
}

/** A fresh message: the bytes belong to the socket until they are written. */
export function encodeWatermark(watermark: Watermark): Uint8Array {
  const bytes = begin(watermarkHead, 4);
  put(bytes, FIELDS, watermark.received);
  put(bytes, FIELDS + 8, watermark.replayed);
  put(bytes, FIELDS + 16, watermark.receivedSeq);
  put(bytes, FIELDS + 24, watermark.replayedSeq);
  return bytes;
}

export function encodeRole({ role, generation }: Omit<RoleControl, 'kind'>): Uint8Array {
  const bytes = begin(roleHead, 2);
  put(bytes, FIELDS, roles.indexOf(role));
  put(bytes, FIELDS + 8, generation);
  return bytes;
}

/** One of the two, when it has exactly their bytes; otherwise undefined, for the general way. */
export function decodeFrequent(view: DataView): WatermarkControl | RoleControl | undefined {
  if (has(view, watermarkHead, 4)) {
    return {
      kind: 'watermark',
      received: get(view, FIELDS),
      replayed: get(view, FIELDS + 8),
      receivedSeq: get(view, FIELDS + 16),
      replayedSeq: get(view, FIELDS + 24),
    };
  }
  const role = has(view, roleHead, 2) ? roles[get(view, FIELDS)] : undefined;
  return role && { kind: 'role', role, generation: get(view, FIELDS + 8) };
}

function begin(head: readonly number[], dataWords: number): Buffer {
  const bytes = Buffer.allocUnsafe(FIELDS + dataWords * 8);
  for (let i = 0; i < head.length; i++) bytes.writeUInt32LE(head[i]!, i * 4);
  return bytes;
}

function has(view: DataView, head: readonly number[], dataWords: number): boolean {
  if (view.byteLength !== FIELDS + dataWords * 8) return false;
  for (let i = 0; i < head.length; i++) {
    if (view.getUint32(i * 4, true) !== head[i]) return false;
  }
  for (let at = FIELDS; at < view.byteLength; at += 8) {
    if (view.getUint32(at + 4, true) >= EXACT_HIGH) return false;
  }
  return true;
}

function put(bytes: Buffer, at: number, value: number): void {
  bytes.writeUInt32LE(value % HIGH, at);
  bytes.writeUInt32LE(Math.floor(value / HIGH), at + 4);
}

function get(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * HIGH + view.getUint32(at, true);
}
