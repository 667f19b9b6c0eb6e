/* interruption.ts: what a long run in a terminal hears of Ctrl-C and of being told to end.
 * The rule: the run stops by itself; the bed closes itself on the same signals. */
import { Interrupted } from '../../src/errors.js';

/** Aborted by the first of these signals, with an Interrupted as its reason. */
export function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => controller.abort(new Interrupted(name)));
  }
  return controller.signal;
}
