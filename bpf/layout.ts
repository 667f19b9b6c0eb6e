/* layout.ts: the structures of event.h as TypeScript sees them in mapped memory. Offsets in bytes,
 * little-endian, u32 unless the name is in `wide` (u64) or said otherwise. The rule: event.h is
 * the source; test/system/enforce-layout.test.ts compares every number here with the compiler's. */

/** Values of `settings.role`. */
export const netRole = { off: 0, primary: 1, backup: 2, takeover: 3, live: 4 } as const;

/** Bits of `slot.flags`. */
export const netFlag = {
  used: 1, finOk: 2, shutOk: 4, clamped: 8, unrestored: 16, noted: 32, synOk: 64,
  confirmed: 128, reset: 256, dialled: 512, timestamps: 0x10000, sack: 0x20000, wscale: 0x40000,
} as const;

export const netSlots = 65_536;
export const netMark = 0x4853;

/** struct hs_net_settings: what user space writes. */
export const settingsOffsets = {
  role: 0, vip: 4, fenced: 8, synHold: 12, clamp: 16, device: 20,
} as const;

/** struct hs_net_settings: the counters, u64. */
export const counterOffsets = {
  packets: 24, clamped: 32, sackBlanked: 40, finRstDropped: 48, rstSuppressed: 56, silenced: 64,
  fenceDropped: 72, ignored: 80, answers: 88, synHeld: 96, synLost: 104, slotsEmpty: 112,
  marked: 120,
} as const;
/** struct hs_net_settings: hardware addresses, u64: our interface's, another claimant's. */
export const ownerOffsets = { mac: 128, claimant: 136 } as const;
export const settingsBytes = 144;

/** struct hs_net_key; ports and address in network order. */
export const keyOffsets = { raddr: 0, rport: 4, lport: 6 } as const;
export const keyBytes = 8;

/** struct hs_net_slot; wscale and peerWscale are u8, peerMss and the ports u16. */
export const slotOffsets = {
  limit: 0, edge: 4, sndMax: 8, irs1: 12, iss1: 16, tsval: 20, tsecr: 24, peerAck: 28,
  peerWindow: 32, answers: 36, flags: 40, wscale: 44, peerWscale: 45, peerMss: 46, raddr: 48,
  rport: 52, lport: 54, shown: 56, bornMs: 60,
} as const;
export const slotBytes = 64;

/** struct hs_net_held */
export const heldOffsets = { slot: 0, len: 4, frame: 8 } as const;
export const heldBytes = 144;
