/* sigcalls.c: the program's own calls about signals: actions, masks, stacks, return from handlers.
 *
 * The rule: they are emulated alike on both sides and need no record, except where a call lets a
 * signal through that was blocked. */
#include "calls.gen.h"
#include "ordered.h"
#include "preempt.h"
#include "regular.h"
#include "sigframe.h"

i64 hs_irr_sigaction(struct thread *t, struct regs *g, const struct hs_call *c) {
  (void)c;
  int s = (int)g->rdi;
  u32 ok;
  if (s < 1 || s > 64 || g->r10 != 8) return -HS_EINVAL;
  struct kernel_sigaction old = t->actions[s];
  if (g->rsi) {
    if (s == HS_SIGKILL || s == HS_SIGSTOP) return -HS_EINVAL;
    if (hs_peek(g->rsi, &ok), !ok) return -HS_EFAULT;
    t->actions[s] = *(struct kernel_sigaction *)g->rsi;
    t->actions[s].mask &= ~(HS_BIT(HS_SIGKILL) | HS_BIT(HS_SIGSTOP));
    if (recording() && !t->vfork_child) hs_install(s, t->actions[s].handler, t->actions[s].flags);
  }
  if (g->rdx) {
    if (hs_peek(g->rdx, &ok), !ok) return -HS_EFAULT;
    *(struct kernel_sigaction *)g->rdx = old;
  }
  return 0;
}

/* Caught already, but blocked now: back to the kernel, which will raise it when it is unblocked. */
static void requeue_blocked(struct thread *t) {
  u64 back = t->pending & t->mask;
  while (back) {
    int s = __builtin_ctzl(back) + 1;
    back &= back - 1;
    __atomic_and_fetch(&t->pending, ~HS_BIT(s), __ATOMIC_SEQ_CST);
    SYS(HS_NR_rt_tgsigqueueinfo, t->pid, t->tid, s, t->info[s]);
  }
}

/* Signals that a call unblocks are delivered before it returns: such a call makes a record. */
static void note_unblocked(struct thread *t, const struct regs *g) {
  struct hs_record *r = hs_turn(t);
  if (r) {
    hs_match(t, g, r, 0);
    hs_consume(t, r);
  } else {
    hs_append(t, (u32)g->rax, 0, 0, 0, NULL, 0);
  }
}

i64 hs_irr_sigprocmask(struct thread *t, struct regs *g, const struct hs_call *c) {
  (void)c;
  u32 ok = 1;
  u64 old = t->mask, set = g->rsi ? hs_peek(g->rsi, &ok) : 0;
  if (g->r10 != 8) return -HS_EINVAL;
  if (!ok) return -HS_EFAULT;
  if (g->rdx && (hs_peek(g->rdx, &ok), !ok)) return -HS_EFAULT;
  if (g->rsi) {
    set &= ~(HS_BIT(HS_SIGKILL) | HS_BIT(HS_SIGSTOP));
    switch ((int)g->rdi) {
      case 0: t->mask = old | set; break;
      case 1: t->mask = old & ~set; break;
      case 2: t->mask = set; break;
      default: return -HS_EINVAL;
    }
  }
  if (g->rdx) *(u64 *)g->rdx = old;
  if (t->mask == old) return 0;
  if (recording()) {
    requeue_blocked(t);
    hs_set_kernel_mask(t); /* what was pending is caught here */
  }
  if (old & ~t->mask) note_unblocked(t, g);
  return 0;
}

i64 hs_irr_sigaltstack(struct thread *t, struct regs *g, const struct hs_call *c) {
  (void)c;
  u32 ok = 1;
  u64 sp = t->altstack_sp, bytes = t->altstack_bytes;
  int is_on_it = bytes && t->app_sp > sp && t->app_sp - sp <= bytes;
  u64 flags = !bytes ? 2 : is_on_it ? 1 : t->altstack_flags;
  if (g->rdi) {
    u64 *set = (u64 *)g->rdi;
    if (hs_peek(g->rdi, &ok), !ok) return -HS_EFAULT;
    if (is_on_it) return -HS_EPERM;
    u32 mode = (u32)set[1] & ~0x80000000u; /* SS_AUTODISARM */
    if (mode != 0 && mode != 1 && mode != 2) return -HS_EINVAL;
    if (mode == 2) {
      t->altstack_sp = t->altstack_bytes = 0;
    } else {
      if (set[2] < 2048) return -HS_ENOMEM;
      t->altstack_sp = set[0];
      t->altstack_flags = 0;
      t->altstack_bytes = set[2];
    }
  }
  if (g->rsi) {
    u64 *old = (u64 *)g->rsi;
    if (hs_peek(g->rsi, &ok), !ok) return -HS_EFAULT;
    old[0] = sp;
    *(u32 *)&old[1] = (u32)flags;
    old[2] = bytes;
  }
  return 0;
}

void hs_resume_at(struct thread *t, u64 *uc, u8 *area) {
  u32 magic[5] = {0x46505853u, hs_xsave_bytes + 4, HS_XFEATURES, 0, hs_xsave_bytes};
  u32 end = 0x46505845u;
  memcpy(area + 464, magic, sizeof magic);
  memcpy(area + hs_xsave_bytes, &end, 4);
  uc[0] = 7;
  uc[2] = t->self + HS_T_ALTSTACK;
  uc[3] = 0;
  uc[4] = HS_T_ALTSTACK_BYTES;
  uc[UC_FPSTATE] = (u64)area;
  uc[UC_REGS + R_FLAGS] = (uc[UC_REGS + R_FLAGS] & 0xcd5u) | 0x202u;
  uc[UC_SEGMENTS] = 0x002b000000000033ul;
  uc[UC_MASK] = hs_kernel_mask(t);
  t->in_shim = 0;
  hs_do_sigreturn((u64)uc);
}

i64 hs_irr_sigreturn(struct thread *t, struct regs *g, const struct hs_call *c) {
  (void)c;
  const u64 *from = (const u64 *)t->app_sp;
  u64 *uc = (u64 *)(t->self + HS_T_CONTEXT);
  u64 frame = t->app_sp - 8, old = t->mask;
  memcpy(uc, from, UC_WORDS * 8);
  t->mask = uc[UC_MASK];
  t->altstack_sp = uc[2];
  t->altstack_bytes = (uc[3] & 2) ? 0 : uc[4];
  /* the vector state of that frame; a longjmp may have left younger ones behind */
  u8 *area = NULL;
  for (u32 d = t->xsave_depth; d > 0 && d + 4 > t->xsave_depth; d--)
    if (t->xsave_frames[(d - 1) & 3] == frame) {
      t->xsave_depth = d - 1;
      area = (u8 *)(t->self + HS_T_XSAVE + ((d - 1) & 3) * 0x1000ul);
      break;
    }
  if (!area) {
    area = (u8 *)(t->self + HS_T_XSAVE);
    hs_save_vectors(area);
  }
  if (recording()) {
    requeue_blocked(t);
    hs_set_kernel_mask(t);
  }
  if (old & ~t->mask) note_unblocked(t, g);
  if (t->signal_follows) { /* it interrupts what this frame goes back to */
    hs_load_vectors(area);
    hs_deliver_all(t, uc + UC_REGS, 0, 0);
    hs_save_vectors(area);
  }
  hs_yield_if_due(t); /* this call does not come to the end that others have */
  hs_boundary(t);
  hs_resume_at(t, uc, area);
}

i64 hs_irr_sigsuspend(struct thread *t, struct regs *g, const struct hs_call *c) {
  u32 ok;
  u64 mask = hs_peek(g->rdi, &ok);
  if (!ok) return -HS_EFAULT;
  t->temporary_mask = mask & ~(HS_BIT(HS_SIGKILL) | HS_BIT(HS_SIGSTOP));
  t->masked_temporarily = 1;
  if (recording() && (t->pending & ~t->temporary_mask)) {
    hs_append(t, (u32)g->rax, 0, -HS_EINTR, hs_check(g, c, -HS_EINTR), NULL, 0);
    return -HS_EINTR;
  }
  struct regs call = *g;
  u64 kernel_mask = t->temporary_mask & ~HS_SYNCHRONOUS;
  struct hs_record *r = recording() ? NULL : hs_next(t);
  if (r) return hs_replay_regular(t, g, c, r);
  call.rdi = (u64)&kernel_mask;
  hs_wake_consumer();
  if (hs_live_with_baton(t)) hs_baton_give();
  i64 result = hs_execute_waiting(t, &call);
  hs_baton_take();
  hs_append(t, (u32)g->rax, 0, result, hs_check(g, c, result), NULL, 0);
  return result;
}
