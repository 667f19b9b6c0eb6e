/* datagrams.c: output commit for datagrams, and the names of their sockets (datagrams.h). Each one
 * is copied, with its address and control data, into a ring of the process; a mark of the outbox
 * says when it may leave, and the releaser sends it.
 *
 * The rule: what the kernel would refuse is refused at once: a probe asks it, and sends nothing. */
#include "datagrams.h"

#include "calls.gen.h"
#include "connections.h"
#include "descriptors.h"
#include "outbox.h"
#include "regular.h"

#define KEPT_BASE 0x2c8000000000ul
#define KEPT_BYTES 0x800000ul
#define LONGEST 65507u /* the most an IPv4 datagram carries */
enum { PROBE = 0x10, DONTWAIT = 0x40, NOSIGNAL = 0x4000 };

struct kept {
  u64 next; /* position behind it */
  int fd;
  u32 flags, name_bytes, control_bytes, bytes, pad;
  u8 data[]; /* name, control (aligned), bytes */
};
static volatile u64 kept_head, kept_tail; /* the program's thread; the releaser */
static struct kept *kept_at(u64 position) {
  return (struct kept *)(KEPT_BASE + position % KEPT_BYTES);
}
static u64 aligned(u64 bytes) { return (bytes + 7) & ~7ul; }

/* ---- the releaser ---- */

static void send_one(struct kept *k) {
  struct iovec64 part = {(u64)k->data + aligned(k->name_bytes) + aligned(k->control_bytes),
                         k->bytes};
  struct msghdr64 m;
  memset(&m, 0, sizeof m);
  m.name = k->name_bytes ? (u64)k->data : 0;
  m.name_bytes = k->name_bytes;
  m.control = k->control_bytes ? (u64)k->data + aligned(k->name_bytes) : 0;
  m.control_bytes = k->control_bytes;
  m.iov = (u64)&part;
  m.iov_count = 1;
  /* again after an error, which may be of the one before; a socket that stays full loses it */
  for (int i = 0; i < 3; i++) {
    i64 n = SYS(HS_NR_sendmsg, k->fd, &m, k->flags | DONTWAIT | NOSIGNAL);
    if (n >= 0) return;
    struct { int fd; short events, revents; } p = {k->fd, 4 /* POLLOUT */, 0};
    if (n == -HS_EAGAIN) SYS(HS_NR_poll, &p, 1, 10);
  }
}

void hs_datagrams_leave(u64 position) {
  while (kept_tail < position) {
    struct kept *k = kept_at(kept_tail);
    if (k->next) send_one(k);
    u64 next = k->next ? k->next : kept_tail + KEPT_BYTES - kept_tail % KEPT_BYTES;
    __atomic_store_n(&kept_tail, next, __ATOMIC_RELEASE); /* its place may be used again */
  }
}

/* ---- the program's side; the baton is held ---- */

static void wait_a_little(void) {
  u64 nap[2] = {0, 100000};
  hs_wake_consumer();
  hs_baton_give();
  SYS(HS_NR_nanosleep, nap, 0);
  hs_baton_take();
}

static int are_kept(void) { return kept_head != __atomic_load_n(&kept_tail, __ATOMIC_ACQUIRE); }

/* A place for `bytes`; one that would lie across the end starts at the beginning. */
static struct kept *place(u64 bytes) {
  static u64 mapped;
  if (mapped != hs_process.pid) { /* a forked child starts with none */
    i64 r = SYS(HS_NR_mmap, KEPT_BASE, KEPT_BYTES, 3,
                HS_MAP_PRIVATE | HS_MAP_ANON | HS_MAP_FIXED, -1, 0);
    if (r != (i64)KEPT_BASE) hs_die("no memory for datagrams");
    kept_head = kept_tail = 0;
    mapped = hs_process.pid;
  }
  u64 left = KEPT_BYTES - kept_head % KEPT_BYTES, skipped = left < bytes ? left : 0;
  while (kept_head + skipped + bytes - __atomic_load_n(&kept_tail, __ATOMIC_ACQUIRE) > KEPT_BYTES)
    wait_a_little();
  if (skipped) {
    kept_at(kept_head)->next = 0;
    kept_head += skipped;
  }
  return kept_at(kept_head);
}

int hs_datagram_wanted(const struct regs *g) {
  if (hs_mode != HS_MODE_RECORD || !(CTL->flags & HS_FLAG_TAKEOVER)) return 0;
  if (self()->vfork_child) return 0; /* its numbers are not those of the releaser */
  if (CTL->commit == HS_COMMIT_ASYNC || FD_KIND(fd_entry((int)g->rdi)) != FD_UDP) return 0;
  switch (g->rax) {
    case HS_NR_write: case HS_NR_writev: case HS_NR_sendto:
    case HS_NR_sendmsg: case HS_NR_sendmmsg: break;
    default: return 0;
  }
  return (CTL->flags & HS_FLAG_PROTECTED) || are_kept();
}

struct keeping {
  const struct msghdr64 *m;
  struct kept *to;
};
static void keep(void *state) {
  struct keeping *s = state;
  u8 *at = s->to->data;
  const struct iovec64 *iov = (const struct iovec64 *)s->m->iov;
  memcpy(at, (const void *)s->m->name, s->to->name_bytes);
  at += aligned(s->to->name_bytes);
  memcpy(at, (const void *)s->m->control, s->to->control_bytes);
  at += aligned(s->to->control_bytes);
  for (u64 i = 0; i < s->m->iov_count; at += iov[i++].bytes)
    memcpy(at, (const void *)iov[i].base, iov[i].bytes);
}

/* The number of bytes, as if they had been sent; or what the kernel says to it. */
static i64 take(int fd, const struct msghdr64 *m, u32 flags) {
  u32 error = 0, length = 4;
  i64 n = SYS(HS_NR_sendmsg, fd, m, flags | PROBE | DONTWAIT | NOSIGNAL);
  if (n < 0) return n;
  SYS(HS_NR_getsockopt, fd, 1, 4 /* SO_ERROR */, &error, &length);
  if (error) return -(i64)error;
  u64 name = m->name ? m->name_bytes : 0, control = m->control ? m->control_bytes : 0;
  if (n > LONGEST || name > 128 || control > PAGE) return -90; /* EMSGSIZE */
  u64 bytes = sizeof(struct kept) + aligned(name) + aligned(control) + aligned((u64)n);
  struct kept *k = place(bytes);
  *k = (struct kept){kept_head + bytes, fd, flags, (u32)name, (u32)control, (u32)n, 0};
  struct keeping state = {m, k};
  if (hs_try(keep, &state)) return -HS_EFAULT;
  kept_head += bytes;
  return n;
}

static i64 take_many(const struct regs *g) {
  i64 n = 0, done = 0;
  for (; (u64)done < g->rdx; done++) {
    struct msghdr64 *m = (struct msghdr64 *)(g->rsi + (u64)done * 64);
    n = take((int)g->rdi, m, (u32)g->r10);
    if (n < 0) break;
    *(u32 *)((u64)m + 56) = (u32)n;
  }
  return done ? done : n;
}

static i64 take_one(const struct regs *g) {
  struct iovec64 part = {g->rsi, g->rdx};
  struct msghdr64 m;
  if (g->rax == HS_NR_sendmsg) return take((int)g->rdi, (const struct msghdr64 *)g->rsi,
                                           (u32)g->rdx);
  memset(&m, 0, sizeof m);
  m.iov = g->rax == HS_NR_writev ? g->rsi : (u64)&part;
  m.iov_count = g->rax == HS_NR_writev ? g->rdx : 1;
  if (g->rax == HS_NR_sendto) m.name = g->r8, m.name_bytes = (u32)g->r9;
  return take((int)g->rdi, &m, g->rax == HS_NR_sendto ? (u32)g->r10 : 0);
}

i64 hs_datagram_call(struct thread *t, struct regs *g, const struct hs_call *c,
                     const struct before *b) {
  u64 before = kept_head;
  i64 result = g->rax == HS_NR_sendmmsg ? take_many(g) : take_one(g);
  hs_append_call(t, g, c, result, b);
  if (kept_head == before) return result;
  CTL->outputBytes += kept_head - before;
  hs_outbox_mark(0, MARK_DATAGRAM, kept_head);
  return result;
}

void hs_datagrams_flush(i64 fd) {
  if (hs_mode != HS_MODE_RECORD || FD_KIND(fd_entry(fd)) != FD_UDP) return;
  for (u32 i = 0; i < 50000 && are_kept(); i++) wait_a_little();
}

/* ---- names ---- */

struct named {
  u32 bytes, peer_bytes;
  u8 address[28], peer[28];
};

/* On the primary: what the socket is called now. */
static void record_name(struct thread *t, i64 fd, u64 peer, u64 peer_bytes) {
  struct named n;
  memset(&n, 0, sizeof n);
  n.bytes = sizeof n.address;
  if (SYS(HS_NR_getsockname, fd, n.address, &n.bytes)) n.bytes = 0;
  n.peer_bytes = peer_bytes < sizeof n.peer ? (u32)peer_bytes : (u32)sizeof n.peer;
  memcpy(n.peer, (const void *)peer, n.peer_bytes);
  hs_append_bytes(t, HS_EV_NAMED, (u32)fd, 0, 0, &n, sizeof n);
}

/* An address of the primary's own host is not here: then only the port is the same. */
static void follow_name(struct thread *t, i64 fd, struct hs_record *r) {
  struct named n;
  int one = 1;
  if ((r->method & HS_METHOD_ROW) != HS_EV_NAMED || HS_RECORD_LEN(r) != sizeof n)
    hs_diverge(t, r, hs_row_name(r->method & HS_METHOD_ROW), "name of a socket");
  memcpy(&n, HS_RECORD_DATA(r), sizeof n);
  if (CTL->flags & HS_FLAG_TAKEOVER) {
    u32 vip = hs_net_present() ? HS_NET_SETTINGS->vip : 0;
    u8 *local = n.address + (n.address[0] == 2 ? 4 : 20);
    if (n.peer_bytes && memcmp(local, &vip, 4) && local[0] != 127)
      memset(n.address + (n.address[0] == 2 ? 4 : 8), 0, n.address[0] == 2 ? 4 : 16);
    SYS(HS_NR_setsockopt, fd, 0, 15 /* IP_FREEBIND */, &one, 4);
    i64 error = SYS(HS_NR_bind, fd, n.address, n.bytes);
    if (error == -HS_EINVAL) error = 0; /* it has one */
    if (n.peer_bytes) error = SYS(HS_NR_connect, fd, n.peer, n.peer_bytes);
    if (error) hs_warn("a socket of datagrams cannot be called the same here: error %d", -error);
  }
  hs_consume(t, r);
}

void hs_datagram_bind(struct thread *t, i64 fd) {
  u32 entry = fd_entry(fd);
  struct hs_record *r = hs_turn(t);
  if (r) {
    follow_name(t, fd, r);
  } else {
    u8 any[28];
    memset(any, 0, sizeof any);
    any[0] = entry & FD_V6 ? 10 : 2;
    SYS(HS_NR_bind, fd, any, entry & FD_V6 ? 28 : 16); /* EINVAL: it has a name */
    record_name(t, fd, 0, 0);
  }
  hs_set_entry(fd, entry | FD_NAMED);
}

void hs_datagram_connected(struct thread *t, i64 fd, u64 peer, u64 peer_bytes) {
  struct hs_record *r = hs_turn(t);
  if (r)
    follow_name(t, fd, r);
  else
    record_name(t, fd, peer, peer_bytes);
  hs_set_entry(fd, fd_entry(fd) | FD_NAMED);
}

void hs_datagrams_discard(i64 fd) {
  u8 byte;
  for (u32 i = 0; i < 100000; i++)
    if (SYS(HS_NR_recvfrom, fd, &byte, 1, DONTWAIT | 0x20 /* TRUNC */, 0, 0) < 0) return;
}
