/* sockets.c: the calls about sockets. On the backup a socket is a real one without a peer; go-live
 * turns it into the connection (repair.c).
 *
 * The rule: what the kernel chose on the primary, such as a port, is in the record. */
#include "calls.gen.h"
#include "connections.h"
#include "datagrams.h"
#include "descriptors.h"
#include "dialled.h"
#include "local.h"
#include "outbox.h"
#include "queued.h"
#include "regular.h"
#include "within.h"

static u32 socket_entry(u64 domain, u64 type) {
  u32 entry = FD_SOCKET;
  if (domain == 2 || domain == 10) entry |= FD_INET;
  if (domain == 10) entry |= FD_V6;
  if ((type & 15) == 1) entry |= FD_STREAM;
  if (!(entry & FD_STREAM) && (entry & FD_INET)) entry = (entry & ~0xffu) | FD_UDP;
  if (FD_KIND(entry) == FD_UDP && (type & 15) != 2) entry |= FD_NAMED; /* raw: no port */
  if (domain == 1) entry = (entry & ~0xffu) | FD_UNIX;
  if (domain == 1 && (type & 15) == 2) entry |= FD_LOCAL_DATAGRAM;
  if (type & HS_O_NONBLOCK) entry |= FD_NONBLOCK;
  return entry;
}

/* Families of which the backup makes sockets too: Unix, IPv4, IPv6, netlink. */
static int is_followed(u64 domain) {
  return domain == 1 || domain == 2 || domain == 10 || domain == 16;
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
      i64 own = is_followed(g->rdi) ? hs_execute(g) : -1;
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
  u32 ok, room = g->rdx ? (u32)hs_peek(g->rdx, &ok) : 0;
  i64 fd;
  if (r) {
    fd = r->result;
    if (fd >= 0) hs_must_be(t, r, stand_in((int)g->rdi, listener, flags));
    hs_replay_regular(t, g, c, r);
  } else if (hs_mode == HS_MODE_RECORD && FD_KIND(listener) == FD_UNIX) {
    fd = hs_local_accept(t, g, c);
  } else {
    fd = hs_record_regular(t, g, c, recording() ? 1 : hs_live_with_baton(t));
  }
  if (fd < 0) return fd;
  u32 entry = listener & (FD_INET | FD_V6 | FD_STREAM);
  if (flags & HS_O_NONBLOCK) entry |= FD_NONBLOCK;
  entry |= FD_KIND(listener) == FD_UNIX ? FD_UNIX : (listener & FD_STREAM) ? FD_TCP : FD_SOCKET;
  hs_set_entry(fd, entry);
  if (FD_KIND(entry) == FD_TCP) hs_conn_accepted(t, fd);
  if (FD_KIND(entry) == FD_TCP && hs_mode == HS_MODE_LIVE) hs_queued_accepted(g, room, fd);
  if (FD_KIND(entry) == FD_UNIX) hs_local_accepted(t, (int)g->rdi, fd);
  return fd;
}

i64 hs_irr_connect(struct thread *t, struct regs *g, const struct hs_call *c) {
  if (FD_KIND(fd_entry((int)g->rdi)) == FD_UNIX) return hs_local_connect(t, g, c);
  if (recording()) hs_datagrams_flush((int)g->rdi);
  i64 result = 0;
  hs_dial_prepare(t, g);
  if (!hs_within_connect(t, g, c, &result)) result = hs_regular(t, g, c);
  u32 entry = fd_entry((int)g->rdi);
  if (result == 0 && FD_KIND(entry) == FD_UDP)
    hs_datagram_connected(t, (int)g->rdi, g->rsi, g->rdx);
  if ((result == 0 || result == -HS_EINPROGRESS) && (entry & FD_INET) && (entry & FD_STREAM))
    hs_set_entry((int)g->rdi, (entry & ~0xffu) | FD_TCP);
  hs_dialled(t, g, result);
  return result;
}

/* A port the kernel chose is part of the record: the backup binds to the same one. */
struct bound {
  u32 bytes, pad;
  u8 address[28];
};

i64 hs_irr_bind(struct thread *t, struct regs *g, const struct hs_call *c) {
  if (FD_KIND(fd_entry((int)g->rdi)) == FD_UNIX) return hs_local_bind(t, g, c);
  struct hs_record *r = hs_turn(t);
  u32 entry = fd_entry((int)g->rdi);
  struct bound bound;
  memset(&bound, 0, sizeof bound);
  if (!r) {
    i64 result = hs_execute(g);
    bound.bytes = sizeof bound.address;
    if (result == 0 && ((entry & FD_INET) || FD_KIND(entry) == FD_SOCKET))
      SYS(HS_NR_getsockname, (int)g->rdi, bound.address, &bound.bytes);
    hs_append_bytes(t, (u32)g->rax, (u32)g->rdi, result, hs_check(g, c, result), &bound,
                    sizeof bound);
    if (result == 0) hs_set_entry((int)g->rdi, entry | FD_NAMED);
    return result;
  }
  i64 result = r->result;
  hs_match(t, g, r, hs_check(g, c, result));
  memcpy(&bound, HS_RECORD_DATA(r), sizeof bound);
  int is_netlink = FD_KIND(entry) == FD_SOCKET && bound.address[0] == 16;
  if (result == 0 && ((entry & FD_INET) || is_netlink) && (CTL->flags & HS_FLAG_TAKEOVER)) {
    int one = 1;
    SYS(HS_NR_setsockopt, (int)g->rdi, 1, 2 /* SO_REUSEADDR */, &one, 4);
    SYS(HS_NR_setsockopt, (int)g->rdi, 0, 15 /* IP_FREEBIND */, &one, 4);
    i64 own = SYS(HS_NR_bind, (int)g->rdi, bound.address, bound.bytes);
    if (own) hs_warn("the address the primary serves cannot be bound here: error %d", -own);
  }
  if (result == 0) hs_set_entry((int)g->rdi, entry | FD_NAMED);
  hs_consume(t, r);
  return result;
}

i64 hs_irr_listen(struct thread *t, struct regs *g, const struct hs_call *c) {
  i64 result = hs_regular(t, g, c);
  u32 entry = fd_entry((int)g->rdi);
  u32 backlog = (int)g->rsi > 0xffff ? 0xffffu : (u32)(int)g->rsi & 0xffffu;
  if (result == 0 && FD_KIND(entry) == FD_SOCKET)
    hs_set_entry((int)g->rdi, (entry & 0xff00u) | FD_LISTENER | backlog << 16);
  if (result == 0 && FD_KIND(entry) == FD_UNIX && hs_mode == HS_MODE_REPLAY &&
      (CTL->flags & HS_FLAG_TAKEOVER))
    SYS(HS_NR_listen, (int)g->rdi, (int)g->rsi);
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
    int was_pair = FD_KIND(entry) == FD_PAIR && hs_mode == HS_MODE_REPLAY;
    result = hs_regular(t, g, c);
    if (result == 0 && was_pair && hs_mode == HS_MODE_REPLAY) hs_execute(g);
  }
  if (result == 0 && ends) CONN(FD_CONN(entry))->shut |= 1;
  return result;
}

/* Options that name a multicast group and the interface it is joined on, or one to send on. */
static const struct { int level, first, last; } multicast[] = {
    {0, 32, 32} /* IP_MULTICAST_IF */, {0, 35, 36} /* IP_ADD_MEMBERSHIP, DROP */,
    {0, 42, 42} /* MCAST_JOIN_GROUP */, {0, 45, 45} /* LEAVE */, {41, 17, 17} /* IPv6 */,
    {41, 20, 21}, {41, 42, 42}, {41, 45, 45}};
static int is_multicast(const struct regs *g) {
  for (u64 i = 0; i < sizeof multicast / sizeof *multicast; i++)
    if ((int)g->rsi == multicast[i].level && (int)g->rdx >= multicast[i].first &&
        (int)g->rdx <= multicast[i].last)
      return 1;
  return 0;
}

/* Backup: whatever interface the primary's program named, here it is the service's. */
static void follow_multicast(const struct regs *g) {
  u8 value[136] = {0};
  u32 device = HS_NET_SETTINGS->device, at = 0;
  struct regs call = *g;
  memcpy(value, (const void *)g->r10, g->r8 < sizeof value ? g->r8 : sizeof value);
  if ((int)g->rsi == 0 && (int)g->rdx < 42) { /* all the same as struct ip_mreqn */
    at = 8;
    memset(value + ((int)g->rdx == 32 && g->r8 == 4 ? 0 : 4), 0, 8);
    call.r8 = 12;
  } else if ((int)g->rdx == 20 || (int)g->rdx == 21) {
    at = 16;
  }
  memcpy(value + at, &device, 4);
  call.r10 = (u64)value;
  i64 error = hs_execute(&call);
  if (error) hs_warn("a multicast group cannot be joined or left here: error %d", -error);
}

static int has_options(u32 entry) {
  return (entry & FD_INET) || FD_KIND(entry) == FD_UNIX || FD_KIND(entry) == FD_PAIR;
}

i64 hs_irr_setsockopt(struct thread *t, struct regs *g, const struct hs_call *c) {
  struct hs_record *r = hs_turn(t);
  hs_datagrams_flush((int)g->rdi);
  if (!r) return hs_record_regular(t, g, c, 1);
  if (r->result == 0 && hs_net_present() && is_multicast(g))
    follow_multicast(g);
  else if (r->result == 0 && has_options(fd_entry((int)g->rdi)))
    hs_execute(g);
  return hs_replay_regular(t, g, c, r);
}
