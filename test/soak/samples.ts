/* samples.ts: what a soak looks at while it runs: the pair's own status on both hosts, and how much
 * memory the engine and the program hold there.
 * The rule: memory is what the kernel says of each process; a leak is judged, not felt. */
import type { Bed, HostName } from '../../src/bed/bed.js';
import { askHost } from '../../src/bed/subject.js';
import { median } from '../bench/figures.js';

export interface HostSample {
  /** Anonymous memory of node, and of the program with the shim in it; MiB. */
  engineMiB: number;
  programMiB: number;
  records: number;
  /** Comparisons of memory so far, the bytes of them, and the record of the last one. */
  checks: number;
  checkedBytes: number;
  checkedSeq: number;
}

export interface Sample {
  atS: number;
  isProtected: boolean;
  behind: number;
  exchanges: number;
  primary: HostSample;
  backup: HostSample;
}

/** Name and anonymous memory of each process, one line each; those that end meanwhile are not. */
const readMemory = 'for s in /proc/[0-9]*/status; do awk \''
  + '/^Name:/ {name = $2} /^RssAnon:/ {print name, $2}\' "$s" 2>/dev/null; done; true';

async function memoryOf(bed: Bed, host: HostName): Promise<{ engine: number; program: number }> {
  const sums = { engine: 0, program: 0 };
  for (const line of (await bed.run(host, ['sh', '-c', readMemory])).trim().split('\n')) {
    const [name = '', kib = '0'] = line.split(' ');
    if (name === 'sh' || name === 'awk' || name === 'sleep') continue;
    sums[name === 'node' ? 'engine' : 'program'] += Number(kib) / 1024;
  }
  return sums;
}

async function sampleHost(bed: Bed, host: HostName) {
  const [state, memory] = await Promise.all([askHost(bed, host), memoryOf(bed, host)]);
  const counters = (state?.['counters'] ?? {}) as Record<string, number>;
  const watermarks = (state?.['watermarks'] ?? {}) as Record<string, number>;
  const sample: HostSample = {
    engineMiB: memory.engine,
    programMiB: memory.program,
    records: watermarks['recorded'] ?? 0,
    checks: counters['memoryChecks'] ?? 0,
    checkedBytes: counters['memoryCheckBytes'] ?? 0,
    checkedSeq: counters['memoryCheckSeq'] ?? 0,
  };
  return { state, sample };
}

export async function takeSample(bed: Bed, atS: number, exchanges: number): Promise<Sample> {
  const [primary, backup] = await Promise.all([
    sampleHost(bed, 'primary'), sampleHost(bed, 'backup'),
  ]);
  const behind = (primary.state?.['behind'] ?? {}) as Record<string, number>;
  return {
    atS, exchanges,
    isProtected: primary.state?.protected === true,
    behind: behind['records'] ?? 0,
    primary: primary.sample,
    backup: backup.sample,
  };
}

/** Growth of a series per hour: the last quarter of the time against the second one. The first one
 * is the start: buffers fill, code is compiled. */
export function growthPerHour(samples: readonly Sample[], of: (s: Sample) => number): number {
  const quarter = Math.floor(samples.length / 4);
  if (quarter === 0) return NaN;
  const early = samples.slice(quarter, 2 * quarter), late = samples.slice(-quarter);
  const hours = (median(late.map((s) => s.atS)) - median(early.map((s) => s.atS))) / 3600;
  return (median(late.map(of)) - median(early.map(of))) / hours;
}
