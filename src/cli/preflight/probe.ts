/* probe.ts: what a probe of the preflight is, and what it finds. A probe looks at one thing,
 * changes nothing, ends within seconds, and tells what to do when the thing is not as needed. */

export interface Finding {
  /** `warn`: works, but not all of it, or could not be found out. */
  status: 'ok' | 'warn' | 'missing';
  /** What was found, in a few words. */
  found: string;
  /** What to do about it; only where the status is not `ok`. */
  fix?: string;
}

export interface Probe {
  name: string;
  look: () => Finding | Promise<Finding>;
}

export const ok = (found: string): Finding => ({ status: 'ok', found });
export const warn = (found: string, fix: string): Finding => ({ status: 'warn', found, fix });
export const missing = (found: string, fix: string): Finding =>
  ({ status: 'missing', found, fix });

export interface ProbeResult extends Finding {
  name: string;
}

/** Runs the probes in order. One that throws could not find out: that is a warning. */
export async function runProbes(probes: readonly Probe[]): Promise<ProbeResult[]> {
  const results: ProbeResult[] = [];
  for (const { name, look } of probes) {
    let finding: Finding;
    try {
      finding = await look();
    } catch (error) {
      finding = warn(`could not be found out: ${(error as Error).message}`, 'see the message');
    }
    results.push({ name, ...finding });
  }
  return results;
}
