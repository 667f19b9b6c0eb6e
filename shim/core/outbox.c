/* outbox.c: output commit (outbox.h). The program's bytes are kept per connection; a queue of
 * marks says which bytes may leave at which point of the record stream; the releaser, a thread of
 * the shim's own, sends them when the watermark `released` passes the mark. Marks of reads raise
 * the ACK limit of the connection in the same way.
 *
 * The rule: bytes of one connection leave in order and once, whoever sends them (k->lock). */
#include "outbox.h"

#include "calls.gen.h"
#include "connections.h"
#include "datagrams.h"
#include "given.h"
#include "regular.h"
#include "signals.h"
#include "slots.h"

#define MARKS 0x20000u
#define KEPT_MOST (4ul << 20) /* per connection, before the program is told to wait */
#define MARKS_BASE 0x2c0000000000ul
#define STUCK_MOST 1024
/* A process that ends waits so long for a client that takes nothing. Without us its kernel would
 * keep the bytes; ours are gone with the thread that sends them. */
#define CLIENT_PATIENCE_NS 30000000000ul

struct mark {
  u64 at;       /* position of the record stream */
  u64 position; /* of the connection's stream; MARK_CLOSE: descriptor to close */
  u32 conn, kind;
};
/* Marks before `done` are carried out; those between it and the tail are being carried out. */
static volatile u64 marks_head, marks_tail, marks_done;
static volatile u64 bytes_left; /* bytes that have left, of all connections */
static struct mark *mark_at(u64 i) { return (struct mark *)MARKS_BASE + (i & (MARKS - 1)); }

static void lock(struct hs_conn *k) {
  for (u32 free = 0; !__atomic_compare_exchange_n(&k->lock, &free, 1, 0, __ATOMIC_ACQUIRE,
                                                  __ATOMIC_RELAXED);
       free = 0)
    SYS(HS_NR_sched_yield);
}
static void unlock(struct hs_conn *k) { __atomic_store_n(&k->lock, 0, __ATOMIC_RELEASE); }

/* ---- sending ---- */

/* Sends what may leave. 1: all of it has left; 0: the socket is full. */
static int send_kept(struct hs_conn *k) {
  int done = 1;
  lock(k);
  while (k->sent < k->sendable) {
    u64 run;
    const u8 *bytes = hs_conn_at(k, k->sent, &run);
    if (!bytes) break;
    if (run > k->sendable - k->sent) run = k->sendable - k->sent;
    i64 n = SYS(HS_NR_sendto, k->fd, bytes, run, 0x4040 /* DONTWAIT | NOSIGNAL */, 0, 0);
    if (n == -HS_EAGAIN) {
      done = 0;
      break;
    }
    if (n < 0) { /* the client is gone: the program hears of it at its next write */
      k->error = (u32)-n;
      n = (i64)(k->sendable - k->sent);
    }
    k->sent += (u64)n;
    bytes_left += (u64)n;
    hs_conn_drop(k, k->sent);
  }
  unlock(k);
  return done;
}

void hs_outbox_allow(struct hs_conn *k, u32 flag) {
  if (k->net_slot != HS_NO_SLOT && hs_net_present())
    __atomic_fetch_or(&HS_NET_SLOT(k->net_slot)->flags, flag, __ATOMIC_SEQ_CST);
}

/* What the program asked for after its last byte, which has left now. */
static void finish(struct hs_conn *k, u32 index) {
  if (k->ending & ENDING_SHUT) {
    hs_outbox_allow(k, HS_NET_SHUT_OK);
    SYS(HS_NR_shutdown, k->fd, 1 /* SHUT_WR */);
  }
  if (k->ending & ENDING_CLOSE) {
    hs_outbox_allow(k, HS_NET_FIN_OK);
    SYS(HS_NR_close, k->fd);
    hs_conn_free(index);
  }
  k->ending = 0;
}

static int in_use(const struct hs_conn *k) {
  return k->state == CONN_OPEN || k->state == CONN_LEAVING;
}
static void raise_limit(struct hs_conn *k, u32 limit) {
  if (!in_use(k) || k->net_slot == HS_NO_SLOT) return;
  struct hs_net_slot *slot = HS_NET_SLOT(k->net_slot);
  if ((int)(limit - slot->limit) <= 0) return;
  if (!hs_tcp_raise(slot, limit)) return;
  hs_tcp_push((int)HIDDEN(HID_RAW), &k->tcp, slot);
  /* the kernel has acknowledged at least what was read: not all of that has left yet */
  if ((int)(k->tcp.irs1 + (u32)k->read - limit) > 0)
    __atomic_fetch_or(&slot->flags, HS_NET_CLAMPED, __ATOMIC_SEQ_CST);
}

static u32 stuck[STUCK_MOST];
static u32 stuck_count;
static void note_stuck(u32 index) {
  for (u32 i = 0; i < stuck_count; i++)
    if (stuck[i] == index) return;
  if (stuck_count < STUCK_MOST) stuck[stuck_count++] = index;
}
static int is_stuck(u32 index) {
  for (u32 i = 0; i < stuck_count; i++)
    if (stuck[i] == index) return 1;
  return 0;
}

/* Applies every mark that `released` has passed; sends each connection once per round. */
static void apply_marks(void) {
  static u32 round[4096];
  u32 n = 0;
  u64 released = __atomic_load_n(&CTL->released, __ATOMIC_ACQUIRE);
  while (marks_tail != __atomic_load_n(&marks_head, __ATOMIC_ACQUIRE) && n < 4096) {
    struct mark m = *mark_at(marks_tail);
    if (m.at > released) break;
    struct hs_conn *k = CONN(m.conn);
    if (m.kind == MARK_SEND) {
      int fresh = k->sendable == k->sent;
      k->sendable = m.position;
      if (fresh) round[n++] = m.conn;
    } else if (m.kind == MARK_READ) {
      raise_limit(k, (u32)m.position);
    } else if (m.kind == MARK_GONE) { /* its process was killed: the kernel repeats the FIN */
      hs_outbox_allow(k, HS_NET_FIN_OK);
      hs_conn_free(m.conn);
    } else if (m.kind == MARK_DATAGRAM) {
      hs_datagrams_leave(m.position);
    } else {
      k->ending |= m.kind == MARK_SHUT ? ENDING_SHUT : ENDING_CLOSE;
      if (send_kept(k))
        finish(k, m.conn);
      else
        note_stuck(m.conn);
    }
    __atomic_store_n(&marks_tail, marks_tail + 1, __ATOMIC_RELEASE);
  }
  for (u32 i = 0; i < n; i++)
    if (!is_stuck(round[i]) && in_use(CONN(round[i])) && !send_kept(CONN(round[i])))
      note_stuck(round[i]);
  __atomic_store_n(&marks_done, marks_tail, __ATOMIC_RELEASE); /* after what they caused */
}

static void serve_stuck(void) {
  struct { int fd; short events, revents; } p[64];
  u32 n = stuck_count < 64 ? stuck_count : 64;
  for (u32 i = 0; i < n; i++) {
    p[i].fd = (int)CONN(stuck[i])->fd;
    p[i].events = 4;
    p[i].revents = 0;
  }
  SYS(HS_NR_poll, p, n, 1);
  for (u32 i = stuck_count; i-- > 0;) {
    struct hs_conn *k = CONN(stuck[i]);
    if (in_use(k) && !send_kept(k)) continue;
    if (in_use(k)) finish(k, stuck[i]);
    stuck[i] = stuck[--stuck_count];
  }
}

static volatile u32 releaser_stops;

void hs_releaser_main(void) {
  while (!__atomic_load_n(&releaser_stops, __ATOMIC_ACQUIRE)) {
    apply_marks();
    if (stuck_count) {
      serve_stuck();
      continue;
    }
    u32 word = __atomic_load_n(&CTL->releasedWord, __ATOMIC_SEQ_CST);
    __atomic_store_n(&CTL->releasedSleeping, 1, __ATOMIC_SEQ_CST);
    u64 released = __atomic_load_n(&CTL->released, __ATOMIC_SEQ_CST);
    if (marks_tail != marks_head && mark_at(marks_tail)->at <= released) continue;
    if (__atomic_load_n(&releaser_stops, __ATOMIC_SEQ_CST)) break;
    u64 limit[2] = {0, 20000000};
    SYS(HS_NR_futex, &CTL->releasedWord, 0, word, limit);
  }
  SYS(HS_NR_exit, 0);
}

/* `cleared`: a word that the kernel sets to 0 when the thread has ended. */
i64 hs_spawn(u64 flags, u64 stack_top, void (*run)(void), volatile u32 *cleared);
__asm__(".text\n.globl hs_spawn\nhs_spawn:\n"
        "  mov %rdx,%r9\n  mov %rcx,%r10\n  xor %edx,%edx\n  xor %r8d,%r8d\n"
        "  mov $56,%eax\n  syscall\n  test %rax,%rax\n  jz 1f\n  ret\n"
        "1: xor %ebp,%ebp\n  call *%r9\n  hlt\n");

static void spawn_releaser(void) {
  u64 blocked = ~0ul, old;
  hs_process.releaser = 1;
  SYS(HS_NR_rt_sigprocmask, 2, &blocked, &old, 8);
  i64 r = hs_spawn(0x250f00 /* VM FS FILES SIGHAND THREAD SYSVSEM CHILD_CLEARTID */,
                   MARKS_BASE + MARKS * sizeof(struct mark) + 0x20000 - 64, hs_releaser_main,
                   &hs_process.releaser);
  SYS(HS_NR_rt_sigprocmask, 2, &old, 0, 8);
  if (r < 0) hs_die("the outbox's thread cannot be made");
}

static void start_releaser(void) {
  i64 r = SYS(HS_NR_mmap, MARKS_BASE, MARKS * sizeof(struct mark) + 0x20000, 3,
              HS_MAP_PRIVATE | HS_MAP_ANON | HS_MAP_FIXED, -1, 0);
  if (r != (i64)MARKS_BASE) hs_die("no memory for the outbox");
  marks_head = marks_tail = marks_done = 0;
  stuck_count = 0;
  spawn_releaser();
}

/* The program's thread has become somebody else, and its libc made its other threads follow; of
 * ours it knows nothing. A new one inherits what the program is now. */
void hs_outbox_restart(struct thread *t) {
  if (!hs_process.releaser || hs_mode != HS_MODE_RECORD || t->vfork_child) return;
  __atomic_store_n(&releaser_stops, 1, __ATOMIC_SEQ_CST);
  __atomic_add_fetch(&CTL->releasedWord, 1, __ATOMIC_SEQ_CST);
  SYS(HS_NR_futex, &CTL->releasedWord, 1, 0x7fffffff);
  for (u32 running; (running = hs_process.releaser) != 0;)
    SYS(HS_NR_futex, &hs_process.releaser, 0, running, 0);
  releaser_stops = 0;
  spawn_releaser();
}

void hs_outbox_mark(u32 conn, u32 kind, u64 position) {
  if (!hs_process.releaser) start_releaser();
  while (marks_head - __atomic_load_n(&marks_tail, __ATOMIC_ACQUIRE) >= MARKS) {
    hs_wake_consumer();
    SYS(HS_NR_sched_yield);
  }
  *mark_at(marks_head) = (struct mark){CTL->head, position, conn, kind};
  __atomic_store_n(&marks_head, marks_head + 1, __ATOMIC_RELEASE);
  if (CTL->released >= CTL->head) { /* nobody will move the watermark: say so ourselves */
    __atomic_add_fetch(&CTL->releasedWord, 1, __ATOMIC_SEQ_CST);
    SYS(HS_NR_futex, &CTL->releasedWord, 1, 1);
  }
}

/* ---- the program's side; the baton is held ---- */

struct hs_conn *hs_outbox_conn(i64 fd, u32 *index) {
  u32 entry = fd_entry(fd);
  if (FD_KIND(entry) != FD_TCP || !FD_CONN(entry)) return NULL;
  if (CONN(FD_CONN(entry))->within) return NULL; /* the application itself: nothing leaves it */
  *index = FD_CONN(entry);
  return CONN(*index)->state == CONN_DIALLING ? NULL : CONN(*index);
}

int hs_outbox_wanted(const struct regs *g) {
  u32 index;
  if (hs_mode != HS_MODE_RECORD || !(CTL->flags & HS_FLAG_TAKEOVER)) return 0;
  struct hs_conn *k = hs_outbox_conn((int)g->rdi, &index);
  if (!k) return 0;
  if (k->sent != k->end_at) return 1;
  if (!(CTL->flags & HS_FLAG_PROTECTED)) return 0;
  return CTL->commit != HS_COMMIT_ASYNC || hs_given_is_large(g);
}

static void keep(struct hs_conn *k, const struct regs *g) {
  if (g->rax != HS_NR_writev && g->rax != HS_NR_sendmsg) {
    hs_conn_keep(k, (const void *)g->rsi, g->rdx);
    return;
  }
  const struct iovec64 *iov = (const struct iovec64 *)g->rsi;
  u64 count = g->rdx;
  if (g->rax == HS_NR_sendmsg) {
    const struct msghdr64 *m = (const struct msghdr64 *)g->rsi;
    iov = (const struct iovec64 *)m->iov;
    count = m->iov_count;
  }
  for (u64 i = 0; i < count; i++) hs_conn_keep(k, (const void *)iov[i].base, iov[i].bytes);
}

/* Room for more: 0, or -EAGAIN when the client does not read (then the kernel has just said so
 * itself, and will raise EPOLLOUT). Waiting for the backup is waited for here. */
static i64 make_room(struct thread *t, struct hs_conn *k, int nonblocking) {
  while (k->end_at - k->sent > KEPT_MOST && !k->error) {
    if (k->sendable - k->sent > KEPT_MOST / 2 && !send_kept(k) && nonblocking)
      return -HS_EAGAIN;
    if (t->pending && hs_signal_ready(t)) return nonblocking ? -HS_EAGAIN : -HS_EINTR;
    hs_wake_consumer();
    hs_baton_give();
    u64 nap[2] = {0, 200000};
    SYS(HS_NR_nanosleep, nap, 0);
    hs_baton_take();
  }
  return 0;
}

i64 hs_outbox_call(struct thread *t, struct regs *g, const struct hs_call *c,
                   const struct before *b) {
  (void)b;
  u32 index = 0;
  struct hs_conn *k = hs_outbox_conn((int)g->rdi, &index);
  u64 flags = g->rax == HS_NR_sendto ? g->r10 : g->rax == HS_NR_sendmsg ? g->rdx : 0;
  u64 bytes = hs_given_bytes(g);
  i64 result = (i64)bytes;
  if (k->pid != t->pid) { /* passed on: from now on this process sends */
    if (!hs_task_is_dead(k->pid)) hs_outbox_flush(t, k); /* else what it left goes with ours */
    k->pid = t->pid;
  }
  k->fd = (int)g->rdi;
  i64 room = make_room(t, k, (fd_entry((int)g->rdi) & FD_NONBLOCK) || (flags & 0x40));
  if (k->error || (k->shut & 1)) {
    result = k->error ? -(i64)k->error : -HS_EPIPE;
    k->error = HS_EPIPE;
    if (result == -HS_EPIPE && !(flags & 0x4000)) SYS(HS_NR_tgkill, t->pid, t->tid, HS_SIGPIPE);
  } else if (room) {
    result = room;
  }
  hs_append_output(t, g, c, result, NULL);
  if (result <= 0) return result;
  lock(k);
  keep(k, g);
  unlock(k);
  k->written += bytes;
  CTL->outputBytes += bytes;
  hs_outbox_mark(index, MARK_SEND, k->end_at);
  if (k->end_at - k->sent > CTL->outputHeldMax) CTL->outputHeldMax = k->end_at - k->sent;
  return result;
}

void hs_outbox_note_read(struct thread *t, struct hs_conn *k) {
  (void)t;
  if (hs_mode != HS_MODE_RECORD || !hs_net_present() || k->net_slot == HS_NO_SLOT) return;
  if (!(CTL->flags & HS_FLAG_PROTECTED)) return;
  u32 fin = (k->shut & 2) ? 1 : 0;
  u32 index = (u32)(((u64)k - (u64)CONN(0)) / 512);
  hs_outbox_mark(index, MARK_READ, k->tcp.irs1 + (u32)k->read + fin);
}

int hs_outbox_waits(void) {
  return marks_head != __atomic_load_n(&marks_tail, __ATOMIC_RELAXED);
}

static int is_empty(void) {
  return __atomic_load_n(&marks_done, __ATOMIC_ACQUIRE) == marks_head &&
         !__atomic_load_n(&stuck_count, __ATOMIC_RELAXED);
}

/* Without the baton, until all of one connection has left, or of this process (k: NULL). */
static void wait_for_clients(const struct hs_conn *k) {
  u64 left = bytes_left, since = hs_now_ns(1);
  hs_baton_give();
  while ((k ? k->sent != k->end_at : !is_empty()) && hs_now_ns(1) - since < CLIENT_PATIENCE_NS) {
    hs_wake_consumer();
    u64 nap[2] = {0, 100000};
    SYS(HS_NR_nanosleep, nap, 0);
    if (bytes_left != left) left = bytes_left, since = hs_now_ns(1);
  }
  hs_baton_take();
}

void hs_outbox_flush(struct thread *t, struct hs_conn *k) {
  (void)t;
  if (k->sent != k->end_at) wait_for_clients(k);
}

void hs_outbox_empty(struct thread *t) {
  (void)t;
  if (hs_process.releaser && hs_mode == HS_MODE_RECORD && !is_empty()) wait_for_clients(NULL);
}

void hs_outbox_drain(struct thread *t) {
  (void)t;
  if (!hs_process.releaser || hs_mode != HS_MODE_RECORD) return;
  for (u32 i = 0; i < 20000 && marks_done != marks_head; i++) {
    hs_wake_consumer();
    u64 nap[2] = {0, 100000};
    SYS(HS_NR_nanosleep, nap, 0);
  }
}
