/* turn.c: the record stream on the backup: records are taken from the ring in place, each by the
 * thread it names (order.h). The owner of the turn is the one that looks at the next record.
 *
 * With one group it keeps the turn while it runs program code. When split (order.h) it passes it on
 * at the end of each call; with several groups a record is consumed with the group's baton in hand,
 * which another thread of the group gives up when it comes to its next call. The rule: `tail` moves
 * past a record only when nothing of it is read again, and somebody always looks at the log. */
#include "calls.gen.h"
#include "groups.h"
#include "order.h"
#include "ordered.h"
#include "shadow.h"
#include "stops.h"

#define LOOK_AGAIN_NS 100000000ul

static struct hs_record *record_at(u64 position) {
  return (struct hs_record *)(HS_RING_BASE + (position & (CTL->ringBytes - 1)));
}
static int has_record(void) {
  return __atomic_load_n(&CTL->head, __ATOMIC_ACQUIRE) != CTL->tail;
}

void hs_consume(struct thread *t, struct hs_record *r) {
  /* never taken back here: a call may have a second record before the signal is delivered */
  if (r->method & HS_METHOD_SIGNAL_FOLLOWS) t->signal_follows = 1;
  if (r->method & HS_METHOD_YIELDED) t->yield_follows = 1; /* at the end of this call */
  if (UNLIKELY(r->method & HS_METHOD_COMPARE)) t->compare_follows = 1;
  u32 row = r->method & HS_METHOD_ROW;
  if (row >= HS_EVENT_BASE && row < 0x300) CTL->rowCalls[row]++;
  CTL->tailSeq = r->seq;
  __atomic_store_n(&CTL->tail, CTL->tail + HS_RECORD_SIZE(r), __ATOMIC_RELEASE);
  if (UNLIKELY(__atomic_load_n(&CTL->spaceSleeping, __ATOMIC_RELAXED))) {
    __atomic_store_n(&CTL->spaceSleeping, 0, __ATOMIC_RELAXED);
    __atomic_add_fetch(&CTL->spaceWord, 1, __ATOMIC_SEQ_CST);
    SYS(HS_NR_futex, &CTL->spaceWord, 1, 1);
  }
}

/* ---- the turn ---- */

static void wake_slot(u32 slot) {
  struct hs_slot *s = SLOT(slot);
  __atomic_add_fetch(&s->go, 1, __ATOMIC_SEQ_CST);
  if (__atomic_load_n(&s->waiting, __ATOMIC_SEQ_CST)) SYS(HS_NR_futex, &s->go, 1, 1);
}

static void give_turn_to(struct thread *t, struct hs_record *r) {
  u32 next = r->tid < HS_MAX_TID ? TIDMAP[r->tid] : 0;
  if (SLOT(next)->tid != r->tid || SLOT(next)->state != 1)
    hs_diverge_values(t, r, "a record of a thread that does not exist here", r->tid, next);
  __atomic_store_n(&CTL->turn, next, __ATOMIC_SEQ_CST);
  wake_slot(next);
}

/* Nobody's: whoever waits at a call watches the log, or the next one that comes to a call. */
static void leave_turn(const struct thread *t) {
  __atomic_store_n(&CTL->turn, HS_TURN_FREE, __ATOMIC_SEQ_CST);
  for (u32 i = 0; i < CTL->slots; i++)
    if (i != t->slot && SLOT(i)->state == 1 &&
        __atomic_load_n(&SLOT(i)->waiting, __ATOMIC_SEQ_CST)) {
      wake_slot(i);
      return;
    }
}

static int seize_turn(const struct thread *t) {
  u32 nobody = HS_TURN_FREE;
  if (CTL->turn != HS_TURN_FREE || SLOT(t->slot)->state != 1) return 0;
  if (!__atomic_compare_exchange_n(&CTL->turn, &nobody, t->slot, 0, __ATOMIC_SEQ_CST,
                                   __ATOMIC_RELAXED))
    return 0;
  if (SLOT(t->slot)->state == 1) return 1;
  leave_turn(t); /* this process's end came between */
  return 0;
}

/* To the thread of the next record, if that is there. */
static void pass_turn(struct thread *t) {
  if (CTL->turn != t->slot || CTL->live) return;
  while (has_record()) {
    struct hs_record *r = record_at(CTL->tail);
    if (hs_in_parallel() && hs_ordered_took(t, r)) continue;
    if (r->tid != t->tid || SLOT(t->slot)->state != 1) give_turn_to(t, r);
    return;
  }
  leave_turn(t);
}

void hs_turn_leave(struct thread *t) {
  if (hs_in_groups() && CTL->groups == 1 && CTL->turn == t->slot && t->has_group) {
    CTL->split = HS_SPLIT_NONE; /* the others have ended */
    hs_group_give(t);
    return;
  }
  pass_turn(t);
}

static void let_go(struct thread *t) {
  if (UNLIKELY(hs_in_groups()) && t->has_group) hs_group_give(t);
}

static int turn_comes(const struct thread *t) {
  u32 turn = __atomic_load_n(&CTL->turn, __ATOMIC_SEQ_CST);
  return turn == t->slot || turn == HS_TURN_FREE || CTL->live;
}

static NOINLINE void wait_for_turn(struct thread *t) {
  struct hs_slot *s = SLOT(t->slot);
  u64 limit[2] = {0, LOOK_AGAIN_NS};
  u32 go = __atomic_load_n(&s->go, __ATOMIC_SEQ_CST);
  for (int i = 0; i < 100 && !turn_comes(t); i++) __asm__ volatile("pause");
  if (turn_comes(t)) return;
  if (!t->wait_start_ns) t->wait_start_ns = hs_now_ns(1);
  __atomic_store_n(&s->waiting, 1, __ATOMIC_SEQ_CST);
  i64 result = 0;
  if (!turn_comes(t)) result = SYS(HS_NR_futex, &s->go, 0, go, CTL->split ? limit : NULL);
  __atomic_store_n(&s->waiting, 0, __ATOMIC_SEQ_CST);
  /* killed while it watched the log for all: its end is noticed where another waits for it */
  u32 turn = CTL->turn;
  if (UNLIKELY(result == -HS_ETIMEDOUT) && turn != HS_TURN_FREE && SLOT(turn)->state != 1)
    __atomic_compare_exchange_n(&CTL->turn, &turn, HS_TURN_FREE, 0, __ATOMIC_SEQ_CST,
                                __ATOMIC_RELAXED);
}

/* ---- waiting for records ---- */

/* `at`: the head, as the caller has seen it. */
static void sleep_until_more(u64 at, u32 end) {
  u64 limit[2] = {0, LOOK_AGAIN_NS};
  u32 word = __atomic_load_n(&CTL->dataWord, __ATOMIC_SEQ_CST);
  __atomic_store_n(&CTL->dataSleeping, 1, __ATOMIC_SEQ_CST);
  if (__atomic_load_n(&CTL->head, __ATOMIC_SEQ_CST) != at || CTL->end != end || CTL->live) return;
  SYS(HS_NR_futex, &CTL->dataWord, 0, word, limit);
}

/* The record at the tail, waiting for it; NULL when the log has ended for good. */
static struct hs_record *wait_for_data(struct thread *t) {
  for (u32 spins = 0;; spins++) {
    u32 end = __atomic_load_n(&CTL->end, __ATOMIC_ACQUIRE);
    if (has_record()) return record_at(CTL->tail);
    if (end == HS_END_GO_LIVE) return NULL;
    if (end == HS_END_STOP) { /* nobody else's turn will come either */
      SYS(HS_NR_kill, -1, HS_SIGKILL); /* all in this PID namespace but init and this one */
      SYS(HS_NR_exit_group, 0);
    }
    if (spins < 50) {
      __asm__ volatile("pause");
      continue;
    }
    if (!t->wait_start_ns) t->wait_start_ns = hs_now_ns(1);
    sleep_until_more(CTL->tail, end);
  }
}

/* What goes ahead of a record of its thread is not asked for: it is put where it belongs. */
static int went_ahead(struct thread *t, struct hs_record *r) {
  u32 row = r->method & HS_METHOD_ROW;
  if (hs_in_parallel()) hs_ordered_check(t, r);
  if (LIKELY(row != HS_EV_DATA && row != HS_EV_FILE && row != HS_EV_TOGETHER)) return 0;
  if (row == HS_EV_FILE)
    hs_file_take(r);
  else if (row == HS_EV_TOGETHER)
    hs_together_follow(t);
  else
    memcpy((void *)r->result, HS_RECORD_DATA(r), HS_RECORD_LEN(r));
  hs_consume(t, r);
  return 1;
}

/* The owner of the turn finds that the log has ended. */
static void end_of_log(struct thread *t) {
  hs_go_live(t);
  for (u32 i = 0; i < CTL->slots; i++)
    if (i != t->slot && SLOT(i)->state == 1) wake_slot(i);
  __atomic_add_fetch(&CTL->dataWord, 1, __ATOMIC_SEQ_CST);
  SYS(HS_NR_futex, &CTL->dataWord, 1, 0x7fffffff);
  if (UNLIKELY(hs_in_groups())) hs_stops_itself(t);
}

struct hs_record *hs_next(struct thread *t) {
  t->wait_start_ns = 0;
  for (;;) {
    if (__atomic_load_n(&CTL->turn, __ATOMIC_ACQUIRE) != t->slot) {
      if (CTL->live) break;
      if (seize_turn(t)) continue;
      let_go(t);
      wait_for_turn(t);
      continue;
    }
    if (UNLIKELY(CTL->live)) break;
    if (!has_record()) let_go(t);
    struct hs_record *r = wait_for_data(t);
    if (!r) {
      end_of_log(t);
      return NULL;
    }
    if (hs_in_parallel() && hs_ordered_took(t, r)) continue;
    if (UNLIKELY(r->tid != t->tid)) {
      let_go(t);
      give_turn_to(t, r);
      continue;
    }
    if (UNLIKELY(hs_in_groups()) && !t->has_group) hs_group_take(t);
    if (LIKELY(!went_ahead(t, r))) return r;
  }
  let_go(t);
  if (!t->live_noted) hs_go_live(t);
  return NULL;
}

/* ---- looking ahead ---- */

/* The next record of this thread's group from `*from` on, or one for which all threads must have
 * come to a call; NULL when there is none yet. Others may consume what lies before it meanwhile,
 * and the engine write there. */
static struct hs_record *find_next(const struct thread *t, u64 *from) {
  for (u64 at = *from;;) {
    u64 tail = __atomic_load_n(&CTL->tail, __ATOMIC_ACQUIRE);
    if (at < tail) at = tail;
    *from = at;
    if (at >= __atomic_load_n(&CTL->head, __ATOMIC_ACQUIRE)) return NULL;
    struct hs_record *r = record_at(at);
    u32 method = *(volatile u32 *)&r->method;
    u64 bytes = ((u64) * (volatile u32 *)&r->words + 1) * 8;
    __atomic_thread_fence(__ATOMIC_ACQUIRE); /* the record first, then whether it was still one */
    if (__atomic_load_n(&CTL->tail, __ATOMIC_RELAXED) > at) continue;
    if (method >> HS_METHOD_GROUP_SHIFT == t->group || (method & HS_METHOD_ROW) == HS_EV_TOGETHER)
      return r;
    at += bytes;
  }
}

static struct hs_record *ahead_of_group(struct thread *t) {
  u64 at = 0;
  for (u32 spins = 0;; spins++) {
    u32 end = __atomic_load_n(&CTL->end, __ATOMIC_ACQUIRE);
    struct hs_record *r = find_next(t, &at);
    if (r) return r;
    if (CTL->live) {
      if (!t->live_noted) hs_go_live(t);
      return NULL;
    }
    if (end != HS_END_OPEN && !has_record() && (CTL->turn == t->slot || seize_turn(t))) {
      if (!wait_for_data(t)) end_of_log(t);
      continue;
    }
    if (spins >= 50)
      sleep_until_more(at, end);
    else
      __asm__ volatile("pause");
  }
}

struct hs_record *hs_ahead(struct thread *t) {
  if (UNLIKELY(hs_in_groups())) return ahead_of_group(t);
  if (CTL->turn != t->slot || CTL->live) return NULL;
  struct hs_record *r = wait_for_data(t);
  if (!r) end_of_log(t);
  return r;
}

/* ---- for calls ---- */

int hs_live_with_baton(struct thread *t) {
  return CTL->order.holder == ((u64)t->pid << 32 | t->tid);
}

struct hs_record *hs_turn(struct thread *t) {
  if (recording()) return NULL;
  struct hs_record *r = hs_next(t);
  if (!r && !hs_live_with_baton(t)) hs_baton_take();
  return r;
}

void hs_pass_turn_on_exit(struct thread *t) {
  /* it waits for no record: were that the end of the log, who has ended would have to go live */
  pass_turn(t);
  let_go(t);
}

NOINLINE void hs_yield(struct thread *t) {
  t->yield_follows = 0;
  if (recording()) {
    hs_baton_yield();
    hs_append(t, HS_EV_RESUME, 0, 0, 0, NULL, 0);
    return;
  }
  struct hs_record *r = hs_turn(t);
  if (!r) return;
  if ((r->method & HS_METHOD_ROW) != HS_EV_RESUME)
    hs_diverge(t, r, hs_row_name(r->method & HS_METHOD_ROW), "resume");
  hs_consume(t, r);
}

int hs_expect(struct thread *t, u32 row, u64 *value) {
  hs_order_enter(t);
  struct hs_record *r = hs_turn(t);
  if (!r) return 0;
  u32 found = r->method & HS_METHOD_ROW;
  if (found != row) hs_diverge(t, r, hs_row_name(found), hs_row_name(row));
  *value = (u64)r->result;
  hs_consume(t, r);
  return 1;
}
