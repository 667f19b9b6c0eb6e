/* standstill.ts: a copy under --schedule parallel in which a thread waits, by a word in memory
 * alone, for what will not come: it makes no call that could be compared, and nothing stops it.
 * The next record is there and nobody takes it; after a bound that is a divergence like any other.
 * The rule: turns of a clock are counted, not time: a machine that stood still counts none. */
import { decodeRecord, layout, viewOf } from '../channel/index.js';
import type { SessionMap } from './ring.js';

const { CONTROL, DIVERGENCE, SIZES } = layout;
const TURN_MS = 1000;
/** A thread that computes for so long between two records is taken for one that stands still. */
const BOUND_TURNS = 30;

export interface StandstillBound {
  turns?: number;
  turnMs?: number;
}

/** Looks now and then, until the result is called. */
export function watchForStandstill(map: SessionMap, bound: StandstillBound = {}): () => void {
  const { turns = BOUND_TURNS, turnMs = TURN_MS } = bound;
  const { control } = map;
  if ((control.load32(CONTROL.flags) & layout.HS_FLAG_PARALLEL) === 0) return () => undefined;
  let at = -1;
  let since = 0;
  const look = (): void => {
    const tail = control.load64(CONTROL.tail);
    const isWaiting = control.load64(CONTROL.head) > tail && control.load32(CONTROL.live) === 0;
    since = isWaiting && tail === at ? since + 1 : 0;
    at = tail;
    if (since >= turns) say(map, at, (since * turnMs) / 1000);
  };
  const timer = setInterval(look, turnMs);
  return () => clearInterval(timer);
}

/** The shim may be faster with what it has found: then that stands. */
function say({ control, ring, ringBytes }: SessionMap, tail: number, seconds: number): void {
  const { divergence } = CONTROL;
  if (control.load32(divergence + DIVERGENCE.set) !== 0) return;
  const { seq, method, pid, tid } = decodeRecord(viewOf(new Uint8Array(ring)), tail % ringBytes);
  control.store32(divergence + DIVERGENCE.row, method & layout.HS_METHOD_ROW);
  control.store32(divergence + DIVERGENCE.pid, pid);
  control.store32(divergence + DIVERGENCE.tid, tid);
  control.store64(divergence + DIVERGENCE.seq, seq);
  control.setText(divergence + DIVERGENCE.expected, SIZES.divergenceExpected,
    `a call or a lock of thread ${tid}`);
  control.setText(divergence + DIVERGENCE.got, SIZES.divergenceGot,
    `none for ${Math.round(seconds)} s: it waits for a word in memory, or computes`);
  control.store32(divergence + DIVERGENCE.set, 1);
}
