/* model.ts: what the load client knows the data set to be. Each key has the state of its last
 * acknowledged write, and the states of writes that were sent and not answered yet.
 * The rule: a key's value at the end must be the acknowledged one, or, only where a connection
 * died with writes unanswered, the result of one of those. */
import { array, bulk, encodeReply, type Argument, type Reply } from './resp.js';

export type State =
  | { type: 'absent' }
  | { type: 'string'; value: Buffer }
  | { type: 'list'; items: readonly Buffer[] }
  | { type: 'set'; members: ReadonlySet<string> }
  | { type: 'stream'; entries: readonly StreamEntry[] }
  /** A write whose result only the server can tell (SPOP, TIME in a script) is unanswered. */
  | { type: 'unknown' };

export interface StreamEntry {
  id: string;
  value: string;
}

export const absent: State = { type: 'absent' };
export const unknown: State = { type: 'unknown' };

export function stringState(value: Buffer | string | number): State {
  return { type: 'string', value: Buffer.isBuffer(value) ? value : Buffer.from(String(value)) };
}

export class KeyBook {
  /** After everything that was sent; what the next request builds upon. */
  private readonly sent = new Map<string, State>();
  private readonly acknowledged = new Map<string, State>();
  private readonly unanswered = new Map<string, State[]>();

  /** State after all requests sent so far (they are executed in order). */
  state(key: string): State {
    return this.sent.get(key) ?? absent;
  }

  /** A write was sent. Call the result when its reply has come, with the final state if learnt. */
  write(key: string, next: State): (learnt?: State) => void {
    this.sent.set(key, next);
    const open = this.unanswered.get(key) ?? [];
    open.push(next);
    this.unanswered.set(key, open);
    return (learnt = next) => {
      open.splice(open.indexOf(next), 1);
      if (open.length === 0) this.unanswered.delete(key);
      this.acknowledged.set(key, learnt);
      if (this.sent.get(key) === next) this.sent.set(key, learnt);
    };
  }

  keys(): string[] {
    return [...new Set([...this.acknowledged.keys(), ...this.unanswered.keys()])];
  }

  /** The states that `key` may be in. */
  allowed(key: string): State[] {
    return [this.acknowledged.get(key) ?? absent, ...(this.unanswered.get(key) ?? [])];
  }
}

/** The request that reads a whole state back. */
export function readBack(key: string, state: State): Argument[] {
  switch (state.type) {
    case 'absent':
    case 'unknown':
      return ['EXISTS', key];
    case 'string':
      return ['GET', key];
    case 'list':
      return ['LRANGE', key, 0, -1];
    case 'set':
      return ['SMEMBERS', key];
    case 'stream':
      return ['XRANGE', key, '-', '+'];
  }
}

/** Does this answer to `readBack` say that the key is in that state? */
export function matches(state: State, reply: Reply, raw: Buffer): boolean {
  switch (state.type) {
    case 'unknown':
      return true;
    case 'absent':
      return isEmpty(reply);
    case 'string':
      return raw.equals(encodeReply(bulk(state.value)));
    case 'list':
      return raw.equals(encodeReply(array(state.items.map((item) => bulk(item)))));
    case 'set':
      return sameMembers(state.members, reply);
    case 'stream':
      return raw.equals(encodeReply(array(state.entries.map(streamReply))));
  }
}

/** Is the state one that counts in DBSIZE? Redis removes lists and sets that became empty. */
export function isPresent(state: State): boolean {
  if (state.type === 'list') return state.items.length > 0;
  if (state.type === 'set') return state.members.size > 0;
  return state.type === 'string' || state.type === 'stream';
}

function streamReply(entry: StreamEntry): Reply {
  return array([bulk(entry.id), array([bulk('v'), bulk(entry.value)])]);
}

function isEmpty(reply: Reply): boolean {
  if (reply.kind === 'integer') return reply.value === 0;
  if (reply.kind === 'bulk') return reply.data === null;
  return reply.kind === 'array' && (reply.items === null || reply.items.length === 0);
}

function sameMembers(members: ReadonlySet<string>, reply: Reply): boolean {
  if (reply.kind !== 'array' || reply.items?.length !== members.size) return false;
  return reply.items.every((item) => {
    return item.kind === 'bulk' && item.data !== null && members.has(item.data.toString('latin1'));
  });
}
