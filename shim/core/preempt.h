/* preempt.h: taking the baton from a thread that makes no call, and delivering a signal to it, at
 * a point that the backup finds again. docs/decisions/preemption.md says why it is done so.
 *
 * A thread's entries into the shim (calls, faults, passes of a known spin) are counted alike on
 * both sides. Between two entries nothing of it is recorded: a preemption there carries the state
 * the thread has come to, and the backup installs it at the entry before instead of computing. */
#ifndef HS_PREEMPT_H
#define HS_PREEMPT_H

#include "order.h"

/* The shim's own signal to a thread: SIGILL with this value. A fault that it displaces is raised
 * again, because the instruction is made again. */
#define HS_TICK_SIGNAL HS_SIGILL
#define HS_TICK_VALUE 0x6b636974207368ul
int hs_tick_is(int signal, const void *info);
/* Asks the holder of the baton to let others run. */
void hs_tick_holder(u64 holder);
/* Asks this thread, soon, to look whether a signal it caught is still waiting. */
void hs_tick_soon(struct thread *t);
void hs_tick_forget(struct thread *t); /* the thread ends */
/* A tick came; a single step was made. `context` is the kernel's frame of this thread. */
void hs_tick(struct thread *t, u64 *context);
int hs_step(struct thread *t, u64 *context);

/* The list of a process's pages, of 32 Mi at most. It is mapped at the first preemption, or before
 * the program limits its own memory: later there might be no room. */
#define HS_PAGE_LIST_BYTES 0x10000000ul
void hs_preempt_reserve(void);
/* preempt.c: gives the baton up, or takes a signal, where the thread stands in `context`. */
void hs_preempt(struct thread *t, u64 *context, u64 spin_site);
/* Whenever a thread is about to go on with program code: from here on others may make calls. On
 * the backup what happens to it before its next entry must be known first; may not return: then
 * the thread goes on elsewhere. */
void hs_boundary_replay(struct thread *t);
static inline void hs_boundary(struct thread *t) {
  if (UNLIKELY(CTL->split)) {
    hs_order_leave(t);
    if (hs_process.parallel) return; /* nobody waits for a thread that runs */
  }
  if (UNLIKELY(hs_mode == HS_MODE_REPLAY)) hs_boundary_replay(t);
  if (UNLIKELY(t->pending != 0)) hs_tick_soon(t);
}

/* spin.c: instructions that were found spinning, patched to trap. */
int hs_spin_can_patch(u64 site);
void hs_spin_patch(u64 site);
/* 1 when a breakpoint at `site` is one of these: then it has been made, and counted. */
int hs_spin_pass(struct thread *t, u64 site, u64 *context);

#endif
