/* passing.c: descriptors that travel between processes of the application: in messages
 * (SCM_RIGHTS) and by pidfd_getfd. What is sent gets a number, counted on both sides alike; the
 * primary finds out which of them has arrived and says so in an event; the backup keeps each one
 * in a socket of its own until then, and puts it at the recorded number.
 *
 * The rule: the primary holds nothing open that the program would have lost: it only compares. */
#include "calls.gen.h"
#include "connections.h"
#include "descriptors.h"
#include "outbox.h"
#include "regular.h"
#include "store.h"

#define MESSAGE_SPANS 6u /* of a message beside its vector; see visit_message */
#define FDS_MOST 256u    /* the kernel passes 253 at once */

/* Primary: a descriptor that was sent and has not arrived yet. */
struct hs_passed {
  u64 id, device, inode;
  u32 entry, pid;
  int fd;
  u32 access;
};
struct hs_passing {
  volatile u64 sent, oldest;
};
#define PASSING ((struct hs_passing *)(HS_SESSION_BASE + HS_PASSED_OFFSET))
#define PASSED(id) ((struct hs_passed *)(PASSING + 4) + ((id) & (HS_MAX_PASSED - 1)))

struct control {
  u64 bytes;
  int level, type, fds[];
};

/* Calls `each` for every descriptor in the message's control data. */
typedef void each_fd(void *state, int fd);
static void each_passed(const struct msghdr64 *m, int received, each_fd *each, void *state) {
  u64 at = m->control, end = m->control + m->control_bytes;
  if (!m->control) return;
  while (at + sizeof(struct control) <= end) {
    const struct control *c = (const struct control *)at;
    if (c->bytes < sizeof *c || at + c->bytes > end) return;
    int made = c->type == 1 /* SCM_RIGHTS */ || (received && c->type == 4 /* SCM_PIDFD */);
    if (c->level == 1 && made)
      for (u64 i = 0; i < (c->bytes - sizeof *c) / 4; i++) each(state, c->fds[i]);
    at += (c->bytes + 7) & ~7ul;
  }
}

static u64 messages(const struct regs *g, i64 result) {
  if (result < 0) return 0;
  return g->rax == HS_NR_sendmmsg || g->rax == HS_NR_recvmmsg ? (u64)result : 1;
}
static const struct msghdr64 *message(const struct regs *g, u64 i) {
  return (const struct msghdr64 *)(g->rsi + i * 64);
}

/* As many messages as one record describes: fewer than asked for is what the kernel may do too. */
static void cap_messages(struct regs *g) {
  u64 spans = 0, n = 0;
  u32 ok = 1;
  if (g->rax != HS_NR_sendmmsg && g->rax != HS_NR_recvmmsg) return;
  if (g->rdx > HS_MAX_MESSAGES) g->rdx = HS_MAX_MESSAGES;
  for (; n < g->rdx && ok; n++) {
    spans += MESSAGE_SPANS + hs_peek((g->rsi + n * 64 + 24) & ~7ul, &ok);
    if (spans > HS_MAX_SPANS && n) break;
  }
  if (ok) g->rdx = n;
}

/* ---- sending ---- */

struct arrived {
  u64 id; /* 0: from outside of the application */
  u32 entry, flags;
};
struct arrivals {
  u32 count;
  int fds[FDS_MOST];
  struct arrived each[FDS_MOST];
};

static void note_arrival(void *state, int fd) {
  struct arrivals *a = state;
  if (a->count < FDS_MOST) a->fds[a->count++] = fd;
}

static void note_sent(void *state, int fd) {
  struct thread *t = state;
  u64 id = PASSING->sent + 1;
  u32 entry = fd_entry(fd);
  PASSING->sent = id;
  if (FD_KIND(entry) == FD_TCP && FD_CONN(entry)) {
    CONN(FD_CONN(entry))->descriptors++;
    hs_set_entry(fd, entry | FD_SHARED);
  }
  if (!recording()) {
    hs_store_put(id, fd);
    return;
  }
  u64 st[18];
  memset(st, 0, sizeof st);
  SYS(HS_NR_fstat, fd, st);
  *PASSED(id) = (struct hs_passed){id, st[0], st[1], entry | FD_SHARED, t->pid, fd,
                                   (u32)SYS(HS_NR_fcntl, fd, 3) & HS_O_ACCMODE};
  if (!PASSING->oldest || id - PASSING->oldest >= HS_MAX_PASSED) PASSING->oldest = id;
}

/* Several messages for one connection are one message after the other, which is legal: what a
 * connection sends and gets is counted call by call. */
static int is_many_of_tcp(const struct regs *g) {
  int many = g->rax == HS_NR_sendmmsg || g->rax == HS_NR_recvmmsg;
  return many && g->rdx && FD_KIND(fd_entry((int)g->rdi)) == FD_TCP;
}
static i64 first_of_many(struct thread *t, const struct regs *g, enum hs_policy policy) {
  struct regs one = *g;
  u32 ok;
  one.rax = policy == HS_OUTPUT ? HS_NR_sendmsg : HS_NR_recvmsg;
  one.rdx = g->r10 & ~0x10000ul; /* MSG_WAITFORONE */
  struct hs_call row = hs_calls[one.rax];
  row.policy = (u8)policy;
  if ((hs_peek((g->rsi + 56) & ~7ul, &ok), !ok)) return -HS_EFAULT;
  i64 n = hs_regular(t, &one, &row);
  if (n < 0) return n;
  *(u32 *)(g->rsi + 56) = (u32)n;
  return 1;
}

struct sought {
  const struct msghdr64 *message;
  struct arrivals *found;
};
static void seek_connections(void *state) {
  struct sought *s = state;
  each_passed(s->message, 0, note_arrival, s->found);
}

/* What is held for a connection leaves before another process may write to it. Returns how many
 * descriptors the message carries. */
static NOINLINE u32 prepare_passed(struct thread *t, const struct regs *g) {
  struct arrivals a;
  struct sought s = {message(g, 0), &a};
  a.count = 0;
  if (g->rax != HS_NR_sendmsg || hs_try(seek_connections, &s)) return 0; /* the call will fail */
  for (u32 i = 0; i < a.count && recording(); i++) {
    u32 entry = fd_entry(a.fds[i]);
    if (FD_KIND(entry) == FD_TCP && FD_CONN(entry)) hs_outbox_flush(t, CONN(FD_CONN(entry)));
  }
  return a.count;
}

/* A message with descriptors is sent with the baton held: its record must come before that of the
 * receiver, who may be waiting for it. Room for it is waited for before. */
static i64 send_in_turn(struct thread *t, struct regs *g, const struct hs_call *row) {
  u32 kept = fd_entry((int)g->rdi);
  int waits = !(kept & FD_NONBLOCK) && !(g->rdx & 0x40);
  i64 result;
  g->rdx |= 0x40; /* MSG_DONTWAIT */
  hs_set_entry((int)g->rdi, kept | FD_NONBLOCK);
  do {
    struct { int fd; short events, revents; } p = {(int)g->rdi, 4 /* POLLOUT */, 0};
    while (waits && recording() && !t->pending && !SYS(HS_NR_poll, &p, 1, 0)) {
      hs_baton_give();
      SYS(HS_NR_poll, &p, 1, 10);
      hs_baton_take();
    }
    result = hs_regular(t, g, row);
  } while (waits && result == -HS_EAGAIN && !t->signal_follows);
  hs_set_entry((int)g->rdi, kept);
  return waits && result == -HS_EAGAIN ? -HS_EINTR : result;
}

i64 hs_irr_send_message(struct thread *t, struct regs *g, const struct hs_call *c) {
  struct hs_call row = *c;
  struct regs call = *g;
  row.policy = HS_OUTPUT;
  if (is_many_of_tcp(g)) return first_of_many(t, g, HS_OUTPUT);
  cap_messages(&call);
  u32 passed = prepare_passed(t, &call);
  i64 result = passed ? send_in_turn(t, &call, &row) : hs_regular(t, &call, &row);
  for (u64 i = 0; i < messages(g, result); i++) each_passed(message(g, i), 0, note_sent, t);
  return result;
}

/* ---- receiving ---- */

/* Which of those on their way is it? The same open file, where the sender still holds it;
 * otherwise the first one sent of the same object. */
static struct hs_passed *identify(struct thread *t, int fd) {
  u64 st[18];
  struct hs_passed *first = NULL;
  u32 access = (u32)SYS(HS_NR_fcntl, fd, 3) & HS_O_ACCMODE;
  if (!PASSING->oldest || SYS(HS_NR_fstat, fd, st)) return NULL;
  for (u64 id = PASSING->oldest; id <= PASSING->sent; id++) {
    struct hs_passed *p = PASSED(id);
    if (p->id != id || p->device != st[0] || p->inode != st[1] || p->access != access) continue;
    if (!first) first = p;
    if (!SYS(HS_NR_kcmp, p->pid, t->pid, 0 /* KCMP_FILE */, p->fd, fd)) return p;
  }
  return first;
}

static void record_arrival(struct thread *t, int fd, int keep, struct arrived *a) {
  struct hs_passed *p = identify(t, fd);
  u64 st[18];
  memset(st, 0, sizeof st);
  if (!p) SYS(HS_NR_fstat, fd, st);
  u32 type = (u32)st[3] & 0170000;
  a->id = p ? p->id : 0;
  a->entry = p ? p->entry : type == 0140000 ? (u32)FD_SOCKET : (u32)FD_CARRIED;
  a->entry &= ~(FD_NONBLOCK | FD_CLONED);
  if (SYS(HS_NR_fcntl, fd, 3) & HS_O_NONBLOCK) a->entry |= FD_NONBLOCK;
  a->flags = (u32)SYS(HS_NR_fcntl, fd, 1);
  if (!p || keep) return;
  p->id = 0;
  while (PASSING->oldest <= PASSING->sent && PASSED(PASSING->oldest)->id != PASSING->oldest)
    PASSING->oldest++;
}

static void place_arrival(struct thread *t, struct hs_record *r, int fd, int keep,
                          const struct arrived *a) {
  i64 own = a->id ? hs_store_take(a->id, keep) : -1;
  if (own < 0 && FD_KIND(a->entry) == FD_CARRIED) own = hs_placeholder(0);
  if (own < 0) own = SYS(HS_NR_socket, 1, 1, 0, 0); /* something that can be waited for */
  SYS(HS_NR_fcntl, own, 2 /* F_SETFD */, a->flags);
  hs_place(t, r, own, fd);
}

static void receive(struct thread *t, struct arrivals *a, int keep) {
  struct hs_record *r = hs_turn(t);
  u64 bytes = a->count * sizeof *a->each;
  if (!r) {
    for (u32 i = 0; i < a->count; i++) record_arrival(t, a->fds[i], keep, &a->each[i]);
    hs_append_bytes(t, HS_EV_RECEIVED, a->count, 0, 0, a->each, bytes);
  } else {
    if ((r->method & HS_METHOD_ROW) != HS_EV_RECEIVED || HS_RECORD_LEN(r) != bytes)
      hs_diverge(t, r, hs_row_name(r->method & HS_METHOD_ROW), "descriptors in a message");
    memcpy(a->each, HS_RECORD_DATA(r), bytes);
    for (u32 i = 0; i < a->count; i++) place_arrival(t, r, a->fds[i], keep, &a->each[i]);
    hs_consume(t, r);
  }
  for (u32 i = 0; i < a->count; i++) {
    u32 entry = a->each[i].entry;
    hs_set_entry(a->fds[i], entry);
    if (keep && FD_KIND(entry) == FD_TCP && FD_CONN(entry)) CONN(FD_CONN(entry))->descriptors++;
  }
}

static NOINLINE void look_for_arrivals(struct thread *t, const struct regs *g, i64 result,
                                       int keep) {
  struct arrivals a;
  a.count = 0;
  for (u64 i = 0; i < messages(g, result); i++)
    each_passed(message(g, i), 1, note_arrival, &a);
  if (a.count) receive(t, &a, keep);
}

i64 hs_irr_receive_message(struct thread *t, struct regs *g, const struct hs_call *c) {
  struct hs_call row = *c;
  struct regs call = *g;
  row.policy = HS_INPUT;
  if (is_many_of_tcp(g)) return first_of_many(t, g, HS_INPUT);
  cap_messages(&call);
  u64 flags = call.rax == HS_NR_recvmmsg ? call.r10 : call.rdx;
  i64 result = hs_regular(t, &call, &row);
  if (result >= 0) look_for_arrivals(t, g, result, (flags & 2 /* MSG_PEEK */) != 0);
  return result;
}

/* Another process's descriptor: each side's own process has it at that number. */
i64 hs_irr_get_descriptor(struct thread *t, struct regs *g, const struct hs_call *c) {
  u32 pidfd = fd_entry((int)g->rdi), entry = 0;
  if (hs_is_hidden(g->rdi) || hs_is_hidden(g->rsi)) return -HS_EBADF;
  i64 fd = hs_both(t, g, c);
  if (fd < 0) return fd;
  if (FD_KIND(pidfd) == FD_PIDFD && pidfd >> 16 && (u32)g->rsi < HS_MAX_FD)
    entry = ((volatile u32 *)CHUNK(SLOT(pidfd >> 16)->fdChunk))[(u32)g->rsi];
  if (FD_KIND(entry) == FD_TCP && FD_CONN(entry)) CONN(FD_CONN(entry))->descriptors++;
  hs_set_entry(fd, entry ? entry | FD_SHARED : FD_CARRIED);
  return fd;
}
