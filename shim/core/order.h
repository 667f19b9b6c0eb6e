/* order.h: the baton (primary) and the turn (backup), and the record stream they order.
 *
 * Within an application one thread at a time runs program code: it holds the baton. It gives it up
 * around a call that may block and takes it again before the record of that call gets its sequence
 * number; so the order of records is the order in which threads ran. On the backup the owner of
 * the turn looks at the next record; when it belongs to another thread, that one becomes owner. */
#ifndef HS_ORDER_H
#define HS_ORDER_H

#include "state.h"

void hs_baton_take(void);
void hs_baton_give(void);
void hs_baton_yield(void); /* give, let another run, take */
int hs_baton_is_overdue(struct thread *t);
static inline int hs_alone(void) { return CTL->threads <= 1; }

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
/* Backup: the record after this thread's last one, waiting for it, whosever it is. NULL when the
 * log has ended: then the application is live and the baton held. */
struct hs_record *hs_ahead(struct thread *t);
void hs_pass_turn_on_exit(struct thread *t);
/* Gives the turn up without waiting for a record (--schedule parallel). */
void hs_turn_release(struct thread *t);
/* A record that must be of this row, or the replay stops with a divergence. */
struct hs_record *hs_expect(struct thread *t, u32 row);

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
