/* tick.c: who asks a thread without calls to stop, and where it is stopped (preempt.h).
 *
 * Whoever waits too long for the baton sends its holder a tick; a thread that caught a signal and
 * makes no call sends one to itself. A program that never waits so long pays nothing. From the
 * tick on some instructions are made one by one, to see whether they are a loop that only waits.
 * The rule: nothing is stopped inside the shim or in a stub: there a call is under way already. */
#include "calls.gen.h"
#include "preempt.h"
#include "sigframe.h"
#include "sites.h"

#define TICKS_MOST 2      /* of others that wait, before the baton is taken from a thread */
#define STEPS_MOST 256
#define SOON_NS 2000000ul /* a caught signal waits so long for a call */
#define TRAP_FLAG 0x100ul

int hs_tick_is(int signal, const void *info) {
  int code = ((const int *)info)[2];
  return signal == HS_TICK_SIGNAL && (code == -1 || code == -2) &&
         ((const u64 *)info)[3] == HS_TICK_VALUE;
}

void hs_tick_holder(u64 holder) {
  u64 info[16] = {HS_TICK_SIGNAL, (u32)-1 /* SI_QUEUE */, 0, HS_TICK_VALUE};
  SYS(HS_NR_rt_tgsigqueueinfo, holder >> 32, (u32)holder, HS_TICK_SIGNAL, info);
}

void hs_tick_soon(struct thread *t) {
  if (t->tick_armed || !recording()) return;
  if (!t->tick_timer) {
    u32 event[16] = {(u32)HS_TICK_VALUE, (u32)(HS_TICK_VALUE >> 32), HS_TICK_SIGNAL,
                     4 /* SIGEV_THREAD_ID */, (u32)SYS(HS_NR_gettid)};
    int id;
    if (SYS(HS_NR_timer_create, 1 /* CLOCK_MONOTONIC */, event, &id)) return;
    t->tick_timer = id + 1;
  }
  u64 once[4] = {0, 0, 0, SOON_NS};
  t->tick_armed = 1;
  SYS(HS_NR_timer_settime, t->tick_timer - 1, 0, once, 0);
}

void hs_tick_forget(struct thread *t) {
  if (t->tick_timer) SYS(HS_NR_timer_delete, t->tick_timer - 1);
  t->tick_timer = 0;
}

static int is_program(const struct thread *t, u64 ip) {
  return !t->in_shim && !(ip >= HS_CORE_BASE && ip < HS_CORE_END) && !hs_is_stub(ip);
}

/* At its next record it lets others run, however few calls it made. */
static void hurry(struct thread *t) {
  t->acquisitions_seen = hs_baton_of(t)->acquisitions;
  t->unblocked_calls = 0x10000;
}

void hs_tick(struct thread *t, u64 *context) {
  u64 *r = context + UC_REGS;
  t->tick_armed = 0;
  if (!recording() || t->steps) return;
  if (!is_program(t, r[R_RIP])) {
    t->ticked = 1;
    hurry(t);
    return;
  }
  int ready = hs_signal_ready(t), wanted = hs_baton_is_wanted(t);
  if (!ready && !wanted) return;
  if (hs_mode == HS_MODE_LIVE) { /* nobody has to find this point again: any will do */
    hs_preempt(t, context, 0);
    return;
  }
  if (t->tick_acquisitions != hs_baton_of(t)->acquisitions) {
    t->tick_acquisitions = hs_baton_of(t)->acquisitions;
    t->ticks = 0;
  }
  if (!ready && ++t->ticks < TICKS_MOST) {
    hurry(t);
    return;
  }
  t->steps = STEPS_MOST;
  t->step_last = r[R_RIP];
  t->step_branch = 0;
  memcpy(t->step_start, r, sizeof t->step_start);
  r[R_FLAGS] |= TRAP_FLAG;
}

static int is_pause(u64 ip) {
  const u8 *code = (const u8 *)ip;
  return code[0] == 0xf3 && code[1] == 0x90;
}

/* It is back where it was, and nothing it holds has changed: it waits for memory to change. */
static int came_round(const struct thread *t, const u64 *r) {
  if (memcmp(t->step_start, r, R_RCX * 8)) return 0;
  return t->step_start[R_RCX] == r[R_RCX] && t->step_start[R_RSP] == r[R_RSP] &&
         t->step_start[R_RIP] == r[R_RIP];
}

int hs_step(struct thread *t, u64 *context) {
  u64 *r = context + UC_REGS, ip = r[R_RIP], site = 0;
  if (!t->steps) return 0;
  if (!is_program(t, ip)) { /* a call: others and signals have their chance there */
    r[R_FLAGS] &= ~TRAP_FLAG;
    t->steps = 0;
    return 1;
  }
  if (ip < t->step_last) t->step_branch = t->step_last;
  t->step_last = ip;
  if (is_pause(ip))
    site = ip;
  else if (came_round(t, r))
    site = t->step_branch;
  else if (--t->steps && *(const u8 *)ip != 0x9c /* pushf would show the trap flag */)
    return 1;
  t->steps = 0;
  r[R_FLAGS] &= ~TRAP_FLAG;
  hs_preempt(t, context, site && hs_spin_can_patch(site) ? site : 0);
  return 1;
}
