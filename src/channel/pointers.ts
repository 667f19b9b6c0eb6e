// pointers.ts: walks every pointer of a one-segment Cap'n Proto message before a library reads it.
// A sound message of ours is a tree: each object lies inside the segment, none is reached twice,
// and it is shallow. Anything else is refused here, so what the library then does is bounded by
// the number of bytes that came, not by the numbers in them.

const MAX_DEPTH = 8;
const LIST = 1;
const COMPOSITE = 7;
const POINTERS = 6;
/** Bytes of a list element by its size code; 0 for the two we never use, nothing and bits. */
const ELEMENT_BYTES = [0, 0, 1, 2, 4, 8, 8, 0] as const;

interface Walk {
  view: DataView;
  /** Words of the segment; word 0 is the root pointer. */
  words: number;
  /** Words no object may be laid on any more: each was reached once. */
  budget: number;
}

/**
 * Says what is wrong with a framed message, or undefined when its tree is sound and its root
 * struct has exactly the shape in `rootHigh` (the upper half of its pointer), right behind it.
 */
export function validateTree(view: DataView, rootHigh: number): string | undefined {
  const length = view.byteLength;
  if (length < 16 || length % 8 !== 0) return `${length} bytes are no message`;
  if (view.getUint32(0, true) !== 0) return 'more than one segment';
  const words = view.getUint32(4, true);
  if (words !== length / 8 - 1) return `${words} words announced in ${length} bytes`;
  if (view.getUint32(8, true) !== 0 || view.getUint32(12, true) !== rootHigh) {
    return 'a root pointer of another shape';
  }
  const walk: Walk = { view, words, budget: words - 1 };
  return followPointer(walk, 0, MAX_DEPTH);
}

/** Checks what the pointer in word `at` of the segment leads to. */
function followPointer(walk: Walk, at: number, depth: number): string | undefined {
  const low = walk.view.getInt32(8 + at * 8, true);
  const high = walk.view.getUint32(12 + at * 8, true);
  if (low === 0 && high === 0) return undefined;
  if (depth === 0) return 'pointers nested too deeply';
  const target = at + 1 + (low >> 2);
  if ((low & 3) === 0) return structAt(walk, target, high & 0xffff, high >>> 16, depth);
  if ((low & 3) !== LIST) return `a pointer of kind ${low & 3}`;
  const code = high & 7;
  const count = high >>> 3;
  if (code === COMPOSITE) return compositeAt(walk, target, count, depth);
  const elementBytes = ELEMENT_BYTES[code] ?? 0;
  // A list of nothing may be of any length in no space: a cheap way to make a reader loop.
  if (elementBytes === 0) return `a list of element size code ${code}`;
  const words = Math.ceil((count * elementBytes) / 8);
  if (!claim(walk, target, words)) return `a list of ${count} outside its segment`;
  if (code !== POINTERS) return undefined;
  for (let i = 0; i < count; i++) {
    const problem = followPointer(walk, target + i, depth - 1);
    if (problem) return problem;
  }
  return undefined;
}

function structAt(
  walk: Walk,
  target: number,
  dataWords: number,
  pointers: number,
  depth: number,
): string | undefined {
  if (!claim(walk, target, dataWords + pointers)) return 'a struct outside its segment';
  return pointersOf(walk, target + dataWords, pointers, depth);
}

function pointersOf(walk: Walk, from: number, count: number, depth: number): string | undefined {
  for (let i = 0; i < count; i++) {
    const problem = followPointer(walk, from + i, depth - 1);
    if (problem) return problem;
  }
  return undefined;
}

/** A list of structs: one tag word with their number and shape, then `words` words. */
function compositeAt(walk: Walk, target: number, words: number, depth: number): string | undefined {
  if (!claim(walk, target, words + 1)) return 'a list of structs outside its segment';
  const tag = walk.view.getUint32(8 + target * 8, true);
  const shape = walk.view.getUint32(12 + target * 8, true);
  const count = tag >>> 2;
  const dataWords = shape & 0xffff;
  const pointers = shape >>> 16;
  if ((tag & 3) !== 0) return 'a list of structs without their shape';
  if (count > 0 && dataWords + pointers === 0) return 'a list of empty structs';
  if (count * (dataWords + pointers) > words) return `a list of ${count} structs in ${words} words`;
  for (let i = 0; i < count; i++) {
    const from = target + 1 + i * (dataWords + pointers) + dataWords;
    const problem = pointersOf(walk, from, pointers, depth);
    if (problem) return problem;
  }
  return undefined;
}

/** True when [target, target + words) lies in the segment and the budget still covers it. */
function claim(walk: Walk, target: number, words: number): boolean {
  if (target < 1 || target + words > walk.words || words > walk.budget) return false;
  walk.budget -= words;
  return true;
}
