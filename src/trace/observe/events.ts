/* events.ts: every call as the kernel half streams it, decoded: for `hs-trace --events`.
 * The rule: nothing is kept here: a batch is given on and forgotten, so memory is bounded however
 * many there are; what found no room in the kernel's ring is counted there. */
import type { RingBuffer } from 'bpf-loader';
import { eventOffsets } from '../../../bpf/observe-layout.js';
import { nameOfRow } from './counters.js';
import type { Kernel } from './kernel.js';

export interface ObservedEvent {
  /** Of the call's return: CLOCK_MONOTONIC. */
  readonly timeNs: bigint;
  readonly pid: number;
  readonly tid: number;
  readonly call: string;
  readonly result: bigint;
  /** Time in the call; null when its entry was not seen. */
  readonly ns: number | null;
  /** Address of the instruction behind the call. */
  readonly ip: bigint;
}

export function streamEvents(
  kernel: Kernel, onEvents: (events: readonly ObservedEvent[]) => void,
): RingBuffer {
  return kernel.object.ringBuffer('events', (batch, offsets) => {
    const view = new DataView(batch);
    onEvents(Array.from(offsets, (at) => decode(view, at)));
  }, { pollMs: 1 });
}

function decode(view: DataView, at: number): ObservedEvent {
  const ns = Number(view.getBigUint64(at + eventOffsets.ns, true));
  return {
    timeNs: view.getBigUint64(at + eventOffsets.timeNs, true),
    pid: view.getUint32(at + eventOffsets.pid, true),
    tid: view.getUint32(at + eventOffsets.tid, true),
    call: nameOfRow(view.getUint32(at + eventOffsets.row, true)),
    result: view.getBigInt64(at + eventOffsets.result, true),
    ns: ns === 0 ? null : ns,
    ip: view.getBigUint64(at + eventOffsets.ip, true),
  };
}
