/* epoll.c: registrations that go off once (EPOLLONESHOT). The backup's own epoll instances are
 * never waited on while it follows, so nothing there goes off by itself: a registration whose event
 * the log delivers is taken out, and put in again when the program arms it.
 *
 * The rule: to the program it is registered all the time; only here is it known to be out. */
#include "calls.gen.h"
#include "descriptors.h"
#include "regular.h"

enum { ADD = 1, DEL = 2, MOD = 3 };
#define ONESHOT 0x40000000u
#define BUCKETS 4096u

struct event {
  u32 events;
  u64 data;
} __attribute__((packed));

/* By descriptor; the chains of `first` by what epoll says when it goes off. One more than the
 * descriptor, 0: none. */
static struct once {
  u64 data;
  u32 epoll; /* one more than it; 0: the descriptor has no such registration */
  u16 next, is_out;
} once[HS_MAX_FD];
static u16 first[BUCKETS];

static u16 *bucket(u64 epoll, u64 data) {
  return &first[((data ^ data >> 20 ^ data >> 32) * 0x9e3779b1u + epoll) % BUCKETS];
}

static void drop(u64 fd) {
  if (fd >= HS_MAX_FD || !once[fd].epoll) return;
  for (u16 *at = bucket(once[fd].epoll, once[fd].data); *at; at = &once[*at - 1].next)
    if (*at == fd + 1) {
      *at = once[fd].next;
      break;
    }
  once[fd].epoll = 0;
}

static void note(const struct regs *g) {
  u64 fd = (u32)g->rdx;
  const struct event *e = (const struct event *)g->r10;
  drop(fd);
  if (fd >= HS_MAX_FD || !(e->events & ONESHOT) || hs_mode != HS_MODE_REPLAY) return;
  u16 *at = bucket((u32)g->rdi + 1, e->data);
  once[fd] = (struct once){e->data, (u32)g->rdi + 1, *at, 0};
  *at = (u16)(fd + 1);
}

/* The call as it must be made here; the result is what the program must be told. */
static i64 control(const struct regs *g) {
  struct regs call = *g;
  u64 fd = (u32)g->rdx;
  int is_out = fd < HS_MAX_FD && once[fd].epoll == (u32)g->rdi + 1 && once[fd].is_out;
  if (is_out && (int)g->rsi == DEL) {
    drop(fd);
    return 0;
  }
  if (is_out && (int)g->rsi == ADD) return -17; /* EEXIST */
  if (is_out && (int)g->rsi == MOD) call.rsi = ADD;
  i64 result = hs_execute(&call);
  if (result) return result;
  if ((int)g->rsi == DEL)
    drop(fd);
  else
    note(g);
  return 0;
}

/* /dev/null stands for what only the primary has, files of /proc among it; nothing can wait for
 * it, while the object may have been one to wait for. */
static int watches_stand_in(const struct regs *g) {
  enum fd_kind kind = FD_KIND(fd_entry((int)g->rdx));
  return kind == FD_CARRIED || kind == FD_INHERITED;
}

i64 hs_irr_epoll_ctl(struct thread *t, struct regs *g, const struct hs_call *c) {
  struct hs_record *r = hs_turn(t);
  if (!r) {
    i64 result = hs_mode == HS_MODE_RECORD ? hs_execute(g) : control(g);
    hs_append(t, (u32)g->rax, (u32)g->rdi, result, hs_check(g, c, result), NULL, 0);
    return result;
  }
  i64 want = r->result;
  hs_match(t, g, r, hs_check(g, c, want));
  i64 got = control(g);
  /* a replay that will never go live may hold a placeholder that cannot be waited for */
  int may_differ = watches_stand_in(g) || (want == 0 && CTL->files == HS_FILES_CARRIED);
  if (got != want && !may_differ)
    hs_diverge_values(t, r, "result of a repeated call", (u64)want, (u64)got);
  hs_consume(t, r);
  return want;
}

void hs_epoll_delivered(i64 epoll, const void *events, i64 count) {
  const struct event *e = events;
  for (i64 i = 0; i < count; i++)
    for (u16 at = *bucket((u32)epoll + 1, e[i].data); at; at = once[at - 1].next) {
      struct once *o = &once[at - 1];
      if (o->data != e[i].data || o->epoll != (u32)epoll + 1 || o->is_out) continue;
      struct event none = {0, 0};
      SYS(HS_NR_epoll_ctl, epoll, DEL, at - 1, &none);
      o->is_out = 1;
      break;
    }
}

void hs_epoll_forget(i64 fd) {
  drop((u64)fd);
  if (FD_KIND(fd_entry(fd)) != FD_EPOLL) return;
  for (u64 i = 0; i < HS_MAX_FD; i++)
    if (once[i].epoll == (u32)fd + 1) drop(i);
}
