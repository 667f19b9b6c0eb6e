/* enforcement-map.ts: the first words of struct hs_net_settings (bpf/event.h), which the engine
 * writes: role, address, fence, clamp, interface. A test compares the offsets with the header. */
import { mapMemory, unmapMemory } from 'bpf-loader';

export const netRole = { off: 0, primary: 1, backup: 2, takeover: 3, live: 4 } as const;
export type NetRole = (typeof netRole)[keyof typeof netRole];

/** Word numbers. */
export const settingsWord = {
  role: 0, vip: 1, fenced: 2, synHold: 3, clamp: 4, device: 5,
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

  close(): void {
    if (this.#words.byteLength > 0) unmapMemory(this.#words.buffer as ArrayBuffer);
  }
}
