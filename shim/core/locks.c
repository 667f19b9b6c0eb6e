/* locks.c: locks on files. The primary's kernel decides who gets one; the backup's copy takes the
 * same locks on its own files in the order of the log, so that whoever holds one when it goes live
 * holds it against everybody else.
 *
 * The rule: in a replay a lock is free by the log's order, or its holder is just about to end. */
#include "locks.h"

#include "calls.gen.h"
#include "descriptors.h"
#include "regular.h"

#define LOCK_MOST_NS 10000000000ul
#define LOCK_NB 4u

enum { SETLK = 6, SETLKW = 7, OFD_SETLK = 37, OFD_SETLKW = 38 };

int hs_is_lock(const struct regs *g) {
  int command = (int)g->rsi;
  if (g->rax != HS_NR_fcntl) return g->rax == HS_NR_flock;
  return command == SETLK || command == SETLKW || command == OFD_SETLK || command == OFD_SETLKW;
}

/* The same without waiting: the thread has the turn, and others may need it. */
static struct regs at_once(const struct regs *g) {
  struct regs call = *g;
  if (g->rax == HS_NR_flock) call.rsi |= LOCK_NB;
  if (g->rax == HS_NR_fcntl && (int)g->rsi == SETLKW) call.rsi = SETLK;
  if (g->rax == HS_NR_fcntl && (int)g->rsi == OFD_SETLKW) call.rsi = OFD_SETLK;
  return call;
}

void hs_lock_follow(struct thread *t, const struct regs *g, const struct hs_call *c,
                    const struct hs_record *r) {
  if (r->result || !hs_is_real_file(g, c)) return;
  struct regs call = at_once(g);
  u64 begun = hs_now_ns(1), nap[2] = {0, 500000};
  i64 got;
  while ((got = hs_execute(&call)) == -HS_EAGAIN || got == -HS_EACCES || got == -HS_EINTR) {
    if (hs_now_ns(1) - begun > LOCK_MOST_NS) break;
    SYS(HS_NR_nanosleep, nap, 0);
  }
  if (got) hs_diverge_values(t, r, "a lock that somebody else holds here", 0, (u64)got);
}

i64 hs_irr_flock(struct thread *t, struct regs *g, const struct hs_call *c) {
  if (recording()) return hs_regular(t, g, c);
  if (UNLIKELY(t->pinned)) hs_unpin(t);
  struct hs_record *r = hs_next(t);
  if (!r) return hs_record_regular(t, g, c, hs_live_with_baton(t));
  hs_match(t, g, r, hs_check(g, c, r->result));
  hs_lock_follow(t, g, c, r);
  return hs_replay_regular(t, g, c, r);
}
