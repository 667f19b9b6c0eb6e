/* baton.c: which thread runs program code, and which one is next in the record (order.h says why).
 *
 * Locks are futexes in shared memory, so that they order processes too. A holder that dies with
 * one (SIGKILL) is noticed by whoever waits. The rule: what the program can wait for in the kernel
 * is never waited for with a lock in hand. */
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

/* ---- a lock ---- */

/* After so long without a hand-over its holder is asked for one; after ten times as long it is
 * looked at whether it still lives. */
#define PATIENCE_NS 5000000ul
/* Live, to stop a thread costs no record of its state: others need not wait so long. */
#define PATIENCE_LIVE_NS 500000ul
/* Where the order lock is held for one call at a time it is worth a short look. */
#define LOOKS 200

static int try(struct hs_lock *lock) {
  u32 unheld = 0;
  /* acquires: what the holder before did to shared state is seen */
  return __atomic_compare_exchange_n(&lock->word, &unheld, 1, 0, __ATOMIC_ACQUIRE,
                                     __ATOMIC_RELAXED);
}

static NOINLINE void take_slowly(struct hs_lock *lock) {
  u32 late = 0;
  for (int i = 0; lock == &CTL->order && CTL->split && i < LOOKS; i++) {
    if (!lock->word && try(lock)) return;
    __asm__ volatile("pause");
  }
  while (__atomic_exchange_n(&lock->word, 2, __ATOMIC_ACQUIRE)) {
    u64 before = lock->acquisitions, holder = lock->holder;
    u64 limit[2] = {0, hs_mode == HS_MODE_LIVE ? PATIENCE_LIVE_NS : PATIENCE_NS};
    i64 r = SYS(HS_NR_futex, &lock->word, 0, 2, limit);
    if (lock->acquisitions != before || holder != lock->holder || !holder) {
      late = 0;
    } else if (r == -HS_ETIMEDOUT) {
      if (++late % 10 == 0 && hs_task_is_dead((u32)(holder >> 32)))
        break; /* it died with the lock in hand: take it over */
      /* a call under way ends by itself: only who runs program code with the lock is stopped */
      if (recording() && (lock != &CTL->order || !CTL->split)) hs_tick_holder(holder);
    }
  }
}

void hs_lock_take(struct hs_lock *lock) {
  struct thread *t = self();
  if (!try(lock)) take_slowly(lock);
  lock->acquisitions++;
  lock->holder = (u64)t->pid << 32 | t->tid;
}

void hs_lock_give(struct hs_lock *lock) {
  lock->holder = 0;
  if (__atomic_exchange_n(&lock->word, 0, __ATOMIC_RELEASE) == 2)
    SYS(HS_NR_futex, &lock->word, 1, 1);
}

void hs_group_take(struct thread *t) {
  hs_lock_take(&GROUP(t->group)->baton);
  t->has_group = 1;
}
void hs_group_give(struct thread *t) {
  t->has_group = 0;
  hs_lock_give(&GROUP(t->group)->baton);
}

/* ---- the baton ---- */

/* This process's end is in the log already: nothing of it may be recorded after that. */
static NOINLINE void end_here(void) {
  hs_baton_give();
  for (;;) SYS(HS_NR_pause);
}

void hs_baton_take(void) {
  struct thread *t = self();
  for (;;) {
    u32 split = CTL->split;
    if (UNLIKELY(split == HS_SPLIT_GROUPS)) {
      hs_group_take(t);
      if (!CTL->split) { /* who had it before made one group of all */
        hs_group_give(t);
        continue;
      }
    }
    hs_lock_take(&CTL->order);
    t->ordered = split;
    if (LIKELY(split == CTL->split)) break;
    hs_lock_give(&CTL->order); /* there are several groups now */
  }
  if (UNLIKELY(hs_process.dying == t->pid)) end_here();
}

void hs_baton_give(void) {
  struct thread *t = self();
  u32 split = CTL->split; /* once the order lock is free, another may change it */
  hs_times_close(t);
  t->ordered = 0;
  hs_lock_give(&CTL->order);
  if (UNLIKELY(split == HS_SPLIT_GROUPS)) hs_group_give(t);
}

void hs_baton_yield(void) {
  struct hs_lock *baton = hs_baton_of(self());
  u64 before = baton->acquisitions;
  int wanted = baton->word == 2;
  hs_baton_give();
  for (int i = 0; wanted && i < 200 && baton->acquisitions == before; i++)
    SYS(HS_NR_sched_yield);
  hs_baton_take();
}

/* Called at the end of a call that kept the baton: a thread that only makes such calls must let
 * others run. The hand-over is part of the record, so that the backup does the same. */
int hs_baton_is_overdue(struct thread *t) {
  const struct hs_lock *baton = hs_baton_of(t);
  if (LIKELY(baton->word != 2)) return 0;
  if (t->acquisitions_seen != baton->acquisitions) {
    t->acquisitions_seen = baton->acquisitions;
    t->unblocked_calls = 0;
  }
  return ++t->unblocked_calls >= FAIR_CALLS;
}

/* ---- split: program code runs without the order lock, calls with it ---- */

NOINLINE void hs_order_enter_slowly(struct thread *t) {
  if (t->ordered) return;
  if (UNLIKELY(CTL->live) && !t->live_noted) hs_go_live(t);
  if (!recording()) return;
  hs_lock_take(&CTL->order);
  t->ordered = CTL->split;
  if (UNLIKELY(hs_process.dying == t->pid)) end_here();
  /* another thread of this process made it live while this one waited */
  if (UNLIKELY(hs_mode == HS_MODE_LIVE) && !t->live_noted) hs_go_live(t);
}

NOINLINE void hs_order_leave_slowly(struct thread *t) {
  if (!recording()) {
    hs_turn_leave(t);
    return;
  }
  if (!t->ordered) return;
  t->ordered = 0;
  hs_times_close(t);
  if (CTL->groups > 1 || CTL->split == HS_SPLIT_THREADS) {
    hs_lock_give(&CTL->order);
    return;
  }
  CTL->split = HS_SPLIT_NONE; /* the others have ended: from here on the order lock is the baton */
  hs_group_give(t);
}
