/* enforcement-map.ts: the first words of struct hs_net_settings (bpf/event.h), which the engine
 * writes: role, address, fence, clamp, interface; and who else claims the address. A test compares
 * the offsets with the header. The rule: one word is one number, read and written whole. */
import { mapMemory, unmapMemory } from 'bpf-loader';

export const netRole = { off: 0, primary: 1, backup: 2, takeover: 3, live: 4 } as const;
export type NetRole = (typeof netRole)[keyof typeof netRole];

/** Word numbers. */
export const settingsWord = {
  role: 0, vip: 1, fenced: 2, synHold: 3, clamp: 4, device: 5,
  mac: 32, macRest: 33, claimant: 34, claimantRest: 35,
} as const;
const MAP_BYTES = 4096;

/** The map `settings`, as one engine thread sees it. */
export class EnforcementMap {
  readonly #words: Uint32Array;

  constructor(settingsFd: number) {
    this.#words = new Uint32Array(mapMemory(settingsFd, 0, MAP_BYTES));
  }

  get(word: keyof typeof settingsWord): number {
    return Atomics.load(this.#words, settingsWord[word]);
  }

  set(word: keyof typeof settingsWord, value: number): void {
    Atomics.store(this.#words, settingsWord[word], value);
  }

  /** Our interface's hardware address: who says it owns the service's is somebody else. */
  setMac(mac: Uint8Array): void {
    const words = Buffer.alloc(8);
    words.set(mac);
    this.set('macRest', words.readUInt32LE(4));
    this.set('mac', words.readUInt32LE(0));
  }

  /** The other host that has claimed the service address since we serve, as people write it. */
  claimant(): string | undefined {
    const words = Buffer.alloc(8);
    words.writeUInt32LE(this.get('claimant'), 0);
    words.writeUInt32LE(this.get('claimantRest'), 4);
    if (words.readBigUInt64LE(0) === 0n) return undefined;
    return [...words.subarray(0, 6)].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
  }

  close(): void {
    if (this.#words.byteLength > 0) unmapMemory(this.#words.buffer as ArrayBuffer);
  }
}
