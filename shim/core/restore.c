/* restore.c: at go-live every TCP connection is made again (the order of things is golive.c's).
 *
 * The client is asked how far it is; the socket that stood for the connection becomes it, by
 * TCP_REPAIR; what the client lacks is sent. Connections that the program had closed, but whose
 * clients lack something, get a socket for as long as it takes to hand them to the kernel. One
 * that cannot be restored is made and then reset, as if by its client. The rule: a socket that the
 * program holds stays the same open file, so that no registration of it is lost. */
#include "restore.h"

#include "calls.gen.h"
#include "connections.h"
#include "dialled.h"
#include "given.h"
#include "queued.h"

#define ASK_AGAIN_NS 5000000ul
#define ASK_MOST_NS 60000000ul
#define OTHERS_MOST_NS 1000000000ul /* for a process that dies while it makes a connection */

static u64 oldest_kept(const struct hs_conn *k) {
  return k->first_chunk ? k->first_at : k->written;
}

static struct hs_net_slot *slot_of(const struct hs_conn *k) {
  return k->net_slot == HS_NO_SLOT ? NULL : HS_NET_SLOT(k->net_slot);
}

static int is_ours_to_restore(u32 entry, struct hs_conn **k) {
  if (FD_KIND(entry) != FD_TCP || !FD_CONN(entry)) return 0;
  *k = CONN(FD_CONN(entry));
  return (*k)->state == CONN_OPEN && (*k)->restored <= RESTORED_BEGUN;
}

/* 1: it is this process that makes it. Another one has made it when this returns: what follows
 * may be a call about it. */
static int claim(struct hs_conn *k) {
  u32 not_yet = RESTORED_NOT;
  u64 nap[2] = {0, 100000};
  if (__atomic_compare_exchange_n(&k->restored, &not_yet, RESTORED_BEGUN, 0, __ATOMIC_ACQ_REL,
                                  __ATOMIC_ACQUIRE))
    return 1;
  for (u64 end = hs_now_ns(1) + OTHERS_MOST_NS;
       __atomic_load_n(&k->restored, __ATOMIC_ACQUIRE) == RESTORED_BEGUN && hs_now_ns(1) < end;)
    SYS(HS_NR_nanosleep, nap, 0);
  return 0;
}

static void settle(struct hs_conn *k, enum conn_restored how) {
  __atomic_fetch_add(how == RESTORED_DONE ? &CTL->connsRestored : &CTL->connsLost, 1,
                     __ATOMIC_RELAXED);
  __atomic_store_n(&k->restored, how, __ATOMIC_RELEASE);
}

static int is_orphan(u32 index, struct hs_conn **k) {
  *k = CONN(index);
  return (*k)->state == CONN_ORPHAN;
}

static int has_no_descriptor(u32 index, struct hs_conn **k) {
  return is_orphan(index, k) || ((*k)->state == CONN_QUEUED && !(*k)->fd);
}

/* ---- asking ---- */

static int answered(const struct hs_conn *k) {
  const struct hs_net_slot *slot = slot_of(k);
  return !slot || slot->answers || (slot->flags & HS_NET_RESET);
}

static u32 ask(struct hs_conn *k, int now_due, u64 now) {
  if (answered(k)) return 0;
  if (now_due) hs_tcp_ask((int)HIDDEN(HID_RAW), &k->tcp, oldest_kept(k), k->read, 0, now);
  return 1;
}

/* Asks all that have not answered, when it is time to; gives their number. */
static u32 ask_round(int now_due, u64 now) {
  u32 waiting = 0;
  struct hs_conn *k;
  for (i64 fd = 0; fd < (i64)HS_MAX_FD; fd++)
    if (is_ours_to_restore(FDS[fd], &k)) waiting += ask(k, now_due, now);
  for (u32 i = 1; i <= HS_CONN_HIGHEST; i++)
    if (has_no_descriptor(i, &k)) waiting += ask(k, now_due, now);
  return waiting;
}

static void ask_clients(void) {
  u64 start = hs_now_ns(1), asked = 0;
  if (!hs_net_present()) return;
  for (;;) {
    u64 now = hs_now_ns(1);
    int due = !asked || now - asked > ASK_AGAIN_NS;
    if (now - start > ASK_MOST_NS || !ask_round(due, now)) return;
    if (due) asked = now;
    u64 nap[2] = {0, 100000};
    SYS(HS_NR_nanosleep, nap, 0);
  }
}

/* ---- making ---- */

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

/* Where our stream goes on: at what the client has, as far as that is known. A FIN of ours that
 * it has counts one more; it is sent again, and the client says again that it has it. */
static u64 resume_at(struct hs_conn *k, u32 *window) {
  const struct hs_net_slot *slot = slot_of(k);
  u64 from = oldest_kept(k), oldest = from;
  *window = 65535;
  if (slot && slot->answers) {
    from = hs_tcp_count(&k->tcp, slot->peerAck, k->written);
    *window = slot->peerWindow;
  }
  if (from > k->written && ((k->shut & 1) || k->state == CONN_ORPHAN)) from = k->written;
  if (from > k->written) /* the program will produce these bytes again: the client has them */
    k->skip = from - k->written;
  else if (from < oldest)
    from = oldest;
  return from;
}

/* 0, or -errno. `from`: see resume_at. */
static i64 make(i64 fd, struct hs_conn *k, u64 from, u32 window) {
  u64 now = hs_now_ns(1);
  int force = 64 << 20;
  struct hs_net_slot *slot = slot_of(k);
  SYS(HS_NR_setsockopt, fd, 1, 32 /* SO_SNDBUFFORCE */, &force, 4);
  if (slot && slot->tsecr) hs_tcp_clock(&k->tcp, slot->tsval, now);
  long reuse = hs_tcp_restore((int)fd, &k->tcp, from, k->read, window, now);
  return reuse < 0 ? reuse : hs_tcp_leave_repair((int)fd, (int)reuse);
}

static void open_slot(struct hs_conn *k, u64 from, u32 flags) {
  struct hs_net_slot *slot = slot_of(k);
  u64 fin = (k->shut & 2) ? 1 : 0;
  if (!slot) return;
  hs_tcp_slot(slot, &k->tcp, k->tcp.iss1 + (u32)from, k->tcp.irs1 + (u32)(k->read + fin),
              hs_tcp_window(&k->tcp), HS_NET_NOTED | HS_NET_CONFIRMED | flags);
  hs_tcp_push((int)HIDDEN(HID_RAW), &k->tcp, slot);
}

/* The bytes, and what had happened to either end of the connection. */
static void go_on(i64 fd, struct hs_conn *k, u64 from) {
  int zero = 0;
  send_again(fd, k, from);
  SYS(HS_NR_setsockopt, fd, 1, 72 /* SO_BUF_LOCK */, &zero, 4);
  if (k->shut & 2) /* the client's FIN was acknowledged: nobody will send it again */
    hs_tcp_inject((int)HIDDEN(HID_RAW), &k->tcp, k->tcp.irs1 + (u32)k->read,
                  k->tcp.iss1 + (u32)from, HS_TCP_FIN | HS_TCP_ACK);
  if (k->shut & 1) SYS(HS_NR_shutdown, fd, 1);
}

/* The last resort: another open file, whose peer has closed; epoll loses it. */
static void replace(i64 fd) {
  int pair[2], nonblocking = (FDS[fd] & FD_NONBLOCK) ? HS_O_NONBLOCK : 0;
  if (SYS(HS_NR_socketpair, 1, 1 | nonblocking, 0, pair)) return;
  SYS(HS_NR_close, pair[1]);
  SYS(HS_NR_dup3, pair[0], fd, 0);
  SYS(HS_NR_close, pair[0]);
}

/* To the program it looks reset by its client, and epoll says so. The client hears nothing. */
static void lose(i64 fd, struct hs_conn *k) {
  hs_conn_drop(k, ~0ul);
  i64 result = make(fd, k, k->written, 65535);
  if (result >= 0)
    result = hs_tcp_inject((int)HIDDEN(HID_RAW), &k->tcp, k->tcp.irs1 + (u32)k->read,
                           k->tcp.iss1 + (u32)k->written, HS_TCP_RST | HS_TCP_ACK);
  if (result < 0) replace(fd);
  settle(k, RESTORED_LOST);
}

void hs_restore_queued(i64 fd, struct hs_conn *k) {
  if (!hs_conn_is_current(k) || make(fd, k, 0, 65535) < 0) {
    lose(fd, k);
    return;
  }
  open_slot(k, 0, 0);
  go_on(fd, k, 0);
  settle(k, RESTORED_DONE);
}

static void restore(i64 fd, struct hs_conn *k) {
  const struct hs_net_slot *slot = slot_of(k);
  u32 window;
  if (slot && (slot->flags & HS_NET_RESET)) { /* the client itself has given up */
    hs_warn("connection %d, descriptor %d, was reset by its client meanwhile (flags %x)",
            (i64)FD_CONN(FDS[fd]), fd, (u64)slot->flags);
    lose(fd, k);
    return;
  }
  u64 from = resume_at(k, &window);
  i64 result = make(fd, k, from, window);
  if (result < 0) {
    hs_warn("connection %d, descriptor %d, could not be restored: error %d",
            (i64)FD_CONN(FDS[fd]), fd, -result);
    replace(fd);
    settle(k, RESTORED_LOST);
    return;
  }
  open_slot(k, from, 0);
  go_on(fd, k, from);
  settle(k, RESTORED_DONE);
}

/* What the client lacks of a closed connection, and the FIN: then it is the kernel's alone. */
static void finish_orphan(u32 index, struct hs_conn *k) {
  const struct hs_net_slot *slot = slot_of(k);
  u32 window;
  int is_over = !hs_conn_is_current(k) || (slot->flags & HS_NET_RESET) ||
                (slot->answers && (int)(slot->peerAck - (k->tcp.iss1 + (u32)k->written)) > 0);
  i64 fd = is_over ? -1 : SYS(HS_NR_socket, k->tcp.family, 1 | HS_O_CLOEXEC, 0);
  if (fd >= 0) {
    u64 from = resume_at(k, &window);
    if (make(fd, k, from, window) >= 0) {
      open_slot(k, from, HS_NET_FIN_OK);
      go_on(fd, k, from);
      CTL->connsRestored++;
    }
    SYS(HS_NR_close, fd);
  }
  hs_conn_free(index);
}

void hs_restore_connections(void) {
  struct hs_conn *k;
  if (!CTL->live) hs_queued_gather();
  ask_clients();
  for (i64 fd = 0; fd < (i64)HS_MAX_FD; fd++) {
    u32 entry = FDS[fd];
    if (is_ours_to_restore(entry, &k)) {
      if (claim(k)) restore(fd, k);
    } else if (hs_is_dialling(fd)) {
      hs_dial_again(fd, CONN(FD_CONN(entry)));
    } else if (FD_KIND(entry) == FD_TCP && !FD_CONN(entry)) { /* nothing is known of it */
      hs_tcp_dead((int)fd, (int)HIDDEN(HID_RAW));
    }
  }
  for (u32 i = 1; i <= HS_CONN_HIGHEST; i++)
    if (is_orphan(i, &k)) finish_orphan(i, k);
  hs_queued_offer(1);
}

int hs_restored_skip(struct regs *g, i64 *result) {
  u32 entry = fd_entry((int)g->rdi);
  if (FD_KIND(entry) != FD_TCP || !FD_CONN(entry)) return 0;
  struct hs_conn *k = CONN(FD_CONN(entry));
  if (!k->skip) return 0;
  u64 bytes = hs_given_bytes(g);
  if (bytes > k->skip) bytes = k->skip;
  k->skip -= bytes;
  *result = (i64)bytes;
  return 1;
}
