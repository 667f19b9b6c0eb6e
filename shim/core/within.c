/* within.c: the application's TCP connections with itself (within.h).
 *
 * A connect counts its end from the start; the accept finds it by its addresses. On the backup each
 * end keeps what the other has not read. At go-live one process borrows the descriptors of all
 * others and makes both ends by TCP_REPAIR: the numbers are new, nobody else has seen the old.
 *
 * The rule: no end is sent anything before the other exists, or the kernel would reset it. */
#include "within.h"

#include "calls.gen.h"
#include "descriptors.h"
#include "outbox.h"
#include "regular.h"

/* More than a listener's kernel takes for a connection that nobody has accepted. */
#define UNACCEPTED_MOST (8ul << 20)
enum { SHUT_WRITING = 1 };

static int is_loopback(u32 address) { return (address & 0xff) == 127 || !address; }

/* The address a connect is for, when it is IPv4, mapped or not; 0xffffffff: another. */
static u32 address_of(const struct regs *g) {
  u32 ok[4] = {0, 0, 0, 0};
  u64 first = hs_peek(g->rsi, &ok[0]), second = hs_peek(g->rsi + 8, &ok[1]);
  if (!ok[0] || !ok[1] || (u32)g->rdx < 16) return ~0u;
  if ((u16)first == 2) return (u32)(first >> 32);
  if ((u16)first != 10 || (u32)g->rdx < 28 || second) return ~0u;
  u64 third = hs_peek(g->rsi + 16, &ok[2]);
  return ok[2] && (u32)third == 0xffff0000u ? (u32)(third >> 32) : ~0u;
}

/* ---- who belongs to whom ---- */

static int are_ends(const struct hs_tcp *a, const struct hs_tcp *b) {
  return a->laddr == b->raddr && a->raddr == b->laddr && a->lport == b->rport &&
         a->rport == b->lport;
}

/* The end that was dialled and waits for this one, or 0. */
static u32 dialled_end(const struct hs_tcp *accepted) {
  if (!HS_CONNS_DIALLED || !(is_loopback(accepted->raddr) || accepted->raddr == accepted->laddr))
    return 0;
  for (u32 i = 1; i <= HS_CONN_HIGHEST; i++) {
    const struct hs_conn *k = CONN(i);
    if (k->within && !k->peer && k->state == CONN_OPEN && are_ends(&k->tcp, accepted)) return i;
  }
  return 0;
}

int hs_within_expects(const struct hs_tcp *accepted) { return dialled_end(accepted) != 0; }

void hs_within_facts(struct hs_tcp *t) {
  t->iss1 = t->irs1 = 1;
  t->mss = 16384;
  t->snd_wscale = t->rcv_wscale = 7;
  t->options = HS_TCP_SACK | HS_TCP_WSCALE;
}

/* ---- connect ---- */

static void dialled(i64 fd, u32 index, const struct hs_tcp *tcp) {
  CONN(index)->tcp = *tcp;
  CONN(index)->within = HS_WITHIN;
  HS_CONNS_DIALLED++;
  FDS[fd] = (FDS[fd] & 0xff00u) | FD_TCP | index << 16;
}

/* Primary: it has its own address now, and its handshake may be over or not. */
static void note_dialled(struct thread *t, const struct regs *g) {
  struct hs_tcp tcp;
  i64 fd = (int)g->rdi;
  hs_tcp_name((int)fd, &tcp); /* of an unfinished one the first half */
  tcp.raddr = address_of(g) ? address_of(g) : tcp.laddr;
  memcpy(&tcp.rport, (const u8 *)g->rsi + 2, 2);
  hs_within_facts(&tcp);
  u32 index = hs_conn_new();
  hs_append_bytes(t, HS_EV_CONNECTION, (u32)fd, index, 0, &tcp, sizeof tcp);
  if (index) dialled(fd, index, &tcp);
}

static int is_near(const struct regs *g) {
  u32 address = address_of(g);
  if (hs_mode != HS_MODE_RECORD || address == ~0u) return 0;
  return is_loopback(address) || (hs_net_present() && address == HS_NET_SETTINGS->vip);
}

/* Primary: the end is recorded as soon as it has an address, before anybody can accept it, and only
 * then waited for: if the listener's queue is full, until there is room. */
static i64 connect_near(struct thread *t, struct regs *g, const struct hs_call *c, u32 entry) {
  i64 fd = (int)g->rdi, flags = SYS(HS_NR_fcntl, fd, 3 /* F_GETFL */);
  struct { int fd; short events, revents; } p = {(int)fd, 4 /* POLLOUT */, 0};
  struct before before;
  hs_before(g, c, &before);
  if (!(entry & FD_NONBLOCK)) SYS(HS_NR_fcntl, fd, 4 /* F_SETFL */, flags | HS_O_NONBLOCK);
  i64 result = hs_execute(g);
  if (!(entry & FD_NONBLOCK)) SYS(HS_NR_fcntl, fd, 4, flags);
  if (result == 0 || result == -HS_EINPROGRESS) note_dialled(t, g);
  if (result == -HS_EINPROGRESS && !(entry & FD_NONBLOCK))
    result = SYS(HS_NR_poll, &p, 1, 0) ? hs_execute(g) : hs_record_waiting(t, g, c, &before, 1);
  hs_append_call(t, g, c, result, &before);
  return result;
}

int hs_within_connect(struct thread *t, struct regs *g, const struct hs_call *c, i64 *result) {
  i64 fd = (int)g->rdi;
  u32 entry = fd_entry(fd);
  if (!(entry & FD_INET) || !(entry & FD_STREAM) || FD_KIND(entry) != FD_SOCKET) return 0;
  if (!(CTL->flags & HS_FLAG_TAKEOVER)) return 0;
  struct hs_record *r = recording() ? NULL : hs_next(t);
  if (r && (r->method & HS_METHOD_ROW) == HS_EV_CONNECTION) {
    struct hs_tcp tcp;
    u32 index = (u32)r->result;
    memcpy(&tcp, HS_RECORD_DATA(r), sizeof tcp);
    if (index) hs_conn_take(index);
    if (index) dialled(fd, index, &tcp);
    hs_consume(t, r);
  }
  *result = is_near(g) ? connect_near(t, g, c, entry) : hs_regular(t, g, c);
  u32 index = FD_CONN(fd_entry(fd));
  if (!index || !*result || *result == -HS_EINPROGRESS || *result == -HS_EINTR) return 1;
  HS_CONNS_DIALLED--; /* refused: another may be dialled with the same socket */
  hs_conn_free(index);
  hs_set_entry(fd, entry);
  return 1;
}

int hs_within_join(u32 index) {
  struct hs_conn *k = CONN(index);
  u32 other = dialled_end(&k->tcp);
  if (!other) return 0;
  k->within = HS_WITHIN;
  k->peer = other;
  CONN(other)->peer = index;
  HS_CONNS_DIALLED--;
  return 1;
}

int hs_within_closed(u32 index) {
  struct hs_conn *k = CONN(index);
  if (!k->within) return 0;
  k->state = CONN_ORPHAN; /* its other end may still have to read */
  if (!k->peer) HS_CONNS_DIALLED--;
  if (k->peer && CONN(k->peer)->state != CONN_ORPHAN) return 1;
  if (k->peer) hs_conn_free(k->peer);
  hs_conn_free(index);
  return 1;
}

void hs_within_read(struct hs_conn *k) {
  if (k->peer) hs_conn_drop(CONN(k->peer), k->read);
}

void hs_within_written(struct hs_conn *k) {
  if (k->within != HS_WITHIN || k->peer || k->end_at - k->first_at <= UNACCEPTED_MOST) return;
  k->within = HS_WITHIN_ABANDONED;
  hs_conn_drop(k, ~0ul);
}

/* ---- at go-live ---- */

/* Another process's descriptor under a number of ours; one's own as it is. */
static i64 borrow(const struct thread *t, u32 pid, i64 fd) {
  if (pid == t->pid) return fd;
  i64 process = SYS(HS_NR_pidfd_open, pid, 0);
  if (process < 0) return process;
  i64 own = SYS(HS_NR_pidfd_getfd, process, fd, 0);
  SYS(HS_NR_close, process);
  return own;
}
static void give_back(const struct thread *t, u32 pid, i64 fd) {
  if (fd >= 0 && pid != t->pid) SYS(HS_NR_close, fd);
}

struct end {
  struct hs_conn *k;
  i64 fd;
  u32 pid;
};

/* Calls `visit` for each descriptor of the application until it says 1. Of a process any slot will
 * do: all its threads have one table. */
static int each_descriptor(int (*visit)(u32 pid, i64 fd, u32 entry, void *), void *argument) {
  for (u32 i = 0; i < CTL->slots; i++) {
    const struct hs_slot *slot = SLOT(i);
    if (slot->state != 1 || slot->tid != slot->pid) continue;
    const volatile u32 *fds = (const volatile u32 *)CHUNK(slot->fdChunk);
    for (i64 fd = 0; fd < (i64)HS_MAX_FD; fd++)
      if (fds[fd] && visit(slot->pid, fd, fds[fd], argument)) return 1;
  }
  return 0;
}

static int is_end(u32 pid, i64 fd, u32 entry, void *argument) {
  struct end *end = argument;
  if (FD_KIND(entry) != FD_TCP || !FD_CONN(entry) || CONN(FD_CONN(entry)) != end->k) return 0;
  end->pid = pid;
  end->fd = fd;
  return 1;
}

/* A descriptor that names the end; of one that was closed, a socket of its own. */
static struct end find(struct thread *t, struct hs_conn *k) {
  struct end end = {k, -1, t->pid};
  if (k->state == CONN_ORPHAN)
    end.fd = SYS(HS_NR_socket, k->tcp.family, 1 | HS_O_CLOEXEC, 0);
  else if (each_descriptor(is_end, &end))
    end.fd = borrow(t, end.pid, end.fd);
  return end;
}

static void leave(const struct thread *t, const struct end *end) {
  if (end->k->state == CONN_ORPHAN && end->fd >= 0)
    SYS(HS_NR_close, end->fd);
  else
    give_back(t, end->pid, end->fd);
}

static i64 make(const struct end *end, u64 from) {
  struct hs_conn *k = end->k;
  int force = 64 << 20;
  if (end->fd < 0) return end->fd;
  SYS(HS_NR_setsockopt, end->fd, 1, 32 /* SO_SNDBUFFORCE */, &force, 4);
  long reuse = hs_tcp_restore((int)end->fd, &k->tcp, from, k->read, 65535, hs_now_ns(1));
  return reuse < 0 ? reuse : hs_tcp_leave_repair((int)end->fd, (int)reuse);
}

/* What the other end has not read, and that there is no more. */
static void go_on(const struct end *end, u64 from) {
  struct hs_conn *k = end->k;
  int unlocked = 0;
  int is_read = !k->peer || CONN(k->peer)->state != CONN_ORPHAN;
  while (is_read && from < k->written) {
    u64 run;
    const u8 *bytes = hs_conn_at(k, from, &run);
    if (!bytes) break;
    i64 n = SYS(HS_NR_sendto, end->fd, bytes, run, 0x4040 /* DONTWAIT | NOSIGNAL */, 0, 0);
    if (n <= 0) {
      hs_warn("a connection of the program with itself took only a part: error %d", -n);
      break;
    }
    from += (u64)n;
  }
  hs_conn_drop(k, ~0ul);
  SYS(HS_NR_setsockopt, end->fd, 1, 72 /* SO_BUF_LOCK */, &unlocked, 4);
  if (k->shut & SHUT_WRITING) SYS(HS_NR_shutdown, end->fd, 1 /* SHUT_WR */);
  k->restored = RESTORED_DONE;
}

static void restore_pair(struct thread *t, struct hs_conn *k) {
  struct end a = find(t, k), b = find(t, CONN(k->peer));
  i64 result = make(&a, b.k->read);
  if (result >= 0) result = make(&b, a.k->read);
  if (result >= 0) {
    go_on(&a, b.k->read);
    go_on(&b, a.k->read);
    CTL->connsRestored += 2;
  } else { /* each process will see to its own end: both are as if reset */
    hs_warn("a connection of the program with itself could not be made again: error %d", -result);
    CTL->connsLost += 2;
  }
  leave(t, &a);
  leave(t, &b);
}

struct search {
  struct thread *t;
  const struct hs_tcp *dialled;
};

static int is_its_listener(u32 pid, i64 fd, u32 entry, void *argument) {
  const struct search *search = argument;
  struct { u16 family, port; u8 rest[24]; } name = {0, 0, {0}};
  u32 bytes = sizeof name;
  if (FD_KIND(entry) != FD_LISTENER) return 0;
  i64 own = borrow(search->t, pid, fd);
  i64 result = SYS(HS_NR_getsockname, own, &name, &bytes);
  give_back(search->t, pid, own);
  return result == 0 && name.port == search->dialled->rport;
}

/* Nobody of ours has accepted it: it is dialled once more, and waits in the listener's queue. One
 * with a program that is none of ours has ended with the primary's host. */
static void dial_again(struct thread *t, struct hs_conn *k) {
  struct end end = find(t, k);
  struct search search = {t, &k->tcp};
  k->restored = RESTORED_DONE;
  if (k->within != HS_WITHIN_ABANDONED && each_descriptor(is_its_listener, &search)) {
    i64 flags = SYS(HS_NR_fcntl, end.fd, 3 /* F_GETFL */);
    SYS(HS_NR_fcntl, end.fd, 4 /* F_SETFL */, flags | HS_O_NONBLOCK);
    i64 result = hs_tcp_dial((int)end.fd, &k->tcp);
    SYS(HS_NR_fcntl, end.fd, 4, flags);
    if (result == 0 || result == -HS_EINPROGRESS) go_on(&end, 0);
  } else {
    hs_conn_drop(k, ~0ul);
    hs_tcp_dead((int)end.fd, (int)HIDDEN(HID_RAW));
  }
  leave(t, &end);
}

static int listen_again(u32 pid, i64 fd, u32 entry, void *argument) {
  struct thread *t = argument;
  if (FD_KIND(entry) != FD_LISTENER) return 0;
  i64 own = borrow(t, pid, fd);
  SYS(HS_NR_listen, own, entry >> 16);
  give_back(t, pid, own);
  return 0;
}

void hs_within_restore(struct thread *t) {
  int listening = 0;
  for (u32 i = 1; i <= HS_CONN_HIGHEST; i++) {
    struct hs_conn *k = CONN(i);
    int is_here = k->state == CONN_OPEN || k->state == CONN_ORPHAN;
    if (!k->within || !is_here || k->restored) continue;
    /* a port that a connection holds cannot be listened on any more: everybody's first */
    if (!listening++) each_descriptor(listen_again, t);
    if (k->peer)
      restore_pair(t, k);
    else
      dial_again(t, k);
  }
}
