/* ordered.h (core): --schedule parallel: threads run program code at once (../ordered.h says how
 * their objects are ordered). There is no baton then: the order lock is held inside the shim only,
 * taken where a call enters, freed where it leaves; on the backup the turn is given up there. */
#ifndef HS_CORE_ORDERED_H
#define HS_CORE_ORDERED_H

#include "order.h"

#define SECTIONS(slot) \
  ((struct hs_sections *)(HS_SESSION_BASE + HS_SECTIONS_OFFSET) + (slot))

static inline int hs_in_parallel(void) {
  return __builtin_expect(hs_process.parallel != 0, 0) != 0;
}

void hs_ordered_init(void);              /* the process's table */
void hs_ordered_mode(void);              /* tells the library what hs_mode is */
void hs_ordered_thread(struct thread *t);/* a new thread, or the only one after an exec */
void hs_ordered_end(struct thread *t);   /* it ends: what it held until then is free */
i64 hs_ordered_call(struct thread *t, struct regs *g);

/* Of a record that is about to be appended: the count that goes with it; and the records that say
 * how far all threads are, now and then. */
void hs_ordered_stamp(struct thread *t, struct hs_record *r);
void hs_ordered_published(struct thread *t, u32 row);
/* Of a record of this thread that is about to be replayed: the count must be its own. */
void hs_ordered_check(struct thread *t, const struct hs_record *r);
/* A record that is for no thread in particular was taken in. */
int hs_ordered_took(struct thread *t, struct hs_record *r);

/* What the files of --schedule parallel know of each other. Waits are made in slices. */
#define WAIT_PRIVATE 128u /* FUTEX_WAIT | PRIVATE; WAKE is one more */
#define SLICE_NS 10000000ul

/* ahead.c. GO: its next record comes after more sections than it has made. FOUND: now, and `*row`
 * it is. */
enum ahead { AHEAD_GO, AHEAD_FOUND, AHEAD_UNKNOWN, AHEAD_NONE };
enum ahead hs_look_ahead(struct thread *t, u32 *row);
void hs_wait_for_log(struct thread *t);
void hs_wait_for_section(struct thread *t, struct hs_object *e);
/* A thread that waits for another looks now and then whether anybody can go on at all. */
void hs_check_stuck(struct thread *t, u64 *tail, u32 *rounds);

/* parked.c */
i64 hs_ordered_park(struct thread *t, struct regs *g);
i64 hs_ordered_await(struct thread *t, struct regs *g, struct hs_object *e);
i64 hs_ordered_once(struct thread *t, struct hs_object *e, const volatile u32 *state);
i64 hs_ordered_refused(struct thread *t, struct hs_object *e);
i64 hs_ordered_join(struct thread *t, u64 tls);

#endif
