/* words.ts: numbers, times and places as people read them, the same on every page.
 * The rule: a unit is always shown, and a number is never longer than it is exact. */
import { basename } from 'node:path';
import type { Observation } from '../observation.js';
import type { Place } from '../report.js';

export const number = (value: number): string => value.toLocaleString('en');

/** `412 ns`, `3.1 µs`, `27 ms`, `1.52 s`. */
export function duration(ns: number): string {
  const units: [limit: number, unit: string, per: number][] = [
    [1e3, 'ns', 1], [1e6, 'µs', 1e3], [1e9, 'ms', 1e6], [Infinity, 's', 1e9],
  ];
  const [, unit, per] = units.find(([limit]) => ns < limit)!;
  const value = ns / per;
  const digits = per === 1 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${value.toFixed(digits)} ${unit}`;
}

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${number(count)} ${count === 1 ? one : many}`;

/** `libc.so.6 clock_gettime+0x1f`, as short as it says something. */
export function place({ file, symbol, offset }: Place): string {
  const name = file.startsWith('/') ? basename(file) : file;
  if (symbol !== null) return `${name} ${symbol}`;
  return offset > 0 ? `${name}+0x${offset.toString(16)}` : name;
}

/** What was watched: its command line, or the process. */
export function subject({ command, processes }: Observation): string {
  if (command !== null) return command.join(' ');
  const first = processes[0];
  return first ? `process ${first.pid} (${first.comm})` : 'no process';
}

/** `10.2 s, 3 processes, 12 threads`. */
export function extent({ durationMs, processes }: Observation): string {
  const threads = processes.reduce((sum, { threadsEver }) => sum + threadsEver, 0);
  return [
    duration(durationMs * 1e6), plural(processes.length, 'process', 'processes'),
    plural(threads, 'thread'),
  ].join(', ');
}

/** What is always shown: events seen, events lost by CPU, what one costs. */
export function account({ events, lostPerCpu, nsPerEvent }: Observation): string {
  const lost = lostPerCpu.reduce((sum, count) => sum + count, 0);
  const cpus = lostPerCpu.map((count, cpu) => `cpu${cpu} ${number(count)}`).join(', ');
  const cost = nsPerEvent === null ? 'overhead not measured' : `${Math.round(nsPerEvent)} ns each`;
  return `${plural(events, 'event')} seen, ${number(lost)} lost (${cpus}), ${cost}`;
}
