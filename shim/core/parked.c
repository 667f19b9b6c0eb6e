/* parked.c: --schedule parallel: waiting for a word that changes once, for an object to be free,
 * for the end of a thread (../ordered.h).
 *
 * The rule: a wait that ends by itself makes no record; one that time or a signal ends does, and a
 * replay knows from the log alone which it was. */
#include "ordered.h"

#include "calls.gen.h"
#include "clock.h"
#include "regular.h"
#include "signals.h"

static i64 futex_wait(struct thread *t, const u64 *word, u32 value, u32 clock, const u64 *limit) {
  struct regs g = {.rax = HS_NR_futex, .rdi = (u64)word, .rdx = value, .r10 = (u64)limit,
                   .rsi = 9 /* WAIT_BITSET */ | WAIT_PRIVATE | (clock ? 0 : 256), .r9 = 0xffffffff};
  u64 scratch[2];
  if (hs_mode == HS_MODE_LIVE) hs_shorten(t, &g, scratch);
  return hs_execute_waiting(t, &g);
}

/* The record of a wait that ended by time or by a signal, if that is what comes next. */
static struct hs_record *parked_next(struct thread *t, u64 address) {
  u32 row = 0;
  enum ahead ahead;
  while ((ahead = hs_look_ahead(t, &row)) == AHEAD_UNKNOWN) hs_wait_for_log(t);
  if (ahead == AHEAD_GO || (ahead == AHEAD_FOUND && row != HS_EV_PARKED)) return NULL;
  struct hs_record *r = hs_next(t);
  if (r && r->check != address)
    hs_diverge_values(t, r, "address that was waited for", r->check, address);
  return r;
}

static i64 append_parked(struct thread *t, u64 word, i64 result) {
  hs_baton_take();
  hs_append(t, HS_EV_PARKED, 0, result, word, NULL, 0);
  return result; /* the baton goes with the end of the call */
}

static i64 park_for_real(struct thread *t, struct regs *g) {
  const volatile u32 *word = (const volatile u32 *)g->rsi;
  if (*word != (u32)g->rdx) return 0;
  hs_wake_before_wait();
  i64 result = futex_wait(t, (const u64 *)g->rsi, (u32)g->rdx, (u32)g->r10, (const u64 *)g->r8);
  if (result == -HS_ETIMEDOUT && *word == (u32)g->rdx) return append_parked(t, g->rsi, result);
  if (t->pending && hs_signal_ready(t)) return append_parked(t, g->rsi, -HS_EINTR);
  return 0;
}

/* Whether the wait ended by itself, by time or by a signal is known from the log alone. */
i64 hs_ordered_park(struct thread *t, struct regs *g) {
  const volatile u32 *word = (const volatile u32 *)g->rsi;
  u64 slice[2] = {0, SLICE_NS}, tail = 0;
  for (u32 rounds = 0; hs_mode == HS_MODE_REPLAY;) {
    struct hs_record *r = parked_next(t, g->rsi);
    if (r) {
      i64 result = r->result;
      hs_consume(t, r);
      return result;
    }
    if (hs_mode != HS_MODE_REPLAY) break;
    if (*word != (u32)g->rdx) return 0;
    t->sections->waits = 1;
    if (SYS(HS_NR_futex, word, WAIT_PRIVATE, (u32)g->rdx, slice) == -HS_ETIMEDOUT)
      hs_check_stuck(t, &tail, &rounds);
    t->sections->waits = 0;
  }
  if (hs_live_with_baton(t)) hs_baton_give();
  return park_for_real(t, g);
}

/* A mutex that is not free when it is tried: that makes no section, so it has no place in the order
 * of the mutex; 1 when it was so. */
i64 hs_ordered_refused(struct thread *t, struct hs_object *e) {
  if (hs_mode == HS_MODE_REPLAY) {
    struct hs_record *r = parked_next(t, e->address);
    if (!r) return 0;
    if (r->result != -HS_EBUSY)
      hs_diverge(t, r, hs_row_name(HS_EV_PARKED), "an attempt at a lock");
    hs_consume(t, r);
    return 1;
  }
  append_parked(t, e->address, -HS_EBUSY);
  return 1;
}

static int is_held(const struct thread *t, const struct hs_object *e, u64 how) {
  u32 ok, word = (u32)hs_peek(e->address & ~7ul, &ok), owner;
  if (e->address & 4) word = (u32)(hs_peek(e->address & ~7ul, &ok) >> 32);
  switch (how) {
    case HS_HELD_NOT_0: return ok && word;
    case HS_HELD_0: return ok && !word;
    case HS_HELD_MUTEX:
      owner = (u32)hs_peek(e->address + 8, &ok);
      return ok && (word & 0x3fffffff) && !(word & 0x40000000 /* it died */) && owner != t->tid;
    default: return e->changes == t->changes_seen;
  }
}

#define SPINS 200

/* Waits until the object may have become free, at most until a time. A replay does not wait: its
 * next attempt has its place in the order. */
i64 hs_ordered_await(struct thread *t, struct regs *g, struct hs_object *e) {
  if (hs_mode == HS_MODE_REPLAY) {
    struct hs_record *r = parked_next(t, e->address);
    i64 result = r ? r->result : 0;
    if (r) hs_consume(t, r);
    return result;
  }
  i64 result = 0;
  u64 slice[2] = {0, SLICE_NS};
  int may_die = !g->r8 && (g->r10 & HS_ORDERED_ROBUST); /* and say nothing of it */
  for (int i = 0; i < SPINS && is_held(t, e, g->rdx); i++) __asm__ volatile("pause");
  /* counted before it is looked at again: whoever frees it after that sees who waits. Where an
   * attempt has failed it was counted there. */
  if (!t->counted) __atomic_add_fetch(&e->waiters, 1, __ATOMIC_SEQ_CST);
  if (g->rdx != HS_HELD_UNTIL_CHANGE) t->changes_seen = e->changes;
  t->counted = 0;
  while (!result && is_held(t, e, g->rdx)) {
    hs_wake_before_wait();
    if (may_die)
      SYS(HS_NR_futex, &e->changes, WAIT_PRIVATE, t->changes_seen, slice);
    else
      result = futex_wait(t, (const u64 *)&e->changes, t->changes_seen, (u16)g->r10,
                          (const u64 *)g->r8);
    t->changes_seen = g->rdx == HS_HELD_UNTIL_CHANGE && !may_die ? t->changes_seen : e->changes;
    if (may_die) break;
    if (result != -HS_ETIMEDOUT) result = t->pending && hs_signal_ready(t) ? -HS_EINTR : 0;
  }
  __atomic_sub_fetch(&e->waiters, 1, __ATOMIC_SEQ_CST);
  return result ? append_parked(t, e->address, result) : 0;
}

/* What is done once is looked at without a section, so a replay may find it not done yet: then it
 * waits, unless the log says that this thread made an attempt. */
i64 hs_ordered_once(struct thread *t, struct hs_object *e, const volatile u32 *state) {
  u64 slice[2] = {0, SLICE_NS}, tail = 0;
  for (u32 row = 0, rounds = 0; hs_mode == HS_MODE_REPLAY;) {
    enum ahead ahead = hs_look_ahead(t, &row);
    if (ahead == AHEAD_UNKNOWN) {
      hs_wait_for_log(t);
      continue;
    }
    if (ahead == AHEAD_FOUND && row == HS_EV_HANDOVER && t->object_ahead == e->address) return 1;
    if (*state == 2) return 0;
    if (!hs_process.had_threads || e->owner == t->tid) return 1;
    if (ahead == AHEAD_NONE && !hs_next(t)) return 0;
    t->sections->waits = 1;
    if (SYS(HS_NR_futex, state, WAIT_PRIVATE, *state == 2 ? ~0u : *state, slice) ==
        -HS_ETIMEDOUT)
      hs_check_stuck(t, &tail, &rounds);
    t->sections->waits = 0;
  }
  return 0;
}

static struct thread *thread_of(const struct thread *t, u64 tls) {
  for (u32 i = 0; i < CTL->slots; i++)
    if (SLOT(i)->state == 1 && SLOT(i)->pid == t->pid && thread_at(i)->tls == tls)
      return thread_at(i);
  return NULL;
}

i64 hs_ordered_join(struct thread *t, u64 tls) {
  struct hs_record *r = hs_turn(t);
  i64 result = 0;
  if (r) {
    if ((r->method & HS_METHOD_ROW) != HS_EV_PARKED || r->check != tls)
      hs_diverge(t, r, hs_row_name(r->method & HS_METHOD_ROW), "a wait for the end of a thread");
    result = r->result;
    hs_consume(t, r);
    return result;
  }
  if (!hs_live_with_baton(t)) hs_baton_take();
  for (struct thread *other; !result && (other = thread_of(t, tls));) {
    u64 word = other->clear_tid;
    u32 value = word ? *(volatile u32 *)word : 0;
    hs_wake_before_wait();
    hs_baton_give();
    if (value) {
      struct regs g = {.rax = HS_NR_futex, .rdi = word, .rdx = value};
      hs_execute_waiting(t, &g);
    }
    hs_baton_take();
    if (t->pending && hs_signal_ready(t)) result = -HS_EINTR;
  }
  hs_append(t, HS_EV_PARKED, 0, result, tls, NULL, 0);
  return result;
}
