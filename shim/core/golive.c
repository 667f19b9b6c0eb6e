/* golive.c: the log has ended and the primary is dead: this copy becomes the program.
 *
 * Order: clocks, then listeners listen, then connections (restore.c), then each thread becomes whom
 * the program had made it, and they enter their pending calls again. The rule: nothing is opened
 * here that could have been opened before. */
#include "calls.gen.h"
#include "clock.h"
#include "datagrams.h"
#include "identity.h"
#include "ordered.h"
#include "regular.h"
#include "restore.h"
#include "signals.h"
#include "stops.h"
#include "terminals.h"
#include "timers.h"
#include "within.h"

/* Listeners first: a port that a connection holds cannot be listened on any more. New clients are
 * not let in before the engine has seen that we are live. */
static void restore_descriptors(struct thread *t) {
  for (i64 fd = 0; fd < (i64)HS_MAX_FD; fd++) {
    u32 entry = FDS[fd];
    if (FD_KIND(entry) == FD_LISTENER && SYS(HS_NR_listen, fd, entry >> 16))
      hs_warn("descriptor %d cannot listen again", fd);
    int is_netlink = FD_KIND(entry) == FD_SOCKET && !(entry & FD_INET);
    if (FD_KIND(entry) == FD_UDP || is_netlink) hs_datagrams_discard(fd);
  }
  if (!CTL->live) hs_within_restore(t);
  hs_terminals_go_live(t);
  hs_restore_connections();
}

/* hs_process.live_done */
enum { LIVE_BEGUN = 1, LIVE_DONE = 2 };

void hs_go_live(struct thread *t) {
  if (!CTL->live) { /* the owner of the turn: nobody else runs, or before its last record */
    CTL->deadNs = hs_now_ns(1);
    hs_clock_go_live();
    CTL->order.word = 1;
    CTL->order.holder = (u64)t->pid << 32 | t->tid;
    hs_mode = HS_MODE_LIVE;
    hs_ordered_mode();
    hs_signals_go_live(t, 1);
    if (CTL->flags & HS_FLAG_TAKEOVER) restore_descriptors(t);
    hs_timers_go_live();
    hs_stops_go_live(t);
    CTL->restoredNs = hs_now_ns(1);
    hs_process.live_done = LIVE_DONE;
    CTL->liveNs = hs_now_ns(1);
    __atomic_store_n(&CTL->live, 1, __ATOMIC_SEQ_CST);
    if (CTL->split) hs_lock_give(&CTL->order); /* its group's baton comes first */
  } else {
    u32 first = 0;
    hs_mode = HS_MODE_LIVE;
    hs_ordered_mode();
    if (__atomic_compare_exchange_n(&hs_process.live_done, &first, LIVE_BEGUN, 0,
                                    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
      hs_signals_go_live(t, 1);
      if (CTL->flags & HS_FLAG_TAKEOVER) restore_descriptors(t);
      hs_timers_go_live();
      /* releases: whoever sees it sees the connections, too */
      __atomic_store_n(&hs_process.live_done, LIVE_DONE, __ATOMIC_RELEASE);
      SYS(HS_NR_futex, &hs_process.live_done, 1 /* WAKE */, 0x7fffffff);
    } else {
      /* a call of this thread may be about a connection that another one is still making */
      while (__atomic_load_n(&hs_process.live_done, __ATOMIC_ACQUIRE) == LIVE_BEGUN)
        SYS(HS_NR_futex, &hs_process.live_done, 0 /* WAIT */, LIVE_BEGUN, 0);
      hs_signals_go_live(t, 0);
    }
  }
  hs_identity_assume(t);
  t->live_noted = 1;
}
