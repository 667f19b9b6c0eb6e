/* baton.c: one thread of the application at a time runs program code (order.h says why).
 *
 * A futex in shared memory, so that it orders processes too. A holder that dies with it (SIGKILL)
 * is noticed by whoever waits. The rule: what the program can wait for in the kernel is never
 * waited for with the baton in hand. */
#include "calls.gen.h"
#include "order.h"
#include "preempt.h"
#include "slots.h"
#include "times.h"

/* Non-blocking calls a thread may make while another waits for the baton. */
#define FAIR_CALLS 64

int hs_task_is_dead(u32 pid) {
  char path[64], *p = hs_put_dec(path, pid), text[128];
  *hs_put(p, "/stat") = 0;
  i64 fd = SYS(HS_NR_openat, HIDDEN(HID_PROC), path, 0, 0);
  if (fd < 0) { /* this process may have no descriptor left: a link is read without one */
    *hs_put(p, "/exe") = 0;
    return SYS(HS_NR_readlinkat, HIDDEN(HID_PROC), path, text, sizeof text) == -HS_ENOENT;
  }
  i64 n = SYS(HS_NR_read, fd, text, sizeof text);
  SYS(HS_NR_close, fd);
  for (i64 i = 0; i + 2 < n; i++)
    if (text[i] == ')') return text[i + 2] == 'Z' || text[i + 2] == 'X';
  return 0;
}

/* After so long without a hand-over its holder is asked for one; after ten times as long it is
 * looked at whether it still lives. */
#define PATIENCE_NS 5000000ul

static NOINLINE void take_slowly(struct thread *t) {
  u32 late = 0;
  (void)t;
  while (__atomic_exchange_n(&CTL->baton, 2, __ATOMIC_ACQUIRE)) {
    u64 before = CTL->acquisitions, holder = CTL->holder;
    u64 limit[2] = {0, PATIENCE_NS};
    i64 r = SYS(HS_NR_futex, &CTL->baton, 0, 2, limit);
    if (CTL->acquisitions != before || holder != CTL->holder || !holder) {
      late = 0;
    } else if (r == -HS_ETIMEDOUT) {
      if (++late % 10 == 0 && hs_task_is_dead((u32)(holder >> 32)))
        break; /* it died with the baton in hand: take it over */
      if (!hs_process.parallel) hs_tick_holder(holder);
    }
  }
}

void hs_baton_take(void) {
  struct thread *t = self();
  u32 unheld = 0;
  if (!__atomic_compare_exchange_n(&CTL->baton, &unheld, 1, 0, __ATOMIC_ACQUIRE,
                                   __ATOMIC_RELAXED))
    take_slowly(t);
  CTL->acquisitions++;
  CTL->holder = (u64)t->pid << 32 | t->tid;
  if (UNLIKELY(hs_process.dying == t->pid)) {
    /* this process's end is in the log already: nothing of it may be recorded after that */
    hs_baton_give();
    for (;;) SYS(HS_NR_pause);
  }
}

void hs_baton_give(void) {
  hs_times_close(self());
  CTL->holder = 0;
  if (__atomic_exchange_n(&CTL->baton, 0, __ATOMIC_RELEASE) == 2)
    SYS(HS_NR_futex, &CTL->baton, 1, 1);
}

void hs_baton_yield(void) {
  u64 before = CTL->acquisitions;
  int wanted = CTL->baton == 2;
  hs_baton_give();
  for (int i = 0; wanted && i < 200 && CTL->acquisitions == before; i++) SYS(HS_NR_sched_yield);
  hs_baton_take();
}

/* Called at the end of a call that kept the baton: a thread that only makes such calls must let
 * others run. The hand-over is part of the record, so that the backup does the same. */
int hs_baton_is_overdue(struct thread *t) {
  if (LIKELY(CTL->baton != 2)) return 0;
  if (t->acquisitions_seen != CTL->acquisitions) {
    t->acquisitions_seen = CTL->acquisitions;
    t->unblocked_calls = 0;
  }
  return ++t->unblocked_calls >= FAIR_CALLS;
}
