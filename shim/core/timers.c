/* timers.c: alarm, interval timers, POSIX timers and timerfds over a takeover. Only the primary
 * arms them; their signals and reads are records. The backup follows what was set, and when each
 * last went off, and at go-live arms every timer for what is left of its time.
 *
 * The rule: a timer that was due before go-live and whose going off is not in the log goes off at
 * once, and none goes off twice. */
#include "timers.h"

#include "calls.gen.h"
#include "clock.h"
#include "regular.h"

#define MOST_TIMERS 1024
#define SECOND 1000000000ul
#define ABSOLUTE 1u /* TIMER_ABSTIME, TFD_TIMER_ABSTIME */
#define CODE_TIMER (-2)
#define CODE_KERNEL 0x80

enum timer_kind { UNUSED, INTERVAL, POSIX, DESCRIPTOR };

static struct timer {
  u32 kind, id;        /* which of getitimer's; the program's timer_t; the descriptor */
  u32 clock, absolute;
  u32 event[16];       /* POSIX: struct sigevent */
  u32 has_event, real; /* real: the kernel's number, once live */
  u64 value, interval; /* nanoseconds; value 0: not armed */
  u64 set, fired;      /* our monotonic clock; fired 0: not since it was set */
} timers[MOST_TIMERS];

static struct timer *find(u32 kind, u32 id) {
  for (u32 i = 0; i < MOST_TIMERS; i++)
    if (timers[i].kind == kind && timers[i].id == id) return &timers[i];
  return NULL;
}

static struct timer *find_or_make(u32 kind, u32 id) {
  struct timer *timer = find(kind, id);
  if (timer) return timer;
  for (u32 i = 0; i < MOST_TIMERS; i++) {
    if (timers[i].kind != UNUSED) continue;
    memset(&timers[i], 0, sizeof timers[i]);
    timers[i].kind = kind;
    timers[i].id = id;
    return &timers[i];
  }
  hs_warn("more than %d timers: one will not run after a takeover", MOST_TIMERS);
  return NULL;
}

static void set(struct timer *timer, u64 value, u64 interval, u32 absolute) {
  if (!timer) return;
  timer->value = value;
  timer->interval = interval;
  timer->absolute = absolute;
  timer->set = hs_now_ns(1);
  timer->fired = 0;
}

/* An itimerspec or itimerval: the interval, then the first time. */
static void set_from(struct timer *timer, u64 address, u64 unit, u32 absolute) {
  const u64 *spec = (const u64 *)address;
  u64 interval = spec[0] * SECOND + spec[1] * unit, value = spec[2] * SECOND + spec[3] * unit;
  set(timer, value, value ? interval : 0, absolute);
}

/* Backup: the recorded call succeeded. */
static void follow(const struct regs *g, const struct hs_record *r) {
  struct timer *timer;
  switch (g->rax) {
    case HS_NR_alarm: set(find_or_make(INTERVAL, 0), (u32)g->rdi * SECOND, 0, 0); break;
    case HS_NR_setitimer:
      timer = find_or_make(INTERVAL, (u32)g->rdi);
      if (g->rsi) set_from(timer, g->rsi, 1000, 0); else set(timer, 0, 0, 0);
      break;
    case HS_NR_timer_create:
      timer = find_or_make(POSIX, *(const u32 *)HS_RECORD_DATA(r));
      if (!timer) break;
      timer->clock = (u32)g->rdi;
      timer->has_event = g->rsi != 0;
      if (g->rsi) memcpy(timer->event, (const void *)g->rsi, sizeof timer->event);
      break;
    case HS_NR_timer_settime:
      set_from(find(POSIX, (u32)g->rdi), g->rdx, 1, (u32)g->rsi & ABSOLUTE);
      break;
    case HS_NR_timer_delete:
      timer = find(POSIX, (u32)g->rdi);
      if (timer) timer->kind = UNUSED;
      break;
    case HS_NR_timerfd_settime:
      set_from(find(DESCRIPTOR, (u32)g->rdi), g->rdx, 1, (u32)g->rsi & ABSOLUTE);
      break;
    default: break;
  }
}

void hs_timer_signal(int signal, const void *info) {
  const int *words = info;
  int which = signal == 14 ? 0 : signal == 26 ? 1 : signal == 27 ? 2 : -1;
  struct timer *timer = NULL;
  if (words[2] == CODE_TIMER) timer = find(POSIX, (u32)words[4]);
  if (words[2] == CODE_KERNEL && which >= 0) timer = find(INTERVAL, (u32)which);
  if (timer) timer->fired = hs_now_ns(1);
}

void hs_timer_read(i64 fd) {
  struct timer *timer = find(DESCRIPTOR, (u32)fd);
  if (timer) timer->fired = hs_now_ns(1);
}

void hs_timers_forked(void) {
  for (u32 i = 0; i < MOST_TIMERS; i++)
    if (timers[i].kind != DESCRIPTOR) timers[i].kind = UNUSED;
}

/* ---- go-live ---- */

/* Nanoseconds from now until it goes off next; 0: not armed. A deadline that has passed: 1. */
static u64 left(const struct timer *timer, u64 now) {
  u64 deadline = timer->set + timer->value;
  if (!timer->value) return 0;
  if (timer->absolute) /* a time of the program's clocks, which are this host's and an offset */
    deadline = timer->value - (u64)hs_clock_offset(timer->clock) - hs_now_ns(timer->clock) + now;
  if (timer->fired) {
    if (!timer->interval) return 0;
    if ((i64)(timer->fired - deadline) >= 0)
      deadline += ((timer->fired - deadline) / timer->interval + 1) * timer->interval;
  }
  return (i64)(deadline - now) > 0 ? deadline - now : 1;
}

static void arm(struct timer *timer, u64 now) {
  u64 first = left(timer, now), unit = timer->kind == INTERVAL ? 1000 : 1;
  if (first && first < unit) first = unit;
  u64 spec[4] = {timer->interval / SECOND, timer->interval % SECOND / unit, first / SECOND,
                 first % SECOND / unit};
  if (timer->kind == INTERVAL) {
    SYS(HS_NR_setitimer, timer->id, spec, 0);
  } else if (timer->kind == DESCRIPTOR) {
    /* it may have gone off here too: setting it, to nothing also, takes that back */
    if (FD_KIND(fd_entry(timer->id)) == FD_TIMERFD)
      SYS(HS_NR_timerfd_settime, timer->id, 0, spec, 0);
  } else {
    if (!timer->has_event) { /* as the kernel would, with the number the program knows */
      memset(timer->event, 0, sizeof timer->event);
      timer->event[0] = timer->id;
      timer->event[2] = 14; /* SIGALRM */
    }
    if (SYS(HS_NR_timer_create, timer->clock, timer->event, &timer->real))
      hs_warn("timer %d cannot be made here", timer->id);
    else if (first)
      SYS(HS_NR_timer_settime, timer->real, 0, spec, 0);
  }
}

void hs_timers_go_live(void) {
  u64 now = hs_now_ns(1);
  for (u32 i = 0; i < MOST_TIMERS; i++)
    if (timers[i].kind != UNUSED) arm(&timers[i], now);
}

/* ---- the calls ---- */

/* Live: the kernel's numbers and clocks instead of the program's. */
static i64 call_live(struct thread *t, struct regs *g, const struct hs_call *c) {
  struct regs call = *g;
  struct timer *timer = NULL;
  u64 spec[4];
  int sets = g->rax == HS_NR_timer_settime || g->rax == HS_NR_timerfd_settime;
  if (g->rax >= HS_NR_timer_settime && g->rax <= HS_NR_timer_delete)
    timer = find(POSIX, (u32)g->rdi);
  else if (g->rax == HS_NR_timerfd_settime)
    timer = find(DESCRIPTOR, (u32)g->rdi);
  if (timer && timer->kind == POSIX) call.rdi = timer->real;
  u32 ok;
  if (timer && sets && (g->rsi & ABSOLUTE) && (hs_peek(g->rdx + 24, &ok), ok)) {
    memcpy(spec, (const void *)g->rdx, sizeof spec);
    i64 at = (i64)(spec[2] * SECOND + spec[3]) - hs_clock_offset(timer->clock);
    if (spec[2] || spec[3]) spec[2] = at > 1 ? (u64)at / SECOND : 0, spec[3] = (u64)at % SECOND;
    call.rdx = (u64)spec;
  }
  i64 result = hs_record_regular(t, &call, c, 1);
  if (result) return result;
  if (g->rax == HS_NR_timer_create) {
    u32 *id = (u32 *)g->rdx, real = *id;
    while (find(POSIX, *id)) ++*id; /* a number that an older one of the program has */
    if ((timer = find_or_make(POSIX, *id)) != NULL) timer->real = real, timer->clock = (u32)g->rdi;
  } else if (g->rax == HS_NR_timer_delete && timer) {
    timer->kind = UNUSED;
  }
  return result;
}

i64 hs_irr_timer(struct thread *t, struct regs *g, const struct hs_call *c) {
  struct hs_record *r = hs_turn(t);
  if (!r && hs_mode == HS_MODE_LIVE) return call_live(t, g, c);
  if (!r) return hs_record_regular(t, g, c, 1);
  if (r->result >= 0) follow(g, r);
  return hs_replay_regular(t, g, c, r);
}

void hs_timer_made(i64 fd, u32 clock) {
  struct timer *timer = find_or_make(DESCRIPTOR, (u32)fd);
  set(timer, 0, 0, 0);
  if (timer) timer->clock = clock;
}
