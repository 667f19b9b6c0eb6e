/* regular.c: record and replay of calls that their row describes completely.
 *
 * Record: execute (giving the baton up if it may wait), then append result and out-buffers.
 * Replay: wait for the turn, compare what the program passed in, put in what came out.
 * The rule: a record is appended with the baton held, right after the call returned. */
#include "regular.h"

#include "bounce.h"
#include "calls.gen.h"
#include "clock.h"
#include "datagrams.h"
#include "descriptors.h"
#include "given.h"
#include "ordered.h"
#include "outbox.h"
#include "restore.h"
#include "shadow.h"
#include "signals.h"
#include "terminals.h"
#include "times.h"

#define SHORT_BYTES 4096ul /* that much fits where poll says that there is room */

/* What the call asks for is there: it has nothing to wait for. */
static int is_ready(const struct regs *g) {
  const struct hs_call *c = &hs_calls[g->rax];
  struct { int fd; short events, revents; } p = {(int)g->rdi, 1 /* POLLIN */, 0};
  if (g->rax == HS_NR_write || g->rax == HS_NR_sendto) {
    if (g->rdx > SHORT_BYTES) return 0;
    p.events = 4; /* POLLOUT */
  } else if (c->policy != HS_INPUT || c->arg[0].kind != HS_FD) {
    return 0;
  }
  return SYS(HS_NR_poll, &p, 1, 0) == 1 && (p.revents & p.events);
}

/* A signal that was caught before the call has ended it, where the kernel would have delivered it
 * and then made the call. So what has nothing to wait for is made all the same. */
static i64 after_signal(const struct regs *g) {
  struct regs at_once = *g;
  switch (g->rax) {
    case HS_NR_epoll_wait:
    case HS_NR_epoll_pwait: at_once.r10 = 0; break;
    case HS_NR_poll: at_once.rdx = 0; break;
    default: return is_ready(g) ? hs_execute(g) : -HS_EINTR;
  }
  i64 found = hs_execute(&at_once);
  return found ? found : -HS_EINTR;
}

i64 hs_execute_waiting(struct thread *t, const struct regs *g) {
  int unbroken = (hs_calls[g->rax].flags & HS_UNBROKEN) != 0;
  i64 r;
  t->exposed = g;
  do {
    t->ticked = 0;
    r = unbroken ? hs_execute(g)
                 : hs_sys_wait((i64)g->rax, (i64)g->rdi, (i64)g->rsi, (i64)g->rdx, (i64)g->r10,
                               (i64)g->r8, (i64)g->r9, &t->pending);
  } while (UNLIKELY(r == -HS_EINTR) && t->ticked && !t->pending);
  return UNLIKELY(r == -HS_EINTR) && t->pending ? after_signal(g) : r;
}

static int zero_timespec(u64 address) {
  u32 ok, ok2;
  return address && !hs_peek(address, &ok) && !hs_peek(address + 8, &ok2) && ok && ok2;
}

int hs_may_wait(const struct regs *g, const struct hs_call *c) {
  if (!(c->flags & HS_BLOCKS)) return 0;
  switch (g->rax) {
    case HS_NR_poll: return (int)g->rdx != 0;
    case HS_NR_epoll_wait:
    case HS_NR_epoll_pwait: return (int)g->r10 != 0;
    case HS_NR_select: return !zero_timespec(g->r8);
    case HS_NR_pselect6: return !zero_timespec(g->r8);
    case HS_NR_ppoll: return !zero_timespec(g->rdx);
    case HS_NR_fcntl: return (int)g->rsi == 7 || (int)g->rsi == 38; /* F_SETLKW, F_OFD_SETLKW */
    default: break;
  }
  if (c->policy != HS_INPUT && c->policy != HS_OUTPUT) return 1;
  u32 entry = fd_entry((i64)(int)g->rdi);
  if (entry & FD_NONBLOCK) return 0;
  switch (FD_KIND(entry)) {
    case FD_FILE:
    case FD_OWN_MEMORY:
    case FD_MEMFD: return 0; /* and who maps it sees what is written where it is recorded */
    case FD_EVENTFD: return c->policy == HS_INPUT;
    case FD_PIPE:
    case FD_PAIR:
    case FD_PTY_MASTER:
    case FD_PTY:
      /* a short write that has room is made with the baton held: its reader comes after it */
      return c->policy != HS_OUTPUT || !hs_has_room(g);
    default: return 1;
  }
}

/* The address of the signal mask a call puts in place while it waits, or 0. */
static u64 mask_argument(const struct regs *g) {
  u32 ok;
  switch (g->rax) {
    case HS_NR_ppoll: return g->r10;
    case HS_NR_epoll_pwait:
    case HS_NR_epoll_pwait2: return g->r8;
    case HS_NR_pselect6: return g->r9 ? hs_peek(g->r9, &ok) : 0;
    default: return 0;
  }
}

static void note_mask(struct thread *t, const struct regs *g) {
  u64 address = mask_argument(g);
  u32 ok;
  if (!address) return;
  t->temporary_mask = hs_peek(address, &ok) & ~(HS_BIT(HS_SIGKILL) | HS_BIT(HS_SIGSTOP));
  t->masked_temporarily = ok;
}

void hs_append_call(struct thread *t, const struct regs *g, const struct hs_call *c, i64 result,
                    const struct before *b) {
  struct span spans[HS_MAX_SPANS];
  u32 n = hs_gather(g, c, result, b, spans);
  u32 object = c->arg[0].kind == HS_FD ? (u32)g->rdi : 0;
  hs_append(t, (u32)g->rax, object, result, hs_check(g, c, result), spans, n);
}

/* With the baton held. What a terminal has room for depends on what is written. */
static i64 write_held(const struct regs *g) {
  return hs_is_terminal(fd_entry((int)g->rdi)) ? hs_terminal_write_now(g) : hs_execute(g);
}

/* A short write waits for room and is then made with the baton held, for the reader's sake. A
 * terminal may say that it has room and have too little. */
static i64 write_in_turn(struct thread *t, const struct regs *g, int held) {
  struct { int fd; short events, revents; } p = {(int)g->rdi, 4 /* POLLOUT */, 0};
  struct regs wait = {.rax = HS_NR_poll, .rdi = (u64)&p, .rsi = 1, .rdx = ~0ul};
  i64 r;
  t->wait_start_ns = 0;
  hs_wake_before_wait();
  if (!held) hs_baton_take();
  do {
    while (!hs_has_room(g) && !(p.revents & ~4)) {
      hs_baton_give();
      r = hs_execute_waiting(t, &wait);
      hs_baton_take();
      if (r < 0) return r;
    }
    r = write_held(g);
    if (r == -HS_EAGAIN) hs_baton_yield();
  } while (r == -HS_EAGAIN && !(fd_entry((int)g->rdi) & FD_NONBLOCK));
  return r;
}

i64 hs_record_waiting(struct thread *t, struct regs *g, const struct hs_call *c,
                      const struct before *before, int held) {
  struct bounce bounce;
  u64 scratch[2];
  struct regs shortened;
  struct regs *call = g;
  if (UNLIKELY(t->wait_start_ns || hs_mode == HS_MODE_LIVE)) {
    shortened = *g;
    hs_shorten(t, &shortened, scratch);
    t->wait_start_ns = 0;
    call = &shortened;
  }
  hs_wake_before_wait();
  if (held && hs_alone()) return hs_execute_waiting(t, call);
  struct regs bounced = *call;
  hs_bounce_out(t, &bounced, c, before, &bounce);
  if (held) hs_baton_give();
  i64 r = hs_execute_waiting(t, &bounced);
  hs_baton_take();
  return hs_bounce_back(&bounced, c, r, before, &bounce);
}

/* What the kernel does to send takes longer than all the rest of a call, so while others want the
 * baton an answer to a client is given without it, though that never waits. With --schedule
 * parallel this goes for reading too, and always: there the lock is for the shim only. The call's
 * record alone has a place in the order: what a client sends or is sent follows from records. */
#define FREE_CALLS 64u /* after one that somebody waited for */
static int is_made_freely(struct thread *t, const struct regs *g, const struct hs_call *c) {
  if (c->policy != HS_OUTPUT && (c->policy != HS_INPUT || !hs_in_parallel())) return 0;
  if (c->arg[0].kind != HS_FD || FD_KIND(fd_entry((i64)(int)g->rdi)) != FD_TCP) return 0;
  if (hs_in_parallel()) return !hs_alone();
  if (CTL->order.word == 2 || hs_baton_is_wanted(t)) t->free_calls = FREE_CALLS;
  return t->free_calls && t->free_calls--;
}

static i64 execute_freely(const struct regs *g) {
  hs_baton_give();
  i64 r = hs_execute(g);
  hs_baton_take();
  return r;
}

static int is_tcp_output(const struct regs *g) {
  return FD_KIND(fd_entry((int)g->rdi)) == FD_TCP && g->rax != HS_NR_sendmmsg;
}

/* The call itself, with the baton or without; it is held on return. What left, where that is a copy
 * of what the program gave, is noted in `given`. */
static i64 make(struct thread *t, struct regs *g, const struct hs_call *c, const struct before *b,
                int held, int waits, struct bounce *given) {
  struct regs copy;
  if (waits && c->policy == HS_OUTPUT && hs_is_short_write(g)) return write_in_turn(t, g, held);
  int freely = !waits && is_made_freely(t, g, c);
  if (!waits && !freely) {
    i64 r = c->policy == HS_OUTPUT ? write_held(g) : hs_execute(g);
    int may_wait = hs_is_terminal(fd_entry((int)g->rdi)) && c->policy == HS_OUTPUT;
    return r == -HS_EAGAIN && may_wait ? write_in_turn(t, g, held) : r;
  }
  /* both ways of making it without the baton send a copy, where it matters what that is */
  int matters = c->policy == HS_OUTPUT && !hs_in_parallel() && hs_given_matters(g);
  int copied = matters && hs_given_copy(t, g, &copy, given);
  if (waits) return hs_record_waiting(t, copied ? &copy : g, c, b, held);
  if (matters && !copied) return hs_execute(g); /* too much for a copy */
  return execute_freely(copied ? &copy : g);
}

i64 hs_record_regular(struct thread *t, struct regs *g, const struct hs_call *c, int held) {
  struct bounce given = {.n = 0};
  struct before b;
  i64 r;
  hs_before(g, c, &b);
  note_mask(t, g);
  int skips = UNLIKELY(hs_mode == HS_MODE_LIVE) && c->policy == HS_OUTPUT &&
              hs_restored_skip(g, &r);
  int waits = !skips && hs_may_wait(g, c);
  if (!held && !waits) {
    hs_baton_take();
    held = 1;
  }
  if ((c->flags & HS_TIME) && hs_clock_read(t, g, &r)) return r;
  if (c->policy == HS_OUTPUT && hs_outbox_wanted(g)) {
    if (!held) hs_baton_take();
    return hs_outbox_call(t, g, c, &b);
  }
  if (c->policy == HS_OUTPUT && hs_datagram_wanted(g)) {
    if (!held) hs_baton_take();
    return hs_datagram_call(t, g, c, &b);
  }
  if (!skips) r = make(t, g, c, &b, held, waits, &given);
  if (UNLIKELY(hs_mode == HS_MODE_LIVE)) r = hs_live_fix(t, g, r);
  if (c->policy == HS_OUTPUT && is_tcp_output(g))
    hs_append_output(t, g, c, r, given.n ? &given : NULL);
  else
    hs_append_call(t, g, c, r, &b);
  switch (c->policy) {
    case HS_INPUT: hs_after_input(t, g, r, NULL); break;
    case HS_OUTPUT: hs_after_output(t, g, r, NULL); break;
    case HS_DESCRIPTOR: hs_note_new(g, r); break;
    default: break;
  }
  return r;
}

void hs_match(struct thread *t, const struct regs *g, const struct hs_record *r, u64 check) {
  u32 row = r->method & HS_METHOD_ROW;
  if (UNLIKELY(row != g->rax)) hs_diverge(t, r, hs_row_name(row), hs_row_name((u32)g->rax));
  if (UNLIKELY(r->check != check)) {
    if ((u32)r->check != (u32)check)
      hs_diverge_values(t, r, "arguments (digest)", (u32)r->check, (u32)check);
    hs_diverge_values(t, r, "bytes passed out (digest)", r->check >> 32, check >> 32);
  }
}

/* The effect of a call that both sides execute, compared with the record. */
static void repeat(struct thread *t, struct regs *g, const struct hs_call *c,
                   struct hs_record *r) {
  i64 want = r->result;
  if (want == -HS_EINTR) return;
  if (want == -HS_EPERM) return; /* the backup has rights that the program gave up (identity.h) */
  if (c->policy == HS_FILE && !hs_is_real_file(g, c)) {
    hs_shadow_follow(g, want);
    return;
  }
  /* what gave no descriptor had no effect; here it may: who is gone there may be on its way here */
  if (want < 0 && c->policy == HS_DESCRIPTOR && (c->flags & HS_MAKES_FD)) return;
  i64 got = hs_execute(g);
  if (c->policy == HS_DESCRIPTOR && (c->flags & HS_MAKES_FD) && want >= 0 && got >= 0)
    got = hs_place(t, r, got, want);
  if (got == 0 && want == 0 && HS_RECORD_LEN(r) == 8) { /* pipe, socketpair */
    int *pair = (int *)(g->rax == HS_NR_socketpair ? g->r10 : g->rdi);
    if (g->rax == HS_NR_pipe || g->rax == HS_NR_pipe2 || g->rax == HS_NR_socketpair)
      hs_place_pair(t, r, pair, (const int *)HS_RECORD_DATA(r));
  }
  int equal = c->policy == HS_FILE ? (got < 0) == (want < 0) : got == want;
  /* a replay that will never go live may hold a placeholder that cannot do what the object could */
  if (c->policy == HS_DESCRIPTOR && want == 0 && CTL->files == HS_FILES_CARRIED) equal = 1;
  if (!equal) hs_diverge_values(t, r, "result of a repeated call", (u64)want, (u64)got);
}

i64 hs_replay_regular(struct thread *t, struct regs *g, const struct hs_call *c,
                      struct hs_record *r) {
  struct before b;
  i64 result = r->result;
  hs_before(g, c, &b);
  hs_match(t, g, r, hs_check(g, c, result));
  note_mask(t, g);
  if (c->policy >= HS_LOCAL && c->policy <= HS_MEMORY) repeat(t, g, c, r);
  if (c->policy == HS_INPUT) hs_after_input(t, g, result, r);
  int has_out = c->policy != HS_LOCAL && !(c->policy == HS_OUTPUT && is_tcp_output(g));
  if (has_out && !(r->method & HS_METHOD_AHEAD)) {
    if (!hs_scatter(g, c, result, &b, HS_RECORD_DATA(r), HS_RECORD_LEN(r)))
      hs_diverge(t, r, "the recorded length of out-arguments", "another length");
  }
  if (c->policy == HS_OUTPUT) hs_after_output(t, g, result, r);
  if (c->policy == HS_DESCRIPTOR) hs_note_new(g, result);
  if (c->flags & HS_TIME) hs_clock_follow(g, result);
  hs_consume(t, r);
  return result;
}

/* Reads and writes also happen while a program starts; waiting for readiness does not. And whoever
 * asks for its processors must be told all of them. */
static int ends_start(const struct regs *g, const struct hs_call *c) {
  if (g->rax == HS_NR_sched_getaffinity || g->rax == HS_NR_sched_setaffinity) return 1;
  if (!(c->flags & HS_BLOCKS)) return 0;
  return g->rax != HS_NR_read && g->rax != HS_NR_write && g->rax != HS_NR_pread64 &&
         g->rax != HS_NR_readv && g->rax != HS_NR_writev;
}

i64 hs_regular(struct thread *t, struct regs *g, const struct hs_call *c) {
  if (UNLIKELY(t->pinned) && ends_start(g, c)) hs_unpin(t);
  if (c->policy == HS_OUTPUT && hs_datagram_is_nameless(g, c)) hs_datagram_bind(t, (int)g->rdi);
  i64 result;
  if (recording()) {
    if ((c->flags & HS_TIME) && hs_clock_read(t, g, &result)) return result;
    return hs_record_regular(t, g, c, 1);
  }
  struct hs_record *r = hs_next(t);
  if (r && (r->method & HS_METHOD_ROW) == HS_EV_TIMES && (c->flags & HS_TIME))
    return hs_times_replay(t, g, c, r);
  if (!r) return hs_record_regular(t, g, c, hs_live_with_baton(t));
  return hs_replay_regular(t, g, c, r);
}

i64 hs_both(struct thread *t, struct regs *g, const struct hs_call *c) {
  struct hs_record *r = hs_turn(t);
  if (r) {
    hs_match(t, g, r, hs_check(g, c, r->result));
    i64 want = r->result, got = hs_execute(g);
    if ((c->flags & HS_MAKES_FD) && want >= 0 && got >= 0 && g->rax != HS_NR_dup2 &&
        g->rax != HS_NR_dup3)
      got = hs_place(t, r, got, want);
    if (got != want) hs_diverge_values(t, r, "result of a repeated call", (u64)want, (u64)got);
    hs_consume(t, r);
    return got;
  }
  i64 got = hs_execute(g);
  u32 object = c->arg[0].kind == HS_FD ? (u32)g->rdi : 0;
  hs_append(t, (u32)g->rax, object, got, hs_check(g, c, got), NULL, 0);
  return got;
}
