/* affinity.c: one processor while a program starts, or a thread of it loads a library.
 *
 * CPUID says which processor it ran on, and libraries keep its answers in memory while they start.
 * So every program begins on the lowest processor of its mask, on both sides, and gets its mask
 * back at its first wait; so does a thread that maps code.
 * The rule: the program is told its own mask, never ours. */
#include "calls.gen.h"
#include "state.h"

void hs_pin(struct thread *t) {
  u64 mask = 0;
  if (t->pinned) return;
  if (SYS(HS_NR_sched_getaffinity, 0, 8, &mask) <= 0 || !mask) return;
  u64 lowest = mask & -mask;
  if (!hs_process.affinity) hs_process.affinity = mask;
  if (SYS(HS_NR_sched_setaffinity, 0, 8, &lowest) != 0) return;
  t->pinned = 1;
  t->affinity = mask;
}

void hs_unpin(struct thread *t) {
  t->pinned = 0;
  SYS(HS_NR_sched_setaffinity, 0, 8, &t->affinity);
}
