/* takeover.ts: the backup's life as a state machine: one table, one transition function. What is
 * done on entering a state is backup-pump.ts's; ARCHITECTURE.md has the diagram.
 *
 *   following ──lost, silent, handover──► asking ──stored──► restoring ──live──► live
 *       │ stop, ended                        │ ended            │ ended, late      │ stop, ended
 *       ▼                                    ▼                  ▼                  ▼
 *    stopped                              stopped            stopped            stopped
 *
 * and from the first three to `diverged` by a divergence. The rule: an event that the table does
 * not have in a state changes nothing; no state is left but through here. */

export type TakeoverState =
  | 'following' /* replays what the primary records */
  | 'asking' /* the address is ours; what was received still goes into the ring */
  | 'restoring' /* the log has ended: the shim asks the clients and makes the sockets */
  | 'live'
  | 'stopped'
  | 'diverged';

export type TakeoverEvent =
  | 'lost' /* the channel broke: the primary's engine is dead */
  | 'silent' /* no byte within the bound, and the partition policy is ours to take over */
  | 'handover' /* the primary gives its role away */
  | 'stored' /* everything received is in the ring */
  | 'live' /* the shim says so */
  | 'late' /* it did not say so within its bound */
  | 'stop' /* an orderly end, from either side */
  | 'ended' /* the program has ended */
  | 'divergence';

const transitions: Record<TakeoverState, Partial<Record<TakeoverEvent, TakeoverState>>> = {
  following: {
    lost: 'asking', silent: 'asking', handover: 'asking',
    stop: 'stopped', ended: 'stopped', divergence: 'diverged',
  },
  asking: { stored: 'restoring', ended: 'stopped', divergence: 'diverged' },
  restoring: { live: 'live', late: 'stopped', ended: 'stopped', divergence: 'diverged' },
  live: { stop: 'stopped', ended: 'stopped' },
  stopped: {},
  diverged: {},
};

/** The state after `event`; the same one when the event means nothing in it. */
export function nextState(state: TakeoverState, event: TakeoverEvent): TakeoverState {
  return transitions[state][event] ?? state;
}
