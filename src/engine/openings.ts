/* openings.ts: handshakes of clients that the primary's kernel is making. Its answer to a client,
 * the SYN-ACK, is given to us by the BPF program (bpf/handshake.h); the backup is told the numbers
 * of the connection, and then the answer leaves: so no client believes to be connected of whom the
 * backup does not know. The backup keeps them in the session (shim/core/queued.c) until the record
 * of the accept has come. The rule: an answer that nobody waits for leaves at once. */
import { mapMemory, packetSocket, unmapMemory, type PacketSocket } from 'bpf-loader';
import { layout, type Control } from '../channel/index.js';
import type { EnforcementMap } from './enforcement-map.js';

/** struct hs_net_held and struct hs_net_slot, and the rest that is said in bpf/event.h. A test
 * compares them with bpf/layout.ts. */
export const HELD_BYTES = 144;
export const HELD = { slot: 0, len: 4, frame: 8 } as const;
export const SLOT_BYTES = 64;
export const SLOT = { flags: 40, raddr: 48, ports: 52, bornMs: 60 } as const;
export const SLOTS = 65_536;
export const FLAG = { used: 1, noted: 32, synOk: 64, dialled: 512 } as const;
export const NET_MARK = 0x4853;
/** settings.synHold */
const HOLD = { no: 0, hold: 1, tell: 2 } as const;
const IP = 14;
const TOLD_AT_ONCE = 256;

interface Teller {
  readonly open: boolean;
  sendControl(control: Control): boolean;
}

interface Waiting {
  slot: number;
  frame: Uint8Array;
}

/** Primary: what the backup has to hear of before a client's SYN is answered. */
export class Openings {
  readonly #slots: Uint8Array;
  readonly #flags: Uint32Array;
  readonly #socket: PacketSocket;
  readonly #waiting: Waiting[] = [];
  #teller: Teller | undefined;
  #known = 0;
  #isClosed = false;

  constructor(readonly net: EnforcementMap, slotsFd: number, dev: string, readonly waits: boolean) {
    this.#slots = new Uint8Array(mapMemory(slotsFd, 0, SLOTS * SLOT_BYTES));
    this.#flags = new Uint32Array(this.#slots.buffer);
    this.#socket = packetSocket(dev, { mark: NET_MARK });
  }

  /** From here on a backup is told, first of all that are in their handshake, or not accepted. */
  follow(teller: Teller): void {
    this.#teller = teller;
    this.#known = 0;
    this.net.set('synHold', this.waits ? HOLD.hold : HOLD.tell);
    const slots: number[] = [];
    for (let slot = 0; slot < SLOTS; slot++) {
      const flags = this.#flagsOf(slot) & (FLAG.used | FLAG.noted | FLAG.dialled);
      if (flags === FLAG.used) slots.push(slot);
    }
    for (let at = 0; at < slots.length; at += TOLD_AT_ONCE) {
      const some = slots.slice(at, at + TOLD_AT_ONCE);
      this.#tell(some.map((slot) => ({ slot, frame: new Uint8Array(0) })));
    }
  }

  /** There is no backup: nobody waits for it. */
  alone(): void {
    this.#teller = undefined;
    this.net.set('synHold', HOLD.no);
    this.#letGo(this.#waiting.length);
  }

  /** Answers from the BPF program, HELD_BYTES each. */
  take(held: Uint8Array): void {
    if (this.#isClosed) return;
    const view = new DataView(held.buffer, held.byteOffset, held.byteLength);
    const some: Waiting[] = [];
    for (let at = 0; at + HELD_BYTES <= held.length; at += HELD_BYTES) {
      const bytes = view.getUint32(at + HELD.len, true);
      const from = at + HELD.frame;
      some.push({
        slot: view.getUint32(at + HELD.slot, true),
        frame: this.waits ? held.slice(from, from + bytes) : new Uint8Array(0),
      });
    }
    this.#tell(some);
  }

  /** The backup knows so many. */
  release(count: number): void {
    const fresh = count - this.#known;
    if (fresh <= 0) return;
    this.#known = count;
    this.#letGo(fresh);
  }

  close(): void {
    if (this.#isClosed) return;
    this.alone();
    this.#isClosed = true;
    this.#socket.close();
    unmapMemory(this.#slots.buffer as ArrayBuffer);
  }

  #flagsOf(slot: number): number {
    return Atomics.load(this.#flags, (slot * SLOT_BYTES + SLOT.flags) / 4);
  }

  #tell(some: readonly Waiting[]): void {
    this.#waiting.push(...some);
    const teller = this.#teller;
    if (!teller?.open) return this.#letGo(this.#waiting.length);
    const slots = new Uint8Array(some.length * SLOT_BYTES);
    some.forEach(({ slot }, i) => {
      const from = slot * SLOT_BYTES;
      slots.set(this.#slots.subarray(from, from + SLOT_BYTES), i * SLOT_BYTES);
    });
    teller.sendControl({ kind: 'openings', slots });
  }

  #letGo(count: number): void {
    for (const { slot, frame } of this.#waiting.splice(0, count)) {
      if (frame.length === 0) continue;
      // Its repetitions by the kernel then leave by themselves.
      Atomics.or(this.#flags, (slot * SLOT_BYTES + SLOT.flags) / 4, FLAG.synOk);
      fillChecksum(frame);
      try {
        this.#socket.sendFrame(frame);
      } catch (error) {
        // Lost, as on any network: the kernel sends it again.
        if (!/EAGAIN|ENOBUFS|ENETDOWN/.test(String((error as { code?: string }).code))) throw error;
      }
    }
  }
}

/** The kernel leaves the checksum of what it sends to the device: a frame taken before has none.
 * RFC 9293, 3.1: over addresses, protocol, length, and the segment with a zero checksum. */
export function fillChecksum(frame: Uint8Array): void {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const tcp = IP + (frame[IP]! & 15) * 4;
  const end = IP + view.getUint16(IP + 2);
  view.setUint16(tcp + 16, 0);
  let sum = frame[IP + 9]! + end - tcp;
  for (let at = IP + 12; at < IP + 20; at += 2) sum += view.getUint16(at);
  for (let at = tcp; at < end; at += 2) {
    sum += at + 1 < end ? view.getUint16(at) : frame[at]! << 8;
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  view.setUint16(tcp + 16, ~sum & 0xffff);
}

const WAYS = layout.HS_OPENING_WAYS;
const BUCKETS = layout.HS_MAX_OPENINGS / WAYS;
const BUCKET_SHIFT = 32 - Math.log2(BUCKETS);

/** Backup: the same, in the session's memory. A full bucket loses its oldest: a flood of SYNs that
 * come to nothing does not keep the others out. */
export class OpeningTable {
  readonly #bytes: Uint8Array;
  readonly #words: Uint32Array;
  #known = 0;

  constructor(sessionFd: number) {
    const bytes = layout.HS_MAX_OPENINGS * SLOT_BYTES;
    this.#bytes = new Uint8Array(mapMemory(sessionFd, layout.HS_OPENINGS_OFFSET, bytes));
    this.#words = new Uint32Array(this.#bytes.buffer);
  }

  /** Puts them in; gives what the primary is to be told. */
  put(slots: Uint8Array): Extract<Control, { kind: 'known' }> {
    const nowMs = Math.floor(Number(process.hrtime.bigint()) / 1e6) >>> 0;
    for (let at = 0; at + SLOT_BYTES <= slots.length; at += SLOT_BYTES) {
      this.#putOne(slots.slice(at, at + SLOT_BYTES), nowMs);
      this.#known++;
    }
    return { kind: 'known', count: this.#known };
  }

  close(): void {
    if (this.#bytes.byteLength > 0) unmapMemory(this.#bytes.buffer as ArrayBuffer);
  }

  #putOne(slot: Uint8Array, nowMs: number): void {
    const fresh = new Uint32Array(slot.buffer);
    const raddr = fresh[SLOT.raddr / 4]!;
    const ports = fresh[SLOT.ports / 4]!;
    const place = this.#placeFor(raddr, ports, nowMs);
    const flags = fresh[SLOT.flags / 4]!;
    fresh[SLOT.flags / 4] = 0;
    fresh[SLOT.bornMs / 4] = nowMs;
    // The copy looks at the flags first: they go first, and come back last.
    Atomics.store(this.#words, (place + SLOT.flags) / 4, 0);
    this.#bytes.set(slot, place);
    Atomics.store(this.#words, (place + SLOT.flags) / 4, flags | FLAG.used);
  }

  #placeFor(raddr: number, ports: number, nowMs: number): number {
    const bucket = (Math.imul(raddr ^ ports, 0x9e3779b1) >>> BUCKET_SHIFT) * WAYS;
    let best = bucket * SLOT_BYTES;
    let bestAge = -1;
    for (let way = 0; way < WAYS; way++) {
      const place = (bucket + way) * SLOT_BYTES;
      const word = (offset: number): number => this.#words[(place + offset) / 4]!;
      if (word(SLOT.raddr) === raddr && word(SLOT.ports) === ports) return place;
      const isFree = word(SLOT.flags) === 0;
      const age = isFree ? Infinity : (nowMs - word(SLOT.bornMs)) >>> 0;
      if (age > bestAge) [best, bestAge] = [place, age];
    }
    return best;
  }
}
