/* audit-bytes.ts: the kernel's account of each connection against the shim's: bytes delivered and
 * not recorded, bytes that left and were not released.
 * The kernel counts a byte before the shim can have recorded it, so what the kernel said a round
 * ago is compared with what the shim says now. A difference that is only a record still being made
 * is gone by the next round; the last word on a connection is said a round after its end.
 * The rule: a difference is never rounded away; what cannot be compared is counted as such. */
import { mapMemory, unmapMemory } from 'bpf-loader';
import { layout } from '../channel/index.js';
import { connectionKey, type AuditKernel, type KernelConnection } from './audit-kernel.js';
import { shimConnectionAt, shimConnectionBytes } from './audit-layout.js';
import type { ControlBlock } from './control-block.js';

const { CONTROL, HS_CONNS_OFFSET, HS_MAX_CONNS } = layout;
/** A place of the table may be another connection's when so many were made since. */
const REUSED_AFTER = HS_MAX_CONNS - 1024;
const KEPT_MOST = 64;

/** One way in which the two accounts of a connection differ. */
export interface ByteDifference {
  what: 'delivered-not-recorded' | 'left-not-released';
  client: string;
  port: number;
  /** The kernel's count, and the shim's. */
  kernelBytes: number;
  shimBytes: number;
  isClosed: boolean;
}

export interface ByteTotals {
  connections: number;
  /** Closed ones that were compared to the end, and those whose place was used again before. */
  compared: number;
  unchecked: number;
  deliveredBytes: number;
  recordedBytes: number;
  leftBytes: number;
  releasedBytes: number;
  /** Connections that differ; the first of them are in `differences`. */
  different: number;
  differences: ByteDifference[];
}

interface Known {
  before: KernelConnection;
  /** In the shim's table; 0: not found yet. */
  place: number;
  connsMade: number;
}

export class ByteAudit {
  readonly #table: Buffer;
  readonly #words: BigUint64Array;
  readonly #known = new Map<bigint, Known>();
  readonly #over: ByteTotals = noTotals();
  #now: ByteTotals = noTotals();

  constructor(
    readonly kernel: AuditKernel, readonly control: ControlBlock, sessionFd: number,
  ) {
    const memory = mapMemory(sessionFd, HS_CONNS_OFFSET, HS_MAX_CONNS * shimConnectionBytes);
    this.#table = Buffer.from(memory);
    this.#words = new BigUint64Array(memory);
  }

  close(): void {
    const memory = this.#table.buffer as ArrayBuffer;
    if (memory.byteLength > 0) unmapMemory(memory);
  }

  /** As of the last round. */
  totals(): ByteTotals {
    return this.#now;
  }

  /** Compares what the kernel said in the round before with what the shim says now. */
  round(): void {
    const connsMade = this.control.load64(CONTROL.connsMade);
    const current = this.kernel.connections();
    this.#findPlaces(connsMade);
    const now = copyOf(this.#over);
    for (const connection of current) {
      const known = this.#known.get(connection.cookie);
      if (!known) {
        this.#known.set(connection.cookie, { before: connection, place: 0, connsMade });
        continue;
      }
      const isLast = known.before.isClosed;
      this.#compare(known, connsMade, now);
      if (isLast) {
        this.#compare(known, connsMade, this.#over);
        this.#known.delete(connection.cookie);
        this.kernel.forget(connection.cookie);
      } else {
        known.before = connection;
      }
    }
    this.#now = now;
  }

  #compare(known: Known, connsMade: number, totals: ByteTotals): void {
    const { before, place } = known;
    const isUnknown = place === 0 || this.#keyAt(place) !== before.key;
    if (isUnknown && connsMade - known.connsMade > REUSED_AFTER) {
      totals.unchecked++;
      return;
    }
    const recorded = isUnknown ? 0 : this.#count(place, shimConnectionAt.read);
    const released = isUnknown ? 0 : this.#count(place, shimConnectionAt.sendable);
    totals.connections++;
    if (before.isClosed) totals.compared++;
    totals.deliveredBytes += before.deliveredBytes;
    totals.leftBytes += before.leftBytes;
    totals.recordedBytes += recorded;
    totals.releasedBytes += released;
    const differences = differencesOf(before, recorded, released);
    if (differences.length > 0) totals.different++;
    const room = Math.max(0, KEPT_MOST - totals.differences.length);
    totals.differences.push(...differences.slice(0, room));
  }

  /** Finds the places of connections that have none yet, in one pass over the table. */
  #findPlaces(connsMade: number): void {
    const wanted = new Map<string, Known>();
    for (const known of this.#known.values()) {
      const { key, deliveredBytes, leftBytes } = known.before;
      // Until the program has accepted it there is none, and nothing to compare.
      if (known.place === 0 && deliveredBytes + leftBytes > 0) wanted.set(key, known);
    }
    // Places that never were in use are not looked at: their pages would have to be made.
    const places = Math.min(connsMade + 1, HS_MAX_CONNS);
    for (let place = 1; place < places && wanted.size > 0; place++) {
      const known = wanted.get(this.#keyAt(place));
      if (!known) continue;
      known.place = place;
      wanted.delete(known.before.key);
    }
  }

  #keyAt(place: number): string {
    const from = place * shimConnectionBytes;
    return connectionKey(this.#table.subarray(from, from + shimConnectionBytes), shimConnectionAt);
  }

  #count(place: number, field: number): number {
    return Number(Atomics.load(this.#words, (place * shimConnectionBytes + field) / 8));
  }
}

function differencesOf(
  kernel: KernelConnection, recorded: number, released: number,
): ByteDifference[] {
  const { client, port, deliveredBytes, leftBytes, isClosed } = kernel;
  const found: ByteDifference[] = [];
  const add = (what: ByteDifference['what'], kernelBytes: number, shimBytes: number): void => {
    if (kernelBytes <= shimBytes) return;
    found.push({ what, client, port, kernelBytes, shimBytes, isClosed });
  };
  add('delivered-not-recorded', deliveredBytes, recorded);
  add('left-not-released', leftBytes, released);
  return found;
}

export function noTotals(): ByteTotals {
  return {
    connections: 0, compared: 0, unchecked: 0, deliveredBytes: 0, recordedBytes: 0, leftBytes: 0,
    releasedBytes: 0, different: 0, differences: [],
  };
}

const copyOf = (totals: ByteTotals): ByteTotals =>
  ({ ...totals, differences: [...totals.differences] });
