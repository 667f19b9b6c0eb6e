/* golive.c: the log has ended and the primary is dead: this copy becomes the program.
 *
 * Order: clocks, then every client is asked how far it is, then its connection is made again on
 * the descriptor that stood for it, then listeners listen, then each thread becomes whom the
 * program had made it, and they enter their pending calls again. The rule: nothing is opened here
 * that could have been opened before. */
#include "calls.gen.h"
#include "clock.h"
#include "connections.h"
#include "identity.h"
#include "regular.h"
#include "signals.h"

#define ASK_AGAIN_NS 5000000ul
#define ASK_MOST_NS 60000000ul

static u64 oldest_kept(const struct hs_conn *k) {
  return k->first_chunk ? k->first_at : k->written;
}

static int is_ours_to_restore(u32 entry, struct hs_conn **k) {
  if (FD_KIND(entry) != FD_TCP || !FD_CONN(entry)) return 0;
  *k = CONN(FD_CONN(entry));
  return (*k)->state == 1 && !(*k)->restored;
}

static int answered(const struct hs_conn *k) {
  return k->net_slot == HS_NO_SLOT || HS_NET_SLOT(k->net_slot)->answers != 0 ||
         (HS_NET_SLOT(k->net_slot)->flags & HS_NET_RESET);
}

static u32 ask_all(u64 now, u32 *total) {
  u32 waiting = 0;
  *total = 0;
  for (i64 fd = 0; fd < (i64)HS_MAX_FD; fd++) {
    struct hs_conn *k;
    if (!is_ours_to_restore(FDS[fd], &k)) continue;
    ++*total;
    if (answered(k)) continue;
    waiting++;
    hs_tcp_ask((int)HIDDEN(HID_RAW), &k->tcp, oldest_kept(k), k->read, 0, now);
  }
  return waiting;
}

static u32 count_waiting(void) {
  u32 waiting = 0;
  for (i64 fd = 0; fd < (i64)HS_MAX_FD; fd++) {
    struct hs_conn *k;
    if (is_ours_to_restore(FDS[fd], &k) && !answered(k)) waiting++;
  }
  return waiting;
}

static void ask_clients(void) {
  u64 start = hs_now_ns(1), asked = 0;
  u32 total = 0;
  if (!hs_net_present()) return;
  for (;;) {
    u64 now = hs_now_ns(1);
    if (now - start > ASK_MOST_NS) return;
    if (!asked || now - asked > ASK_AGAIN_NS) {
      if (!ask_all(now, &total)) return;
      asked = now;
    }
    if (!count_waiting()) return;
    u64 nap[2] = {0, 100000};
    SYS(HS_NR_nanosleep, nap, 0);
  }
}

static void send_again(i64 fd, struct hs_conn *k, u64 from) {
  while (from < k->written) {
    u64 run;
    const u8 *bytes = hs_conn_at(k, from, &run);
    if (!bytes) break;
    if (run > k->written - from) run = k->written - from;
    i64 n = SYS(HS_NR_sendto, fd, bytes, run, 0x4040 /* DONTWAIT | NOSIGNAL */, 0, 0);
    if (n <= 0) {
      hs_warn("a restored connection took only part of what its client still lacks: %d", n);
      break;
    }
    from += (u64)n;
    if (!CTL->firstByteNs) CTL->firstByteNs = hs_now_ns(1);
  }
  hs_conn_drop(k, ~0ul);
}

/* A connection that cannot be restored looks to the program as closed by its peer. */
static void lose(i64 fd, struct hs_conn *k) {
  int pair[2], nonblocking = (FDS[fd] & FD_NONBLOCK) ? HS_O_NONBLOCK : 0;
  CTL->connsLost++;
  k->restored = 2;
  if (SYS(HS_NR_socketpair, 1, 1 | nonblocking, 0, pair)) return;
  SYS(HS_NR_close, pair[1]);
  SYS(HS_NR_dup3, pair[0], fd, 0);
  SYS(HS_NR_close, pair[0]);
}

static void restore(i64 fd, struct hs_conn *k) {
  u64 now = hs_now_ns(1), from = oldest_kept(k), read = k->read + ((k->shut & 2) ? 1 : 0);
  u32 window = 65535;
  struct hs_net_slot *slot = k->net_slot == HS_NO_SLOT ? NULL : HS_NET_SLOT(k->net_slot);
  if (slot && slot->answers) {
    from = hs_tcp_count(&k->tcp, slot->peerAck, k->written);
    window = slot->peerWindow;
  }
  if (slot && (slot->flags & HS_NET_RESET)) { /* the client itself has given up */
    lose(fd, k);
    return;
  }
  if (from > k->written) { /* the program will produce these bytes again: the client has them */
    k->skip = from - k->written;
  } else if (from < oldest_kept(k)) {
    from = oldest_kept(k);
  }
  int force = 64 << 20, zero = 0;
  SYS(HS_NR_setsockopt, fd, 1, 32 /* SO_SNDBUFFORCE */, &force, 4);
  if (slot && slot->tsecr) hs_tcp_clock(&k->tcp, slot->tsval, now);
  long reuse = hs_tcp_restore((int)fd, &k->tcp, from, read, window, now);
  if (reuse < 0 || hs_tcp_leave_repair((int)fd, (int)reuse) < 0) {
    hs_warn("a connection could not be restored: error %d", -reuse);
    lose(fd, k);
    return;
  }
  if (slot) {
    hs_tcp_slot(slot, &k->tcp, k->tcp.iss1 + (u32)from, k->tcp.irs1 + (u32)read,
                hs_tcp_window(&k->tcp), HS_NET_NOTED | HS_NET_CONFIRMED);
    hs_tcp_push((int)HIDDEN(HID_RAW), &k->tcp, slot);
  }
  send_again(fd, k, from);
  SYS(HS_NR_setsockopt, fd, 1, 72 /* SO_BUF_LOCK */, &zero, 4);
  if (k->shut & 1) SYS(HS_NR_shutdown, fd, 1);
  k->restored = 1;
  CTL->connsRestored++;
}

static void restore_descriptors(void) {
  ask_clients();
  for (i64 fd = 0; fd < (i64)HS_MAX_FD; fd++) {
    u32 entry = FDS[fd];
    struct hs_conn *k;
    if (is_ours_to_restore(entry, &k)) restore(fd, k);
    if (FD_KIND(entry) == FD_LISTENER && SYS(HS_NR_listen, fd, entry >> 16))
      hs_warn("descriptor %d cannot listen again", fd);
  }
}

void hs_go_live(struct thread *t) {
  if (!CTL->live) { /* the owner of the turn: nobody else of the application runs */
    CTL->deadNs = hs_now_ns(1);
    hs_clock_go_live();
    CTL->baton = 1;
    CTL->holder = (u64)t->pid << 32 | t->tid;
    hs_mode = HS_MODE_LIVE;
    hs_signals_go_live(t, 1);
    if (CTL->flags & HS_FLAG_TAKEOVER) restore_descriptors();
    CTL->restoredNs = hs_now_ns(1);
    hs_process.live_done = 1;
    CTL->liveNs = hs_now_ns(1);
    __atomic_store_n(&CTL->live, 1, __ATOMIC_SEQ_CST);
  } else {
    u32 first = 0;
    hs_mode = HS_MODE_LIVE;
    if (__atomic_compare_exchange_n(&hs_process.live_done, &first, 1, 0, __ATOMIC_ACQ_REL,
                                    __ATOMIC_RELAXED)) {
      hs_signals_go_live(t, 1);
      if (CTL->flags & HS_FLAG_TAKEOVER) restore_descriptors();
    } else {
      hs_signals_go_live(t, 0);
    }
  }
  hs_identity_assume(t);
  t->live_noted = 1;
}
