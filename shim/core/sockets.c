/* sockets.c: the calls about sockets. On the backup a socket is a real one without a peer; go-live
 * turns it into the connection (repair.c).
 *
 * The rule: what the kernel chose on the primary, such as a port, is in the record. */
#include "calls.gen.h"
#include "connections.h"
#include "descriptors.h"
#include "outbox.h"
#include "regular.h"

static u32 socket_entry(u64 domain, u64 type) {
  u32 entry = FD_SOCKET;
  if (domain == 2 || domain == 10) entry |= FD_INET;
  if (domain == 10) entry |= FD_V6;
  if ((type & 15) == 1) entry |= FD_STREAM;
  if (!(entry & FD_STREAM) && (entry & FD_INET)) entry = (entry & ~0xffu) | FD_UDP;
  if (domain == 1) entry = (entry & ~0xffu) | FD_UNIX;
  if (type & HS_O_NONBLOCK) entry |= FD_NONBLOCK;
  return entry;
}

i64 hs_irr_socket(struct thread *t, struct regs *g, const struct hs_call *c) {
  struct hs_record *r = hs_turn(t);
  i64 fd;
  if (!r) {
    fd = hs_execute(g);
    hs_append(t, (u32)g->rax, (u32)fd, fd, hs_check(g, c, fd), NULL, 0);
  } else {
    fd = r->result;
    hs_match(t, g, r, hs_check(g, c, fd));
    if (fd >= 0) {
      i64 own = g->rdi == 2 || g->rdi == 10 || g->rdi == 1 ? hs_execute(g) : -1;
      if (own < 0) own = hs_placeholder(g->rsi & HS_O_CLOEXEC);
      hs_must_be(t, r, own);
    }
    hs_consume(t, r);
  }
  if (fd >= 0) hs_set_entry(fd, socket_entry(g->rdi, g->rsi));
  return fd;
}

/* The socket that stands for an accepted connection has what the kernel lets it inherit. Without
 * SO_REUSEADDR a restored connection would keep a listener, restored later, from its port. */
static i64 stand_in(i64 listener, u32 entry, u64 flags) {
  static const int inherited[][2] = {{1, 2 /* REUSEADDR */}, {1, 9 /* KEEPALIVE */},
                                     {1, 15 /* REUSEPORT */}, {6, 1 /* NODELAY */}};
  i64 fd = SYS(HS_NR_socket, FD_KIND(entry) == FD_UNIX ? 1 : (entry & FD_V6) ? 10 : 2,
               1 | (flags & (HS_O_NONBLOCK | HS_O_CLOEXEC)), 0);
  for (u32 i = 0; i < 4 && (entry & FD_INET); i++) {
    u32 value = 0, bytes = 4;
    SYS(HS_NR_getsockopt, listener, inherited[i][0], inherited[i][1], &value, &bytes);
    if (value) SYS(HS_NR_setsockopt, fd, inherited[i][0], inherited[i][1], &value, 4);
  }
  return fd;
}

i64 hs_irr_accept(struct thread *t, struct regs *g, const struct hs_call *c) {
  struct hs_record *r = recording() ? NULL : hs_next(t);
  u32 listener = fd_entry((int)g->rdi);
  u64 flags = g->rax == HS_NR_accept4 ? g->r10 : 0;
  i64 fd;
  if (r) {
    fd = r->result;
    if (fd >= 0) hs_must_be(t, r, stand_in((int)g->rdi, listener, flags));
    hs_replay_regular(t, g, c, r);
  } else {
    fd = hs_record_regular(t, g, c, recording() ? 1 : hs_live_with_baton(t));
  }
  if (fd < 0) return fd;
  u32 entry = listener & (FD_INET | FD_V6 | FD_STREAM);
  if (flags & HS_O_NONBLOCK) entry |= FD_NONBLOCK;
  entry |= FD_KIND(listener) == FD_UNIX ? FD_UNIX : (listener & FD_STREAM) ? FD_TCP : FD_SOCKET;
  hs_set_entry(fd, entry);
  if (FD_KIND(entry) == FD_TCP) hs_conn_accepted(t, fd);
  return fd;
}

i64 hs_irr_connect(struct thread *t, struct regs *g, const struct hs_call *c) {
  i64 result = hs_regular(t, g, c);
  u32 entry = fd_entry((int)g->rdi);
  if ((result == 0 || result == -HS_EINPROGRESS) && (entry & FD_INET) && (entry & FD_STREAM))
    hs_set_entry((int)g->rdi, (entry & ~0xffu) | FD_TCP);
  return result;
}

/* A port the kernel chose is part of the record: the backup binds to the same one. */
struct bound {
  u32 bytes, pad;
  u8 address[28];
};

i64 hs_irr_bind(struct thread *t, struct regs *g, const struct hs_call *c) {
  struct hs_record *r = hs_turn(t);
  u32 entry = fd_entry((int)g->rdi);
  struct bound bound;
  memset(&bound, 0, sizeof bound);
  if (!r) {
    i64 result = hs_execute(g);
    bound.bytes = sizeof bound.address;
    if (result == 0 && (entry & FD_INET))
      SYS(HS_NR_getsockname, (int)g->rdi, bound.address, &bound.bytes);
    hs_append_bytes(t, (u32)g->rax, (u32)g->rdi, result, hs_check(g, c, result), &bound,
                    sizeof bound);
    return result;
  }
  i64 result = r->result;
  hs_match(t, g, r, hs_check(g, c, result));
  memcpy(&bound, HS_RECORD_DATA(r), sizeof bound);
  if (result == 0 && (entry & FD_INET) && (CTL->flags & HS_FLAG_TAKEOVER)) {
    int one = 1;
    SYS(HS_NR_setsockopt, (int)g->rdi, 1, 2 /* SO_REUSEADDR */, &one, 4);
    SYS(HS_NR_setsockopt, (int)g->rdi, 0, 15 /* IP_FREEBIND */, &one, 4);
    i64 own = SYS(HS_NR_bind, (int)g->rdi, bound.address, bound.bytes);
    if (own) hs_warn("the address the primary serves cannot be bound here: error %d", -own);
  }
  hs_consume(t, r);
  return result;
}

i64 hs_irr_listen(struct thread *t, struct regs *g, const struct hs_call *c) {
  i64 result = hs_regular(t, g, c);
  u32 entry = fd_entry((int)g->rdi);
  u32 backlog = (int)g->rsi > 0xffff ? 0xffffu : (u32)(int)g->rsi & 0xffffu;
  if (result == 0 && FD_KIND(entry) == FD_SOCKET)
    hs_set_entry((int)g->rdi, (entry & 0xff00u) | FD_LISTENER | backlog << 16);
  return result;
}

i64 hs_irr_shutdown(struct thread *t, struct regs *g, const struct hs_call *c) {
  i64 fd = (int)g->rdi, result = 0;
  u32 entry = fd_entry(fd);
  int ends = FD_KIND(entry) == FD_TCP && FD_CONN(entry) && ((int)g->rsi == 1 || (int)g->rsi == 2);
  if (ends && recording() && hs_outbox_shut(t, fd)) {
    if ((int)g->rsi == 2) result = SYS(HS_NR_shutdown, fd, 0); /* the receiving side, at once */
    hs_append(t, (u32)g->rax, (u32)g->rdi, result, hs_check(g, c, result), NULL, 0);
    if (result == 0) hs_outbox_note_shut(fd);
  } else {
    result = hs_regular(t, g, c);
  }
  if (result == 0 && ends) CONN(FD_CONN(entry))->shut |= 1;
  return result;
}

i64 hs_irr_setsockopt(struct thread *t, struct regs *g, const struct hs_call *c) {
  struct hs_record *r = hs_turn(t);
  if (!r) return hs_record_regular(t, g, c, 1);
  if (r->result == 0 && (fd_entry((int)g->rdi) & FD_INET)) hs_execute(g);
  return hs_replay_regular(t, g, c, r);
}
