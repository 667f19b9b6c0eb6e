/* shared.ts: what connections of the load client have in common: counters that several of them
 * increment, the server's clock, and the names of all keys there can be. Checked across
 * connections: an answer that came to one before another asked is the past for both.
 * The rule: nothing here depends on how the server orders concurrent requests. */
import type { Reply } from './resp.js';

export interface SharedCounter {
  key: string;
  sent: number;
  acknowledged: number;
  highest: number;
  seen: Set<number>;
}

export class Shared {
  readonly counters: SharedCounter[];
  readonly knownKeys = new Set<string>();
  /** Keys with a time to live: present or not, both may be right at the end. */
  readonly mortalKeys = new Set<string>();
  writesAcknowledged = 0;
  /** Messages and queue items whose sending was acknowledged. */
  published = 0;
  pushed = 0;
  isStopping = false;
  private latestTimeUs = 0;

  constructor(counterCount = 4) {
    this.counters = Array.from({ length: counterCount }, (_, index) => {
      const key = `shared:${index}`;
      this.knownKeys.add(key);
      return { key, sent: 0, acknowledged: 0, highest: 0, seen: new Set<number>() };
    });
  }

  /** To be called when INCR is sent; the result checks the reply. */
  increment(counter: SharedCounter): (reply: Reply) => string | undefined {
    counter.sent++;
    const before = counter.highest;
    return (reply) => {
      if (reply.kind !== 'integer') return 'an integer';
      counter.acknowledged++;
      counter.highest = Math.max(counter.highest, reply.value);
      if (counter.seen.has(reply.value)) return `a number not given before, not ${reply.value}`;
      counter.seen.add(reply.value);
      if (reply.value <= before) return `more than ${before}, which was answered before`;
      if (reply.value > counter.sent) return `at most ${counter.sent}, as many as were sent`;
      return undefined;
    };
  }

  /** To be called when the time is asked for; the result checks [seconds, microseconds]. */
  time(): (reply: Reply) => string | undefined {
    const before = this.latestTimeUs;
    return (reply) => {
      const micros = timeOf(reply);
      if (micros === undefined) return 'two numbers: seconds and microseconds';
      this.latestTimeUs = Math.max(this.latestTimeUs, micros);
      return micros < before ? `not before ${before} µs: time went back` : undefined;
    };
  }
}

function timeOf(reply: Reply): number | undefined {
  if (reply.kind !== 'array' || reply.items?.length !== 2) return undefined;
  const [seconds, micros] = reply.items.map((item) => {
    return item.kind === 'bulk' && item.data ? Number(item.data.toString()) : NaN;
  }) as [number, number];
  const sum = seconds * 1e6 + micros;
  return Number.isFinite(sum) ? sum : undefined;
}
