/* order.h: the baton (primary) and the turn (backup), and the record stream they order.
 *
 * Threads that share writable memory are a group. Within a group one thread at a time runs program
 * code: it holds the group's baton. It gives it up around a call that may block and takes it again
 * before the record of that call gets its sequence number; so the order of records is the order in
 * which threads of a group ran. Over the groups the order lock makes one sequence of all records:
 * it is held while a call is made that does not wait, and while a record is appended. An
 * application of one group has one lock that is both. With --schedule parallel threads run program
 * code with no lock, and make calls with the order lock. On the backup the owner of the turn looks
 * at the next record; when it belongs to another thread, that one becomes owner.
 * The rule: whoever takes both takes the group's baton first. */
#ifndef HS_ORDER_H
#define HS_ORDER_H

#include "state.h"

/* What a thread needs to go on: one lock, or its group's baton and then the order lock. */
void hs_baton_take(void);
void hs_baton_give(void);
void hs_baton_yield(void); /* give, let another run, take */
int hs_baton_is_overdue(struct thread *t);
/* At the end of a call, whichever way it ends: after a record that says so another thread runs, and
 * this one goes on in recorded order. */
void hs_yield(struct thread *t);
static inline void hs_yield_if_due(struct thread *t) {
  if (UNLIKELY(t->yield_follows)) hs_yield(t);
}
static inline int hs_alone(void) { return CTL->threads <= 1; }
static inline int hs_in_groups(void) { return CTL->split == HS_SPLIT_GROUPS; }
/* The lock that says who of this thread's group runs program code. */
static inline struct hs_lock *hs_baton_of(const struct thread *t) {
  return UNLIKELY(hs_in_groups()) ? &GROUP(t->group)->baton : &CTL->order;
}
static inline int hs_baton_is_wanted(const struct thread *t) { return hs_baton_of(t)->word == 2; }

/* While program code runs without the order lock (CTL->split): where a call enters the shim; where
 * it leaves, which hs_boundary does (preempt.h). A thread that holds its group's baton sees `split`
 * stand still. */
void hs_order_enter_slowly(struct thread *t);
void hs_order_leave_slowly(struct thread *t);
static inline void hs_order_enter(struct thread *t) {
  if (UNLIKELY(CTL->split)) hs_order_enter_slowly(t);
}
static inline void hs_order_leave(struct thread *t) {
  if (UNLIKELY(CTL->split)) hs_order_leave_slowly(t);
}
/* The pieces, for who moves threads between groups. */
void hs_lock_take(struct hs_lock *lock);
void hs_lock_give(struct hs_lock *lock);
void hs_group_take(struct thread *t);
void hs_group_give(struct thread *t);

/* Appends a record of this thread, data taken from `spans`; the baton is held. */
struct hs_record *hs_append(struct thread *t, u32 row, u32 object, i64 result, u64 check,
                            const struct span *spans, u32 nspans);
/* The same with one run of data. */
void hs_append_bytes(struct thread *t, u32 row, u32 object, i64 result, u64 check,
                     const void *data, u64 bytes);
/* A record, its data to be filled in by the caller before hs_publish. */
struct hs_record *hs_reserve(struct thread *t, u32 row, u32 object, i64 result, u64 check,
                             u64 bytes);
void hs_publish(struct hs_record *record);
/* Moves `head` past a complete record. */
void hs_log_advance(const struct hs_record *record);
void hs_wake_consumer(void);
void hs_wake_before_wait(void);

/* Backup: waits for this thread's next record. NULL when the application has gone live: then the
 * caller holds the baton exactly if hs_live_with_baton() says so. */
struct hs_record *hs_next(struct thread *t);
int hs_live_with_baton(struct thread *t);
/* For calls that never wait: NULL with the baton held (record, live), or the record (replay). */
struct hs_record *hs_turn(struct thread *t);
/* The record after the one just consumed is this thread's signal (flagged), see signals.c. */
void hs_consume(struct thread *t, struct hs_record *record);
/* Backup: the next record of this thread's group after its last one, waiting for it, whosever it
 * is; hs_next makes it this thread's to consume. NULL when the log has ended: then the application
 * is live, and this thread may go on with program code. */
struct hs_record *hs_ahead(struct thread *t);
/* Backup, when split: the call is over, somebody else may look at the log. */
void hs_turn_leave(struct thread *t);
void hs_pass_turn_on_exit(struct thread *t);
/* For an input of one word that an instruction asks for: 1 with the recorded one; else 0, and the
 * caller finds one and appends a record of this row. Enters the shim as a call does. */
int hs_expect(struct thread *t, u32 row, u64 *value);

/* report.c */
struct diverged {
  const char *what;
  u64 expected, got;
};
void hs_diverge(struct thread *t, const struct hs_record *r, const char *expected,
                const char *got) __attribute__((noreturn));
void hs_diverge_values(struct thread *t, const struct hs_record *r, const char *what,
                       u64 expected, u64 got) __attribute__((noreturn));
void hs_die(const char *sentence) __attribute__((noreturn));
void hs_refuse(const char *sentence) __attribute__((noreturn));
extern int hs_session_mapped;
void hs_warn(const char *format, ...);
const char *hs_row_name(u32 row);

/* golive.c */
void hs_go_live(struct thread *t);
u64 hs_now_ns(u32 clock);

#endif
