/* stops.c: processes that are stopped (SIGSTOP and the terminal's signals) and go on. That is the
 * kernel's doing and in no record: the copy's process just gets no turn. Which ones are stopped is
 * known from the records of kill and wait; at a takeover these are stopped indeed.
 *
 * The rule: who may be stopped by a call makes it without the baton, or nobody could wake it. */
#include "stops.h"

#include "arguments.h"
#include "calls.gen.h"
#include "order.h"
#include "regular.h"

enum { SIGCONT_ = 18, SIGSTOP_ = 19, SIGTSTP_ = 20, SIGTTOU_ = 22 };
enum { CLD_STOPPED = 5, CLD_CONTINUED = 6 };

static int signal_of(const struct regs *g) {
  return (int)(g->rax == HS_NR_tgkill || g->rax == HS_NR_rt_tgsigqueueinfo ? g->rdx : g->rsi);
}

/* Whom the call reaches: a process, or as kill's argument says. */
static i64 target_of(const struct regs *g) {
  i64 id = (i64)(int)g->rdi;
  if (g->rax == HS_NR_pidfd_send_signal) return -1; /* all others, or it is not known */
  if (id <= 0 || id >= HS_MAX_TID) return id;
  const struct hs_slot *slot = SLOT(TIDMAP[id]); /* any thread's number stands for its process */
  return slot->tid == (u32)id ? (i64)slot->pid : id;
}

static int reaches(i64 target, u32 pid) {
  if (target == -1) return 0;
  if (target > 0) return (u32)target == pid;
  return SYS(HS_NR_getpgid, pid) == (target ? -target : SYS(HS_NR_getpgid, 0));
}

static void mark(i64 pid, u32 stopped) {
  for (u32 i = 0; i < CTL->slots; i++)
    if (SLOT(i)->state == 1 && SLOT(i)->tid == SLOT(i)->pid && reaches(pid, SLOT(i)->pid))
      SLOT(i)->stopped = stopped;
}

static i64 send_without_baton(struct thread *t, const struct regs *g, const struct hs_call *c) {
  struct before b;
  hs_before(g, c, &b);
  hs_baton_give();
  i64 result = hs_execute(g);
  hs_baton_take();
  hs_append_call(t, g, c, result, &b);
  return result;
}

/* A signal sent inside the application is delivered by its own record. */
i64 hs_irr_kill(struct thread *t, struct regs *g, const struct hs_call *c) {
  int signal = signal_of(g), stops = signal >= SIGSTOP_ && signal <= SIGTTOU_;
  i64 target = target_of(g), result;
  int itself = reaches(target, t->pid);
  struct hs_record *r = recording() ? NULL : hs_next(t);
  if (r) {
    result = hs_replay_regular(t, g, c, r);
  } else {
    int held = recording() ? 1 : hs_live_with_baton(t);
    if (stops && itself && !held) hs_baton_take();
    result = stops && itself ? send_without_baton(t, g, c) : hs_record_regular(t, g, c, held);
  }
  if (result == 0 && signal == SIGCONT_) mark(target, 0);
  if (result == 0 && signal == SIGSTOP_ && !itself) mark(target, 1);
  return result;
}

void hs_stops_waited(const struct regs *g, i64 result) {
  if (g->rax == HS_NR_wait4 && result > 0 && g->rsi) {
    u32 status = *(const u32 *)g->rsi;
    if ((status & 0xff) == 0x7f) mark(result, 1);
    if (status == 0xffff) mark(result, 0);
  }
  if (g->rax == HS_NR_waitid && result == 0 && g->rdx) {
    const u32 *info = (const u32 *)g->rdx;
    if (info[2] == CLD_STOPPED) mark(info[4], 1);
    if (info[2] == CLD_CONTINUED) mark(info[4], 0);
  }
}

void hs_stops_go_live(const struct thread *t) {
  for (u32 i = 0; i < CTL->slots; i++)
    if (SLOT(i)->state == 1 && SLOT(i)->stopped && SLOT(i)->pid != t->pid)
      SYS(HS_NR_kill, SLOT(i)->pid, SIGSTOP_);
}

void hs_stops_itself(const struct thread *t) {
  const struct hs_slot *leader = SLOT(TIDMAP[t->pid]);
  if (leader->state == 1 && leader->pid == t->pid && leader->stopped)
    SYS(HS_NR_kill, t->pid, SIGSTOP_);
}
