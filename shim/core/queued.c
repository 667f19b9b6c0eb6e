/* queued.c: connections that the primary's kernel had made, or was making, and the program had not
 * accepted. The backup knows them from the engine (src/engine/openings.ts), which has told it each
 * one's numbers before the client was answered.
 *
 * No system call puts a connection into a listener's queue. So for each one that its client still
 * has, a stranger is put there: a connection from this host to the listener. Whatever waits for the
 * listener then wakes up, by the kernel's own means; and where accept returns the stranger, its
 * socket is disconnected and made the client's connection. What the client has sent meanwhile was
 * not acknowledged: it comes again.
 *
 * To make a connection takes a right that the accepting process may have given up. So at go-live,
 * when all still have it, the first stranger is accepted here and made the connection, which waits
 * in the store (store.h); a second one wakes the program up and is exchanged for it.
 *
 * The rule: the program never sees a stranger. */
#include "queued.h"

#include "calls.gen.h"
#include "connections.h"
#include "restore.h"
#include "store.h"

#define OPENINGS ((struct hs_net_slot *)(HS_SESSION_BASE + HS_OPENINGS_OFFSET))
#define BUCKETS (HS_MAX_OPENINGS / HS_OPENING_WAYS)
_Static_assert(BUCKETS == 1u << 11, "the shift of the hash is that of src/engine/openings.ts");
#define STRANGER_WAIT_MS 20

enum { AF_INET4 = 2, STREAM = 1, POLLOUT = 4, UNSPECIFIED = 0 };

struct name4 {
  u16 family, port;
  u32 address;
  u64 zero;
};

static struct hs_net_slot *bucket_of(u32 raddr, u16 rport, u16 lport) {
  u32 hash = (raddr ^ ((u32)rport | (u32)lport << 16)) * 0x9e3779b1u;
  return OPENINGS + (hash >> 21) * HS_OPENING_WAYS;
}

static int is_used(const struct hs_net_slot *o) {
  return __atomic_load_n(&o->flags, __ATOMIC_ACQUIRE) != 0; /* the engine stores it last */
}

void hs_queued_forget(const struct hs_tcp *t) {
  struct hs_net_slot *o = bucket_of(t->raddr, t->rport, t->lport);
  for (u32 i = 0; i < HS_OPENING_WAYS; i++)
    if (is_used(o + i) && o[i].raddr == t->raddr && o[i].rport == t->rport &&
        o[i].lport == t->lport && o[i].iss1 == t->iss1)
      __atomic_store_n(&o[i].flags, 0, __ATOMIC_RELEASE);
}

/* The engine has written the time of its arrival: milliseconds of the same clock as ours. */
static void take_on(const struct hs_net_slot *o, u64 now) {
  u32 index = hs_conn_new();
  if (!index) return;
  struct hs_conn *k = CONN(index);
  u32 age = (u32)(now / 1000000) - o->bornMs;
  k->tcp = (struct hs_tcp){
      .raddr = o->raddr, .laddr = HS_NET_SETTINGS->vip, .rport = o->rport, .lport = o->lport,
      .family = AF_INET4, .iss1 = o->iss1, .irs1 = o->irs1, .mss = o->peerMss,
      .snd_wscale = o->peerWscale, .rcv_wscale = o->wscale, .timestamp = o->tsval,
      .timestampNs = now - (u64)age * 1000000};
  if (o->flags & HS_NET_TIMESTAMPS) k->tcp.options |= HS_TCP_TIMESTAMPS;
  if (o->flags & HS_NET_SACK) k->tcp.options |= HS_TCP_SACK;
  if (o->flags & HS_NET_WSCALE) k->tcp.options |= HS_TCP_WSCALE;
  if (hs_conn_has_namesake(k)) { /* `async`: its accept came before we were told of it */
    k->state = CONN_FREE;
    return;
  }
  k->state = CONN_QUEUED;
  HS_CONNS_QUEUED++;
  k->descriptors = 0;
  hs_conn_attach(k);
}

void hs_queued_gather(void) {
  u64 now = hs_now_ns(1);
  if (!hs_net_present()) return;
  for (u32 i = 0; i < HS_MAX_OPENINGS; i++) {
    if (!is_used(&OPENINGS[i])) continue;
    take_on(&OPENINGS[i], now);
    __atomic_store_n(&OPENINGS[i].flags, 0, __ATOMIC_RELAXED); /* the log has ended: nobody else */
  }
}

/* Its client has said that it is connected, and that it has nothing of ours yet. One that answers
 * otherwise was accepted once and is over; one in the middle of its handshake says nothing, and
 * sends its SYN again. */
static int is_alive(const struct hs_conn *k) {
  if (k->net_slot == HS_NO_SLOT || !hs_conn_is_current(k)) return 0;
  const struct hs_net_slot *slot = HS_NET_SLOT(k->net_slot);
  return slot->answers && !(slot->flags & HS_NET_RESET) && slot->peerAck == k->tcp.iss1;
}

/* A connection from here to the listener that the client had called. Its port is noted before it
 * is made: whoever accepts it may be another process. */
static int put_stranger(struct hs_conn *k) {
  struct name4 name = {AF_INET4, 0, k->tcp.laddr, 0};
  struct { int fd; short events, revents; } p = {-1, POLLOUT, 0};
  u32 bytes = sizeof name, error = 1, error_bytes = 4;
  i64 fd = SYS(HS_NR_socket, AF_INET4, STREAM | HS_O_NONBLOCK | HS_O_CLOEXEC, 0);
  if (fd < 0) return 0;
  if (SYS(HS_NR_bind, fd, &name, sizeof name) == 0 &&
      SYS(HS_NR_getsockname, fd, &name, &bytes) == 0) {
    k->fd = name.port;
    name.port = k->tcp.lport;
    SYS(HS_NR_connect, fd, &name, sizeof name);
    p.fd = (int)fd;
    if (SYS(HS_NR_poll, &p, 1, CTL->live ? 0 : STRANGER_WAIT_MS) == 1)
      SYS(HS_NR_getsockopt, fd, 1, 4 /* SO_ERROR */, &error, &error_bytes);
  }
  if (!error) /* a listener may wait for the first byte of each client (TCP_DEFER_ACCEPT) */
    SYS(HS_NR_sendto, fd, "", 1, 0x4040 /* DONTWAIT | NOSIGNAL */, 0, 0);
  else
    k->fd = 0;
  SYS(HS_NR_close, fd);
  return !error;
}

static struct hs_conn *whose_stranger(const struct hs_tcp *name, u32 *index) {
  for (u32 i = 1; i <= HS_CONN_HIGHEST && name->raddr == name->laddr; i++) {
    struct hs_conn *k = CONN(i);
    if (k->state != CONN_QUEUED || k->fd != name->rport || k->tcp.lport != name->lport) continue;
    *index = i;
    return k;
  }
  return NULL;
}

/* A socket of this process that listens at the port; -1: it has none. */
static i64 listener_at(u16 port) {
  for (i64 fd = 0; fd < (i64)HS_MAX_FD; fd++) {
    struct { u16 family, port; u8 rest[24]; } name;
    u32 bytes = sizeof name;
    if (FD_KIND(FDS[fd]) == FD_LISTENER && !SYS(HS_NR_getsockname, fd, &name, &bytes) &&
        name.port == port)
      return fd;
  }
  return -1;
}

/* The stranger's socket becomes the client's connection. It has what the listener hands on to
 * each: its family and its options. */
static void become(i64 fd, struct hs_conn *k) {
  struct { u16 family; u8 rest[14]; } nobody = {UNSPECIFIED, {0}};
  SYS(HS_NR_connect, fd, &nobody, sizeof nobody);
  hs_restore_queued(fd, k);
}

static void make_ahead(u32 index, struct hs_conn *k) {
  struct { int fd; short events, revents; } p = {(int)listener_at(k->tcp.lport), 1 /* POLLIN */, 0};
  struct hs_tcp name;
  u32 whose;
  if (k->restored || p.fd < 0 || !put_stranger(k)) return;
  i64 fd = SYS(HS_NR_poll, &p, 1, STRANGER_WAIT_MS) == 1
               ? SYS(HS_NR_accept4, p.fd, 0, 0, HS_O_CLOEXEC) : -1;
  if (fd < 0) return;
  if (hs_tcp_name((int)fd, &name) == 0 && whose_stranger(&name, &whose) == k) {
    k->tcp.family = name.family;
    become(fd, k);
    hs_store_put(HS_STORE_CONN(index), fd);
    k->fd = 0;
  }
  SYS(HS_NR_close, fd);
}

static void forget_dead(void) {
  for (u32 i = 1; i <= HS_CONN_HIGHEST; i++) {
    struct hs_conn *k = CONN(i);
    if (k->state != CONN_QUEUED || k->fd || k->restored || is_alive(k)) continue;
    HS_CONNS_QUEUED--;
    hs_conn_detach(k);
    hs_conn_free(i);
  }
}

/* All are made before the first is offered: so a listener's queue has one stranger at a time. */
static void offer_each(int is_golive) {
  struct hs_conn *k;
  for (u32 i = 1; i <= HS_CONN_HIGHEST && is_golive; i++)
    if (CONN(i)->state == CONN_QUEUED && !CONN(i)->fd) make_ahead(i, CONN(i));
  for (u32 i = 1; i <= HS_CONN_HIGHEST; i++) {
    k = CONN(i);
    if (k->state == CONN_QUEUED && !k->fd && !put_stranger(k) && CTL->live)
      return; /* the queue is full: there is room after the next accept */
  }
}

void hs_queued_offer(int is_golive) {
  if (!HS_CONNS_QUEUED) return;
  hs_brief_take(&HS_QUEUE_LOCK);
  forget_dead();
  offer_each(is_golive);
  hs_brief_give(&HS_QUEUE_LOCK);
}

/* What accept said of its peer. The kernel has cut it off where the program's buffer ends. */
static void correct_name(const struct regs *g, u32 room, const struct hs_conn *k) {
  u8 name[28] = {0};
  u32 bytes = k->tcp.family == AF_INET4 ? 16 : 28, at = bytes == 16 ? 4 : 20;
  if (!g->rsi) return;
  if (room > bytes) room = bytes;
  memcpy(name, (const void *)g->rsi, room);
  memcpy(name + 2, &k->tcp.rport, 2);
  memcpy(name + at, &k->tcp.raddr, 4);
  memcpy((void *)g->rsi, name, room);
}

/* The connection made ahead takes the stranger's number. 0: there is none. */
static int exchange(i64 fd, u32 index) {
  i64 own = CONN(index)->restored ? hs_store_take(HS_STORE_CONN(index), 0) : -1;
  if (own < 0) return 0;
  i64 closing = SYS(HS_NR_fcntl, fd, 1 /* F_GETFD */);
  i64 status = SYS(HS_NR_fcntl, fd, 3 /* F_GETFL */);
  SYS(HS_NR_dup3, own, fd, closing & 1 ? HS_O_CLOEXEC : 0);
  SYS(HS_NR_close, own);
  SYS(HS_NR_fcntl, fd, 4 /* F_SETFL */, status);
  return 1;
}

void hs_queued_accepted(const struct regs *g, u32 room, i64 fd) {
  struct hs_tcp name;
  u32 index;
  if (!HS_CONNS_QUEUED || hs_tcp_name((int)fd, &name) < 0) return;
  struct hs_conn *k = whose_stranger(&name, &index);
  if (!k) return;
  k->tcp.family = name.family;
  k->state = CONN_OPEN;
  HS_CONNS_QUEUED--;
  k->descriptors = 1;
  k->fd = fd;
  hs_set_conn(fd, index);
  correct_name(g, room, k);
  if (!exchange(fd, index)) become(fd, k);
  hs_queued_offer(0);
}
