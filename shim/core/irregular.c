/* irregular.c: calls whose row points to a function and that belong to no family with its own
 * file. Each function opens with the fact that makes the call irregular. */
#include "calls.gen.h"
#include "connections.h"
#include "descriptors.h"
#include "identity.h"
#include "inherit.h"
#include "outbox.h"
#include "pages.h"
#include "preempt.h"
#include "regular.h"
#include "signals.h"

/* The kernel's wake order is the baton's order: a wait is given up the baton for, and its record
 * comes when the thread has it again. Only WAKE_OP and requeueing
 * to a futex with priority inheritance write to the program's memory; inherit.c has the others. */
i64 hs_irr_futex(struct thread *t, struct regs *g, const struct hs_call *c) {
  u32 op = (u32)g->rsi & 127;
  if (UNLIKELY(hs_inherits(g))) return hs_inherit(t, g, c);
  if (UNLIKELY(t->pinned) && (op == 0 || op == 9)) hs_unpin(t);
  int waits = op == 0 || op == 9 || op == 6 || op == 11 || op == 13;
  int writes = op >= 5 && op != 9 && op != 10;
  struct hs_record *r = recording() ? NULL : hs_next(t);
  if (r) {
    i64 result = r->result;
    hs_match(t, g, r, hs_check(g, c, -1));
    if (r->data) {
      const u32 *words = (const u32 *)HS_RECORD_DATA(r);
      *(u32 *)g->rdi = words[0];
      if ((op == 5 || op >= 11) && g->r8) *(u32 *)g->r8 = words[1];
    }
    hs_consume(t, r);
    return result;
  }
  int held = recording() && (hs_mode == HS_MODE_RECORD || hs_live_with_baton(t));
  if (hs_mode == HS_MODE_LIVE) held = hs_live_with_baton(t);
  i64 result;
  if (waits) {
    struct regs call = *g;
    u64 scratch[2];
    if (hs_mode == HS_MODE_LIVE) hs_shorten(t, &call, scratch);
    t->wait_start_ns = 0;
    hs_wake_before_wait();
    if (held) hs_baton_give();
    result = hs_execute_waiting(t, &call);
    hs_baton_take();
  } else {
    if (!held) hs_baton_take();
    result = hs_execute(g);
  }
  u32 words[2] = {0, 0};
  if (result < 0) writes = 0;
  if (writes) {
    words[0] = *(u32 *)g->rdi;
    if ((op == 5 || op >= 11) && g->r8) words[1] = *(u32 *)g->r8;
  }
  hs_append_bytes(t, HS_NR_futex, (u32)op, result, hs_check(g, c, -1), words, writes ? 8 : 0);
  return result;
}

static u64 prctl_out(const struct regs *g, i64 result) {
  if (result < 0) return 0;
  switch (g->rdi) {
    case 0x41555856: return g->rdx < (u64)result ? g->rdx : (u64)result; /* PR_GET_AUXV */
    case 16: return 16;                 /* PR_GET_NAME */
    case 2: case 9: case 11: case 19: case 25: case 37: return 4; /* PDEATHSIG FPEMU .. TSC .. */
    case 40: return 8;                  /* PR_GET_TID_ADDRESS */
    default: return 0;
  }
}

/* Arguments that the kernel does not look at hold what was left there, and are not asked about. */
static void forget_unused(struct regs *g) {
  static const u64 two = HS_BIT(1) | HS_BIT(2) | HS_BIT(4) | HS_BIT(5) | HS_BIT(6) | HS_BIT(8) |
                         HS_BIT(9) | HS_BIT(10) | HS_BIT(11) | HS_BIT(12) | HS_BIT(14) |
                         HS_BIT(15) | HS_BIT(16) | HS_BIT(19) | HS_BIT(20) | HS_BIT(23) |
                         HS_BIT(24) | HS_BIT(25) | HS_BIT(28) | HS_BIT(29) | HS_BIT(36) |
                         HS_BIT(37) | HS_BIT(40);
  static const u64 one = HS_BIT(3) | HS_BIT(7) | HS_BIT(13) | HS_BIT(21) | HS_BIT(27) |
                         HS_BIT(30);
  u64 option = HS_BIT((u32)g->rdi & 63);
  if ((u32)g->rdi - 1 > 62 || !((one | two) & option)) return;
  if (one & option) g->rsi = 0;
  g->rdx = g->r10 = g->r8 = 0;
}

/* Some options change this process and are made on both sides. */
i64 hs_irr_prctl(struct thread *t, struct regs *given, const struct hs_call *c) {
  struct regs copy = *given, *g = &copy;
  forget_unused(g);
  if (hs_is_identity_option((u32)g->rdi)) return hs_identity_call(t, g, c, (u32)g->rdi);
  struct hs_record *r = hs_turn(t);
  i64 result = r ? r->result : hs_execute(g);
  u64 bytes = prctl_out(g, result);
  if (!r && (int)g->rdi == 3 && hs_process.hides_dumpable) result = 1; /* PR_GET_DUMPABLE */
  if (!r) {
    hs_append_bytes(t, HS_NR_prctl, (u32)g->rdi, result, hs_check(g, c, -1), (void *)g->rsi,
                    bytes);
    return result;
  }
  hs_match(t, g, r, hs_check(g, c, -1));
  /* names of a thread, of a mapping; PR_SET_CHILD_SUBREAPER: whose child an orphan becomes */
  if (g->rdi == 15 || g->rdi == 0x53564d41 || g->rdi == 36) hs_execute(g);
  memcpy((void *)g->rsi, HS_RECORD_DATA(r), bytes);
  hs_consume(t, r);
  return result;
}

/* fs is the program's thread pointer; gs is the shim's. */
i64 hs_irr_arch_prctl(struct thread *t, struct regs *g, const struct hs_call *c) {
  (void)c;
  if (g->rdi == 0x1002 /* ARCH_SET_FS */) t->tls = g->rsi;
  return hs_execute(g);
}

/* The list is walked by the kernel when a thread dies, at a time of its own. */
i64 hs_irr_robust_list(struct thread *t, struct regs *g, const struct hs_call *c) {
  u32 ok;
  if (g->rax == HS_NR_set_robust_list) {
    if (g->rsi != 24) return -HS_EINVAL;
    t->robust_list = g->rdi;
    return 0;
  }
  if ((u32)g->rdi != 0 && (u32)g->rdi != t->tid) return hs_regular(t, g, c);
  if ((hs_peek(g->rsi, &ok), !ok) || (hs_peek(g->rdx, &ok), !ok)) return -HS_EFAULT;
  *(u64 *)g->rsi = t->robust_list;
  *(u64 *)g->rdx = 24;
  return 0;
}

/* What the shim itself maps: shared memory counts against RLIMIT_AS alone. */
static u64 shim_mappings(int as) {
  u64 own = HS_MAX_SLOTS * HS_THREAD_BYTES + 3 * HS_STUBS_BYTES + HS_PAGE_LIST_BYTES +
            (8ul << 20);
  if (hs_process.parallel) own += HS_OBJECTS_BYTES;
  return as ? own + HS_SESSION_BYTES + 2 * CTL->ringBytes + (8ul << 20) : own;
}

/* RLIMIT_AS and RLIMIT_DATA count the shim's mappings too: the kernel is given as much more, the
 * program is told its own value. */
static i64 limit_memory(struct thread *t, struct regs *g, int as) {
  u64 set = g->rax == HS_NR_setrlimit ? g->rsi : g->rax == HS_NR_prlimit64 ? g->rdx : 0;
  u64 get = g->rax == HS_NR_getrlimit ? g->rsi : g->rax == HS_NR_prlimit64 ? g->r10 : 0;
  u64 *shown = hs_process.limit_shown[as], fresh[2] = {0, 0};
  u64 resource = as ? 9 : 2;
  u32 ok;
  (void)t;
  if (!hs_process.limit_set[as]) SYS(HS_NR_prlimit64, 0, resource, 0, shown);
  hs_process.limit_set[as] = 1;
  if (set) {
    fresh[0] = hs_peek(set, &ok);
    fresh[1] = ok ? hs_peek(set + 8, &ok) : 0;
    if (!ok) return -HS_EFAULT;
    hs_preempt_reserve();
    u64 real[2] = {fresh[0], fresh[1]};
    for (int i = 0; i < 2; i++)
      if (real[i] < ~0ul - shim_mappings(as)) real[i] += shim_mappings(as);
    i64 e = fresh[0] > fresh[1] ? -HS_EINVAL : SYS(HS_NR_prlimit64, 0, resource, real, 0);
    if (e) return e;
  }
  if (get) {
    if ((hs_peek(get, &ok), !ok) || (hs_peek(get + 8, &ok), !ok)) return -HS_EFAULT;
    ((u64 *)get)[0] = shown[0];
    ((u64 *)get)[1] = shown[1];
  }
  if (set) shown[0] = fresh[0], shown[1] = fresh[1];
  return 0;
}

/* What is lowered under the numbers that the program cannot see is never raised again. */
static void keep_view(u64 set) {
  u32 ok;
  u64 hard = hs_peek(set + 8, &ok);
  if (ok && hard < (u64)HIDDEN(HID_COUNT)) hs_pages_keep();
}

/* Limits that change what descriptors and mappings the kernel gives hold on both sides. */
i64 hs_irr_rlimit(struct thread *t, struct regs *g, const struct hs_call *c) {
  u64 resource = g->rax == HS_NR_prlimit64 ? g->rsi : g->rdi;
  if ((resource == 9 || resource == 2) && (g->rax != HS_NR_prlimit64 || !g->rdi ||
                                           g->rdi == t->pid))
    return limit_memory(t, g, resource == 9);
  int sets = g->rax == HS_NR_setrlimit || (g->rax == HS_NR_prlimit64 && g->rdx);
  if (sets && resource == 7 /* NOFILE */) keep_view(g->rax == HS_NR_setrlimit ? g->rsi : g->rdx);
  struct hs_record *r = recording() ? NULL : hs_next(t);
  if (!r) return hs_record_regular(t, g, c, recording() ? 1 : hs_live_with_baton(t));
  if (sets && r->result == 0) {
    if (g->rax == HS_NR_setrlimit)
      SYS(HS_NR_setrlimit, g->rdi, g->rsi);
    else
      SYS(HS_NR_prlimit64, g->rdi, g->rsi, g->rdx, 0);
  }
  return hs_replay_regular(t, g, c, r);
}
