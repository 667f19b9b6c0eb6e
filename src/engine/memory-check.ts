/* memory-check.ts: asks the program now and then to digest its memory, so that the other copy can
 * compare it at the same record (shim/core/compare.c). A difference is a divergence like any other.
 * The rule: asked for by time, done at a record: the engine never looks into the program itself. */
import { layout } from '../channel/index.js';
import type { ControlBlock } from './control-block.js';

/** Asks every `seconds`, from one interval after now on; 0 never asks. The result ends it. */
export function askForDigests(control: ControlBlock, seconds = 0): () => void {
  if (seconds === 0) return () => undefined;
  const ask = (): void => control.store32(ASKED, control.load32(ASKED) + 1);
  const timer = setInterval(ask, seconds * 1000);
  return () => clearInterval(timer);
}

const ASKED = layout.CONTROL.compareAsked;
