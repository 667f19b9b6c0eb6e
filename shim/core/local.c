/* local.c: Unix sockets with names. The backup binds and listens too, and a connection between two
 * processes of the application is made there as well, by the same calls: then it is a pair like
 * any other (data.c). One with a process outside of the application ends with the primary's host.
 *
 * The rule: on the primary connections are made and accepted with the baton held, so that the
 * order of records is the order of the listener's queue. */
#include "local.h"

#include "calls.gen.h"
#include "descriptors.h"
#include "regular.h"
#include "signals.h"

#define NAME_BYTES 112u
struct credentials {
  u32 pid, uid, gid;
};

/* Processes outside of the application have no number in its PID namespace. */
static int peer_is_ours(i64 fd) {
  struct credentials peer = {0, 0, 0};
  u32 bytes = sizeof peer;
  return !SYS(HS_NR_getsockopt, fd, 1, 17 /* SO_PEERCRED */, &peer, &bytes) && peer.pid != 0;
}

static int follows(void) { return hs_mode == HS_MODE_REPLAY && (CTL->flags & HS_FLAG_TAKEOVER); }

/* A connection whose other end has gone stands for one that the backup does not have. */
static void stand_alone(i64 fd, u32 entry) {
  int pair[2], flags = (entry & FD_NONBLOCK) ? HS_O_NONBLOCK : 0;
  u64 cloexec = SYS(HS_NR_fcntl, fd, 1 /* F_GETFD */) & 1 ? HS_O_CLOEXEC : 0;
  if (SYS(HS_NR_socketpair, 1, (entry & FD_STREAM ? 1 : 5) | flags, 0, pair)) return;
  SYS(HS_NR_close, pair[1]);
  SYS(HS_NR_dup3, pair[0], fd, cloexec);
  SYS(HS_NR_close, pair[0]);
}

/* ---- bind ---- */

/* A file that a socket of an earlier run has left is in the way of nobody. */
static int is_left_over(const u8 *name, u32 bytes) {
  u64 st[18];
  u32 refused = 0;
  if (!name[2] || SYS(HS_NR_stat, name + 2, st) || ((u32)st[3] & 0170000) != 0140000) return 0;
  for (int type = 1; type <= 5; type += type == 2 ? 3 : 1) {
    i64 fd = SYS(HS_NR_socket, 1, type | HS_O_CLOEXEC | HS_O_NONBLOCK, 0);
    refused += SYS(HS_NR_connect, fd, name, bytes) == -111; /* ECONNREFUSED */
    SYS(HS_NR_close, fd);
  }
  return refused > 0;
}

i64 hs_local_bind(struct thread *t, struct regs *g, const struct hs_call *c) {
  struct { u64 bytes; u8 name[NAME_BYTES]; } bound;
  struct hs_record *r = hs_turn(t);
  memset(&bound, 0, sizeof bound);
  if (!r) {
    i64 result = hs_execute(g);
    bound.bytes = NAME_BYTES;
    if (result == 0) SYS(HS_NR_getsockname, (int)g->rdi, bound.name, &bound.bytes);
    hs_append_bytes(t, (u32)g->rax, (u32)g->rdi, result, hs_check(g, c, result), &bound,
                    sizeof bound);
    return result;
  }
  i64 result = r->result;
  hs_match(t, g, r, hs_check(g, c, result));
  if (HS_RECORD_LEN(r) != sizeof bound) hs_diverge(t, r, "name of a socket", "another length");
  memcpy(&bound, HS_RECORD_DATA(r), sizeof bound);
  if (result == 0 && follows()) {
    u32 bytes = (u32)bound.bytes;
    i64 own = SYS(HS_NR_bind, (int)g->rdi, bound.name, bytes);
    if (own == -98 /* EADDRINUSE */ && is_left_over(bound.name, bytes)) {
      SYS(HS_NR_unlink, bound.name + 2);
      own = SYS(HS_NR_bind, (int)g->rdi, bound.name, bytes);
    }
    if (own) hs_warn("a Unix socket cannot have its name here: error %d", -own);
  }
  hs_consume(t, r);
  return result;
}

/* ---- connect ---- */

static i64 connect_in_turn(struct thread *t, const struct regs *g, u32 entry) {
  i64 flags = SYS(HS_NR_fcntl, (int)g->rdi, 3 /* F_GETFL */);
  for (;;) {
    if (!(entry & FD_NONBLOCK)) SYS(HS_NR_fcntl, (int)g->rdi, 4, flags | HS_O_NONBLOCK);
    i64 result = hs_execute(g);
    if (!(entry & FD_NONBLOCK)) SYS(HS_NR_fcntl, (int)g->rdi, 4, flags);
    if (result != -HS_EAGAIN || (entry & FD_NONBLOCK)) return result;
    if (t->pending && hs_signal_ready(t)) return -HS_EINTR;
    u64 nap[2] = {0, 1000000}; /* the listener's queue is full */
    hs_baton_give();
    SYS(HS_NR_nanosleep, nap, 0);
    hs_baton_take();
  }
}

i64 hs_local_connect(struct thread *t, struct regs *g, const struct hs_call *c) {
  u32 entry = fd_entry((int)g->rdi);
  struct hs_record *r = hs_turn(t);
  i64 fd = (int)g->rdi;
  u64 ours = 0;
  if (!r) {
    i64 result = connect_in_turn(t, g, entry);
    ours = result == 0 && !(entry & FD_LOCAL_DATAGRAM) && peer_is_ours(fd);
    hs_append_bytes(t, (u32)g->rax, (u32)fd, result, hs_check(g, c, result), &ours, 8);
    if (ours) hs_set_entry(fd, (entry & ~0xffu) | FD_PAIR);
    return result;
  }
  i64 result = r->result;
  hs_match(t, g, r, hs_check(g, c, result));
  memcpy(&ours, HS_RECORD_DATA(r), 8);
  if (result == 0 && follows()) {
    int joins = ours || (entry & FD_LOCAL_DATAGRAM);
    i64 own = joins ? connect_in_turn(t, g, entry) : -1;
    if (joins && own) hs_warn("a Unix socket cannot be connected here: error %d", -own);
    if (own && !(entry & FD_LOCAL_DATAGRAM)) stand_alone(fd, entry);
  }
  if (ours) hs_set_entry(fd, (entry & ~0xffu) | FD_PAIR);
  hs_consume(t, r);
  return result;
}

/* ---- accept ---- */

static int is_readable(i64 fd) {
  struct { int fd; short events, revents; } p = {(int)fd, 1 /* POLLIN */, 0};
  return SYS(HS_NR_poll, &p, 1, 0) == 1;
}

i64 hs_local_accept(struct thread *t, struct regs *g, const struct hs_call *c) {
  struct { int fd; short events, revents; } p = {(int)g->rdi, 1 /* POLLIN */, 0};
  struct regs wait = {.rax = HS_NR_poll, .rdi = (u64)&p, .rsi = 1, .rdx = ~0ul};
  struct before b;
  i64 result = 0;
  hs_before(g, c, &b);
  while (!(fd_entry((int)g->rdi) & FD_NONBLOCK) && !is_readable((int)g->rdi) && !result) {
    hs_wake_before_wait();
    hs_baton_give();
    result = hs_execute_waiting(t, &wait);
    hs_baton_take();
    if (result >= 0) result = 0;
  }
  if (!result) result = hs_execute(g);
  hs_append_call(t, g, c, result, &b);
  return result;
}

/* The real connection in place of what stands for it, or one that has ended. */
static void join(i64 listener, i64 fd, u32 entry) {
  u64 flags = (entry & FD_NONBLOCK ? HS_O_NONBLOCK : 0) |
              (SYS(HS_NR_fcntl, fd, 1 /* F_GETFD */) & 1 ? HS_O_CLOEXEC : 0);
  while (is_readable(listener)) {
    i64 own = SYS(HS_NR_accept4, listener, 0, 0, flags);
    if (own < 0) break;
    int ours = peer_is_ours(own); /* others on this host may have come too early */
    if (ours) SYS(HS_NR_dup3, own, fd, flags & HS_O_CLOEXEC);
    SYS(HS_NR_close, own);
    if (ours) return;
  }
  hs_warn("a connection between processes of the program is not here");
  stand_alone(fd, entry);
}

void hs_local_accepted(struct thread *t, i64 listener, i64 fd) {
  u32 entry = fd_entry(fd);
  struct hs_record *r = hs_turn(t);
  i64 ours;
  if (r) {
    if ((r->method & HS_METHOD_ROW) != HS_EV_JOINED)
      hs_diverge(t, r, hs_row_name(r->method & HS_METHOD_ROW), "whose connection it is");
    ours = r->result;
    if (ours && follows())
      join(listener, fd, entry);
    else if (follows())
      stand_alone(fd, entry);
    hs_consume(t, r);
  } else {
    ours = peer_is_ours(fd);
    hs_append(t, HS_EV_JOINED, (u32)fd, ours, 0, NULL, 0);
  }
  if (ours) hs_set_entry(fd, (entry & ~0xffu) | FD_PAIR);
}
