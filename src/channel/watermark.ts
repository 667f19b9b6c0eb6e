// watermark.ts: the one control message that is on the way of every byte: under commit mode
// `logged` a client waits for it. So it has a codec of its own that only copies four numbers; its
// bytes are exactly those capnp-ts makes (a test compares them).

import type { Control } from './control.js';
import { CONTROL_ROOT_HIGH } from './layout.js';

type WatermarkControl = Extract<Control, { kind: 'watermark' }>;
export type Watermark = Omit<WatermarkControl, 'kind'>;

/** Framing word, root pointer, 2 data words, 1 pointer, and the four words of struct Watermark. */
const BYTES = 72;
const FIELDS = 40;
/** The words before the fields, as u32: union tag 4, a pointer to a struct of 4 data words. */
const HEAD = [0, BYTES / 8 - 1, 0, CONTROL_ROOT_HIGH, 4, 0, 0, 0, 0, 4] as const;
const HIGH = 0x100000000;

/** A fresh message: the bytes belong to the socket until they are written. */
export function encodeWatermark(watermark: Watermark): Uint8Array {
  const bytes = Buffer.allocUnsafe(BYTES);
  for (let i = 0; i < HEAD.length; i++) bytes.writeUInt32LE(HEAD[i]!, i * 4);
  put(bytes, FIELDS, watermark.received);
  put(bytes, FIELDS + 8, watermark.replayed);
  put(bytes, FIELDS + 16, watermark.receivedSeq);
  put(bytes, FIELDS + 24, watermark.replayedSeq);
  return bytes;
}

function put(bytes: Buffer, at: number, value: number): void {
  bytes.writeUInt32LE(value % HIGH, at);
  bytes.writeUInt32LE(Math.floor(value / HIGH), at + 4);
}

/** The message, when it has exactly these bytes; otherwise undefined, for the general decoder. */
export function decodeWatermark(view: DataView): WatermarkControl | undefined {
  if (view.byteLength !== BYTES) return undefined;
  for (let i = 0; i < HEAD.length; i++) {
    if (view.getUint32(i * 4, true) !== HEAD[i]) return undefined;
  }
  // A number too large to be exact goes the general way, which refuses it by name.
  for (let at = FIELDS; at < BYTES; at += 8) {
    if (view.getUint32(at + 4, true) >= 0x200000) return undefined;
  }
  return {
    kind: 'watermark',
    received: get(view, FIELDS),
    replayed: get(view, FIELDS + 8),
    receivedSeq: get(view, FIELDS + 16),
    replayedSeq: get(view, FIELDS + 24),
  };
}

function get(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * HIGH + view.getUint32(at, true);
}
