/* regular.h: the path of every call whose row needs no function of its own, and the pieces that
 * irregular calls borrow from it. */
#ifndef HS_REGULAR_H
#define HS_REGULAR_H

#include "arguments.h"
#include "order.h"

/* The call as the program made it, with or without waiting. */
static inline i64 hs_execute(const struct regs *g) {
  return SYS(g->rax, g->rdi, g->rsi, g->rdx, g->r10, g->r8, g->r9);
}
/* The same without the baton, a signal caught before it turning it into -EINTR. */
i64 hs_execute_waiting(struct thread *t, const struct regs *g);

i64 hs_regular(struct thread *t, struct regs *g, const struct hs_call *c);
/* A call that waits, with the baton given up meanwhile: `held` and the return as below. `before` is
 * needed only for calls with out-arguments. */
i64 hs_record_waiting(struct thread *t, struct regs *g, const struct hs_call *c,
                      const struct before *before, int held);
/* The two halves: `held` says whether the baton is held on entry; it is held on return. */
i64 hs_record_regular(struct thread *t, struct regs *g, const struct hs_call *c, int held);
i64 hs_replay_regular(struct thread *t, struct regs *g, const struct hs_call *c,
                      struct hs_record *r);
/* Stops the replay unless the record is of this row and was made with the same arguments. */
void hs_match(struct thread *t, const struct regs *g, const struct hs_record *r, u64 check);
/* Executes on both sides, records, compares; for calls whose result must come out equal. */
i64 hs_both(struct thread *t, struct regs *g, const struct hs_call *c);
/* Appends with this row's arguments gathered. */
void hs_append_call(struct thread *t, const struct regs *g, const struct hs_call *c, i64 result,
                    const struct before *b);
/* data.c: a write to a pipe or pair that can be made whole; one that certainly does not wait. */
int hs_is_short_write(const struct regs *g);
int hs_has_room(const struct regs *g);
int hs_may_wait(const struct regs *g, const struct hs_call *c);
/* Takes off a relative timeout what this thread has already waited as a follower. */
void hs_shorten(struct thread *t, struct regs *g, u64 scratch[2]);

/* Every irregular call: `hs_irr_<name>` (calls.gen.h has the list). */
typedef i64 irregular_fn(struct thread *, struct regs *, const struct hs_call *);
extern irregular_fn *const hs_irregulars[];

#endif
