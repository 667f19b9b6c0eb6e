/* status.ts: the answer to `status`, put together from shared memory and the worker's board each
 * time somebody asks; docs/status.md explains every field to an operator.
 * The rule: asking costs the pair nothing, and never waits for the worker. */
import { mapMemory, unmapMemory } from 'bpf-loader';
import { layout } from '../channel/index.js';
import type { DivergenceDetail } from '../errors.js';
import type { Audit } from './audit.js';
import type { PairStatus } from './control-protocol.js';
import type { Board, TakeoverTimes } from './pump-messages.js';
import type { Session } from './session.js';

const { CONTROL, HS_CONNS_OFFSET, HS_MAX_CONNS } = layout;
const CONN_BYTES = 512;
const PAGE_BYTES = 4096;

/** What the main thread knows of the pair. */
export interface PairFacts {
  name: string;
  role: PairStatus['role'];
  peer: string | null;
  commit: PairStatus['commit'];
  divergence: DivergenceDetail | null;
  takeover: TakeoverTimes | null;
  /** Why there is no protection, when there was some. */
  why: string | null;
  startedMs: number;
}

export function pairStatus(
  facts: PairFacts, board: Board, session?: Session, audit?: Audit,
): PairStatus {
  const isProtected = board.get('isProtected') === 1;
  const since = new Date(board.get('protectedSinceMs') || facts.startedMs).toISOString();
  const recorded = session ? session.control.load64(CONTROL.headSeq) : 0;
  // A backup is behind by what it received and did not replay; a primary by what nobody replayed.
  const received = facts.role === 'primary' ? board.get('receivedSeq') : recorded;
  const replayed = facts.role === 'primary' ? board.get('replayedSeq') : tailSeq(session);
  const held = facts.commit === 'verified' ? replayed : received;
  const released = isProtected && facts.commit !== 'async' ? held : recorded;
  const bytes = bytesOf(facts, isProtected, session);
  const behindBytes = isProtected ? bytes.head - bytes.replayed : 0;
  const behindRecords = isProtected ? Math.max(0, recorded - replayed) : 0;
  return {
    name: facts.name,
    role: facts.role,
    pid: process.pid,
    peer: facts.peer,
    commit: facts.commit,
    watermarks: { recorded, received, replayed, released },
    behind: { records: behindRecords, bytes: behindBytes },
    connections: session ? openConnections(session) : 0,
    divergence: facts.divergence && { ...facts.divergence },
    protected: isProtected,
    protectedSince: since,
    unprotectedSince: isProtected ? null : since,
    unprotectedWhy: isProtected ? null : facts.why,
    fenced: board.get('isFenced') === 1,
    bytes,
    lag: { records: behindRecords, bytes: behindBytes, ms: Math.round(board.get('lagMs')) },
    rejected: board.get('rejected'),
    programPid: session?.pid ?? 0,
    takeover: takeoverOf(facts, session),
    audit: audit?.totals() ?? null,
    counters: session ? session.control.counters() : {},
  };
}

const tailSeq = (session: Session | undefined): number =>
  session ? session.control.load64(CONTROL.tailSeq) : 0;

/** The watermarks in bytes of the record stream. */
function bytesOf(facts: PairFacts, isProtected: boolean, session: Session | undefined) {
  if (!session) return { head: 0, received: 0, replayed: 0, released: 0 };
  const { control } = session;
  const head = control.load64(CONTROL.head);
  if (facts.role !== 'primary') {
    const tail = control.load64(CONTROL.tail);
    return { head, received: head, replayed: tail, released: tail };
  }
  return {
    head,
    received: control.load64(CONTROL.received),
    replayed: control.load64(CONTROL.replayed),
    released: isProtected ? Math.min(head, control.load64(CONTROL.released)) : head,
  };
}

function takeoverOf(facts: PairFacts, session: Session | undefined) {
  if (!facts.takeover) return null;
  const { control } = session!;
  return {
    ...facts.takeover,
    programLiveNs: control.load64(CONTROL.liveNs),
    restoredNs: control.load64(CONTROL.restoredNs),
    firstByteNs: control.load64(CONTROL.firstByteNs),
  };
}

/** Connections whose place is in use; those made after a takeover have none. Only places that ever
 * were are looked at: reading the others would make the kernel allocate their pages. */
function openConnections(session: Session): number {
  const made = session.control.load64(CONTROL.connsMade) +
    session.control.load64(CONTROL.connsRestored);
  if (made === 0) return 0;
  const places = Math.min(made + 1, HS_MAX_CONNS); // place 0 is nobody's
  const bytes = Math.ceil((places * CONN_BYTES) / PAGE_BYTES) * PAGE_BYTES;
  const buffer = mapMemory(session.fd, HS_CONNS_OFFSET, bytes);
  try {
    const words = new Uint32Array(buffer);
    let open = 0;
    for (let at = 0; at < places; at++) {
      if (Atomics.load(words, (at * CONN_BYTES) / 4) === 1) open++;
    }
    return open;
  } finally {
    unmapMemory(buffer);
  }
}
