/* inherit.c: futexes with priority inheritance.
 *
 * The kernel marks and hands over their words at moments of its own, while other threads run. So
 * locking is made here: the word changes only with the baton in hand, each change in a record, and
 * the wait is on a word of the shim's. Priorities are not inherited: with the baton a thread that
 * runs is never kept from it by one of a lower priority. The rule: what userspace may do to the
 * word without a call, libc's fast path, means the same as with the kernel's own futex. */
#include "inherit.h"

#include "calls.gen.h"
#include "regular.h"
#include "signals.h"

#define WAITERS 0x80000000u
#define OWNER_DIED 0x40000000u
#define TID_MASK 0x3fffffffu
enum { LOCK = 6, UNLOCK = 7, TRYLOCK = 8, LOCK_MONOTONIC = 13 };
#define AGAIN 0x100u /* in `object`: the thread waits on, its call has another record */
#define WAIT_BITSET 9
#define CLOCK_REALTIME_FLAG 256

static u32 operation(const struct regs *g) { return (u32)g->rsi & 127; }

int hs_inherits(const struct regs *g) {
  u32 op = operation(g);
  return op == LOCK || op == UNLOCK || op == TRYLOCK || op == LOCK_MONOTONIC;
}

static void append(struct thread *t, const struct regs *g, const struct hs_call *c, u32 more,
                   i64 result) {
  u32 words[2] = {result < 0 ? 0 : *(volatile u32 *)g->rdi, 0};
  hs_append_bytes(t, HS_NR_futex, operation(g) | more, result, hs_check(g, c, -1), words,
                  result < 0 ? 0 : 8);
}

static int is_alive(u32 tid) {
  u32 slot = tid < HS_MAX_TID ? TIDMAP[tid] : 0;
  return SLOT(slot)->tid == tid && SLOT(slot)->state == 1;
}

/* One try to lock, with the baton: 0, an error, or 1 when the owner must be waited for. */
static i64 try_lock(const struct thread *t, const struct regs *g) {
  volatile u32 *word = (volatile u32 *)g->rdi;
  u32 value = *word, owner = value & TID_MASK;
  if (owner == t->tid) return -HS_EDEADLK;
  if (!owner) {
    *word = t->tid | (value & (WAITERS | OWNER_DIED));
    return 0;
  }
  if (operation(g) == TRYLOCK) return -HS_EAGAIN;
  if (!is_alive(owner)) return -HS_ESRCH;
  *word = value | WAITERS;
  return 1;
}

void hs_inherit_wake(void) {
  __atomic_add_fetch(&CTL->inheritWord, 1, __ATOMIC_SEQ_CST);
  SYS(HS_NR_futex, &CTL->inheritWord, 1 /* WAKE, shared */, 0x7fffffff);
}

static i64 unlock(const struct thread *t, const struct regs *g) {
  volatile u32 *word = (volatile u32 *)g->rdi;
  u32 value = *word;
  if ((value & TID_MASK) != t->tid) return -HS_EPERM;
  *word = 0;
  if (value & WAITERS) hs_inherit_wake(); /* all: who does not get it marks it again */
  return 0;
}

static i64 wait_for_owner(struct thread *t, const struct regs *g, u32 seen) {
  struct regs wait = *g;
  wait.rdi = (u64)&CTL->inheritWord;
  u64 clock = operation(g) == LOCK ? CLOCK_REALTIME_FLAG : g->rsi & CLOCK_REALTIME_FLAG;
  wait.rsi = WAIT_BITSET | clock;
  wait.rdx = seen;
  wait.r9 = 0xffffffff;
  if (t->pinned) hs_unpin(t);
  hs_wake_before_wait();
  hs_baton_give();
  i64 result = hs_execute_waiting(t, &wait);
  hs_baton_take();
  return result;
}

/* With the baton in hand. */
static i64 lock(struct thread *t, const struct regs *g, const struct hs_call *c) {
  for (i64 waited = 0;;) {
    u32 seen = CTL->inheritWord;
    i64 result = try_lock(t, g);
    if (result == 1 && (waited == -HS_ETIMEDOUT || waited == -HS_EINTR)) result = waited;
    if (result != 1) return result;
    append(t, g, c, AGAIN, 0);
    waited = wait_for_owner(t, g, seen);
    if (waited == -HS_EINTR && !hs_signal_ready(t)) waited = 0; /* one that is ignored */
  }
}

static i64 follow(struct thread *t, const struct regs *g, const struct hs_call *c,
                  struct hs_record **record) {
  for (;;) {
    struct hs_record *r = *record;
    i64 result = r->result;
    int again = (r->object & AGAIN) != 0;
    hs_match(t, g, r, hs_check(g, c, -1));
    if (r->data) *(volatile u32 *)g->rdi = *(const u32 *)HS_RECORD_DATA(r);
    hs_consume(t, r);
    if (!again) return result;
    *record = hs_next(t);
    if (!*record) return 0;
  }
}

i64 hs_inherit(struct thread *t, struct regs *g, const struct hs_call *c) {
  struct hs_record *r = recording() ? NULL : hs_next(t);
  u32 ok;
  if (r) {
    i64 result = follow(t, g, c, &r);
    if (r) return result;
  }
  if (!recording() || hs_mode == HS_MODE_LIVE) {
    if (!hs_live_with_baton(t)) hs_baton_take();
  }
  i64 result;
  if (g->rdi & 3)
    result = -HS_EINVAL;
  else if (hs_peek(g->rdi & ~7ul, &ok), !ok)
    result = -HS_EFAULT;
  else
    result = operation(g) == UNLOCK ? unlock(t, g) : lock(t, g, c);
  append(t, g, c, 0, result);
  return result;
}
