/* dispatch.c: where every system call of the program arrives (from entry.S).
 *
 * Finds the row, follows its policy, then delivers signals and hands the baton over where the
 * record says so. The rule: policy is the table's; nothing here knows a call by name. */
#include "calls.gen.h"
#include "compare.h"
#include "descriptors.h"
#include "dialled.h"
#include "inherit.h"
#include "ordered.h"
#include "preempt.h"
#include "process.h"
#include "regular.h"
#include "signals.h"
#include "tsc.h"

volatile int hs_mode;
struct process hs_process;

#define X(name) extern irregular_fn hs_irr_##name;
HS_IRREGULARS(X)
#undef X
#define X(name) [HS_IRR_##name] = hs_irr_##name,
irregular_fn *const hs_irregulars[] = {HS_IRREGULARS(X)};
#undef X

static const struct hs_call unknown_call = {.name = "unknown"};

static i64 refuse_unknown(struct thread *t, u64 nr) {
  (void)t;
  CTL->unknownCalls++;
  hs_warn("system call %d has no row in the call table; refused with ENOSYS", nr);
  return -HS_ENOSYS;
}

/* The errno for an argument that the table refuses, 0 for any other. */
static i64 refused_argument(const struct regs *g) {
  const u64 args[6] = {g->rdi, g->rsi, g->rdx, g->r10, g->r8, g->r9};
  for (u64 i = 0; i < sizeof hs_refusals / sizeof *hs_refusals; i++) {
    const struct hs_refusal *f = &hs_refusals[i];
    if (f->nr != g->rax) continue;
    u64 bits = args[f->arg] & f->mask;
    if (f->any ? bits != 0 : bits == f->equals) return f->error;
  }
  return 0;
}

/* A futex wait with a time-out ends with EINTR whatever the handler's flags say, and locking one
 * with priority inheritance never does: 2. */
static int restarts(const struct regs *g, const struct hs_call *c) {
  if (g->rax != HS_NR_futex) return (c->flags & HS_RESTARTS) != 0;
  return hs_inherits(g) ? 2 : g->r10 == 0;
}

/* What the row says; `nr` that no kernel has are questions of our own library. */
static i64 carry_out(struct thread *t, struct regs *g, const struct hs_call *c, u64 nr) {
  if (UNLIKELY(nr == HS_NR_ORDERED)) return hs_ordered_call(t, g);
  hs_order_enter(t);
  i64 result;
  if (c->nargs && c->arg[0].kind == HS_FD && UNLIKELY(hs_is_dialling((int)g->rdi)))
    hs_dial_settle(t, (int)g->rdi);
  switch (c->policy) {
    case HS_REFUSED: return c->refusal;
    case HS_UNKNOWN: return refuse_unknown(t, nr);
    case HS_IRREGULAR:
      result = UNLIKELY(c->refusals) ? refused_argument(g) : 0;
      return LIKELY(!result) ? hs_irregulars[c->irregular](t, g, c) : result;
    default: return hs_regular(t, g, c);
  }
}

/* Aligned: where its lines of code begin is 3 ns of the shortest calls. */
__attribute__((aligned(64))) i64 hs_dispatch(struct regs *g) {
  struct thread *t = self();
  u64 nr = g->rax;
  const struct hs_call *c = nr < HS_CALL_ROWS ? &hs_calls[nr] : &unknown_call;
  t->in_shim = 1;
  t->calls++;
  CTL->calls++;
  if (nr < HS_CALL_ROWS) CTL->rowCalls[nr]++;
  u64 *name = UNLIKELY(hs_process.hides_file) ? hs_own_name(g, c) : NULL, given = 0;
  if (UNLIKELY(name != NULL)) given = *name, *name = (u64)hs_process.executable;
  i64 result = carry_out(t, g, c, nr);
  if (UNLIKELY(name != NULL)) *name = given;
  t->exposed = NULL;
  if (UNLIKELY(t->compare_follows)) hs_compare(t);
  if (UNLIKELY(CTL->lostChunk)) hs_descriptors_lost();
  if (UNLIKELY(t->signal_follows))
    hs_signals_after(t, g, &result, restarts(g, c));
  else
    t->masked_temporarily = 0;
  hs_yield_if_due(t);
  if (hs_tsc_is_stale(t)) hs_tsc_settle(t);
  hs_boundary(t);
  t->in_shim = 0;
  return result;
}
