/* signals.c: catch, keep, deliver (signals.h).
 *
 * The rule: a handler of the program runs only at a place the backup can find again: after a
 * record that is flagged HS_METHOD_SIGNAL_FOLLOWS, or (faults) at the program's own instruction. */
#include "signals.h"

#include "calls.gen.h"
#include "clock.h"
#include "regular.h"
#include "sites.h"
#include "tsc.h"

/* The kernel's struct ucontext as words: 5 words, 18 registers, segments, err, trapno, oldmask,
 * cr2, fpstate, 8 reserved, signal mask. */
enum { UC_WORDS = 38, UC_REGS = 5, UC_SEGMENTS = 23, UC_FPSTATE = 28, UC_MASK = 37 };
/* Registers in it: r8..r15 rdi rsi rbp rbx rdx rax rcx rsp rip eflags. */
enum { R_RDI = 8, R_RSI = 9, R_RBP = 10, R_RBX = 11, R_RDX = 12, R_RAX = 13, R_RCX = 14,
       R_RSP = 15, R_RIP = 16, R_FLAGS = 17, R_COUNT = 18 };

#define XFEATURES 0xe7u /* x87, SSE, AVX, AVX-512: what a handler's frame saves */
static u32 xsave_bytes;

static int default_is_fatal(int s) {
  return !(s == HS_SIGCHLD || s == 23 || s == 28 || (s >= 18 && s <= 22) || s == HS_SIGKILL);
}

static void on_caught(int signal, void *info, u64 *context);
static void on_fault(int signal, void *info, u64 *context);

void hs_kernel_action(int signal, u64 handler, u64 flags) {
  struct kernel_sigaction k = {handler, flags, (u64)hs_restorer, ~HS_SYNCHRONOUS};
  if (handler > 1) k.flags = flags | HS_SA_RESTORER | HS_SA_ONSTACK | HS_SA_SIGINFO;
  SYS(HS_NR_rt_sigaction, signal, &k, 0, 8);
}

/* What the kernel is told for a signal, given what the program asked for. */
static void install(int s, u64 handler, u64 flags) {
  flags &= 3; /* SA_NOCLDSTOP, SA_NOCLDWAIT */
  if (s == HS_SIGKILL || s == HS_SIGSTOP || (HS_BIT(s) & HS_SYNCHRONOUS)) return;
  if (handler == 1)
    hs_kernel_action(s, 1, 0);
  else if (handler == 0 && !default_is_fatal(s))
    hs_kernel_action(s, 0, flags);
  else
    hs_kernel_action(s, (u64)on_caught, flags);
}

u64 hs_kernel_mask(const struct thread *t) {
  /* what is caught and not yet delivered stays blocked: further ones queue in the kernel */
  return recording() ? (t->mask | t->pending) & ~HS_SYNCHRONOUS : ~HS_SYNCHRONOUS;
}
void hs_set_kernel_mask(struct thread *t) {
  u64 mask = hs_kernel_mask(t);
  SYS(HS_NR_rt_sigprocmask, 2 /* SETMASK */, &mask, 0, 8);
}

void hs_signals_thread(struct thread *t) {
  u64 stack[3] = {t->self + HS_T_ALTSTACK, 0, HS_T_ALTSTACK_BYTES};
  SYS(HS_NR_sigaltstack, stack, 0);
  hs_set_kernel_mask(t);
}

void hs_signals_init(u64 mask, u64 ignored) {
  struct thread *t = self();
  xsave_bytes = 576;
  for (u32 feature = 2; feature <= 7; feature++) {
    u32 bytes, offset, c, d;
    if (!((XFEATURES >> feature) & 1)) continue;
    __asm__("cpuid" : "=a"(bytes), "=b"(offset), "=c"(c), "=d"(d) : "a"(0xd), "c"(feature));
    if (bytes && offset + bytes > xsave_bytes) xsave_bytes = offset + bytes;
  }
  t->mask = mask;
  for (int s = 1; s <= 64; s++) {
    hs_process.actions[s].handler = (ignored >> (s - 1)) & 1;
    if (HS_BIT(s) & HS_SYNCHRONOUS)
      hs_kernel_action(s, (u64)on_fault, HS_SA_NODEFER);
    else if (recording())
      install(s, hs_process.actions[s].handler, hs_process.actions[s].flags);
  }
  hs_signals_thread(t);
}

void hs_signals_go_live(struct thread *t, int whole_process) {
  for (int s = 1; whole_process && s <= 64; s++) install(s, hs_process.actions[s].handler, hs_process.actions[s].flags);
  hs_set_kernel_mask(t);
}

u64 hs_ignored_signals(void) {
  u64 set = 0;
  for (int s = 1; s <= 64; s++)
    if (hs_process.actions[s].handler == 1) set |= HS_BIT(s);
  return set;
}

static int user_code(u64 ip) {
  return !(ip >= HS_CORE_BASE && ip < HS_CORE_END) && !hs_is_stub(ip);
}

/* ---- catching ---- */

static void on_caught(int signal, void *info, u64 *context) {
  struct thread *t = self();
  u64 *ip = &context[UC_REGS + R_RIP];
  memcpy(t->info[signal], info, 128);
  __atomic_or_fetch(&t->pending, HS_BIT(signal), __ATOMIC_SEQ_CST);
  context[UC_MASK] |= HS_BIT(signal) & ~HS_SYNCHRONOUS;
  if (*ip >= (u64)hs_wait_begin && *ip < (u64)hs_wait_end) *ip = (u64)hs_wait_interrupted;
}

int hs_signal_ready(struct thread *t) {
  u64 blocked = t->masked_temporarily ? t->temporary_mask : t->mask;
  for (;;) {
    u64 ready = t->pending & ~blocked;
    if (!ready) return 0;
    int s = __builtin_ctzl(ready) + 1;
    u64 handler = t->actions[s].handler;
    if (handler > 1 || (handler == 0 && default_is_fatal(s))) return s;
    __atomic_and_fetch(&t->pending, ~HS_BIT(s), __ATOMIC_SEQ_CST);
  }
}

/* ---- delivering ---- */

static void save_vectors(u8 *area) {
  memset(area + 512, 0, 64);
  __asm__ volatile("xsave64 (%0)" ::"r"(area), "a"(XFEATURES), "d"(0) : "memory");
}

static u64 handler_stack(const struct thread *t, const struct kernel_sigaction *k, u64 sp) {
  int on_it = sp >= t->altstack_sp && sp < t->altstack_sp + t->altstack_bytes;
  if ((k->flags & HS_SA_ONSTACK) && t->altstack_bytes && !on_it)
    return t->altstack_sp + t->altstack_bytes;
  return sp - 128; /* the red zone */
}

/* Builds the handler's frame under registers r (kernel order) and points them at the handler. */
static void build_frame(struct thread *t, int signal, const void *info, u64 *r, u64 old_mask) {
  struct kernel_sigaction k = t->actions[signal];
  u64 sp = (handler_stack(t, &k, r[R_RSP]) - 512) & ~63ul;
  u64 fpstate = sp;
  memset((void *)fpstate, 0, 512);
  sp = ((sp - 8 - UC_WORDS * 8 - 128) & ~15ul) - 8;
  u64 *frame = (u64 *)sp;
  memset(frame, 0, 8 + UC_WORDS * 8 + 128);
  frame[0] = k.restorer;
  u64 *uc = frame + 1;
  uc[0] = 6;
  uc[2] = t->altstack_sp;
  uc[3] = t->altstack_bytes ? t->altstack_flags : 2 /* SS_DISABLE */;
  uc[4] = t->altstack_bytes;
  memcpy(uc + UC_REGS, r, R_COUNT * 8);
  uc[UC_SEGMENTS] = 0x002b000000000033ul;
  uc[UC_FPSTATE] = fpstate;
  uc[UC_MASK] = old_mask;
  memcpy(uc + UC_WORDS, info, 128);
  save_vectors((u8 *)(t->self + HS_T_XSAVE + (t->xsave_depth & 3) * 0x1000ul));
  t->xsave_frames[t->xsave_depth++ & 3] = sp;
  CTL->signals++;
  if (k.flags & HS_SA_RESETHAND) t->actions[signal].handler = 0;
  r[R_RIP] = k.handler;
  r[R_RDI] = (u64)signal;
  r[R_RSI] = (u64)(uc + UC_WORDS);
  r[R_RDX] = (u64)uc;
  r[R_RAX] = 0;
  r[R_RSP] = sp;
  r[R_FLAGS] &= ~0x500ul; /* direction and trap flags */
}

/* The mask a handler runs with; returns the one before. */
static u64 enter_mask(struct thread *t, int signal) {
  const struct kernel_sigaction *k = &t->actions[signal];
  u64 old = t->mask;
  t->mask = old | k->mask | ((k->flags & HS_SA_NODEFER) ? 0 : HS_BIT(signal));
  t->masked_temporarily = 0;
  return old;
}

static void to_kernel_order(const struct thread *t, const struct regs *g, i64 result, u64 *r) {
  u64 v[R_COUNT] = {g->r8,  g->r9,  g->r10, 0,      g->r12,      g->r13, g->r14, g->r15, g->rdi,
                    g->rsi, g->rbp, g->rbx, g->rdx, (u64)result, g->rip, t->app_sp, g->rip,
                    g->flags};
  memcpy(r, v, sizeof v);
}
static void from_kernel_order(struct thread *t, const u64 *r, struct regs *g) {
  g->r8 = r[0], g->r9 = r[1], g->r10 = r[2], g->r12 = r[4], g->r13 = r[5], g->r14 = r[6];
  g->r15 = r[7], g->rdi = r[R_RDI], g->rsi = r[R_RSI], g->rbp = r[R_RBP], g->rbx = r[R_RBX];
  g->rdx = r[R_RDX], g->rip = r[R_RIP];
  g->flags = r[R_FLAGS];
  t->app_sp = r[R_RSP];
}

static void make_again(u64 *r, u64 nr) {
  r[R_RIP] -= HS_STUB_ENTRY_BYTES;
  r[R_RAX] = nr;
}

static int deliver_recorded(struct thread *t, u64 *r, u64 nr, int restartable) {
  int s = hs_signal_ready(t);
  if (!s) return 0;
  u64 old = 0;
  struct kernel_sigaction k = t->actions[s];
  __atomic_and_fetch(&t->pending, ~HS_BIT(s), __ATOMIC_SEQ_CST);
  if (k.handler == 0) hs_signal_death(t, s);
  int again = restartable && (i64)r[R_RAX] == -HS_EINTR && (k.flags & HS_SA_RESTART);
  old = enter_mask(t, s);
  hs_append_bytes(t, HS_EV_SIGNAL, (u32)s, again, 0, t->info[s], 128);
  if (again) make_again(r, nr);
  build_frame(t, s, t->info[s], r, old);
  return 1;
}

static int deliver_replayed(struct thread *t, u64 *r, u64 nr) {
  struct hs_record *record = hs_next(t);
  if (!record) return 0;
  u32 row = record->method & HS_METHOD_ROW;
  if (row == HS_EV_SIGNAL_DEATH) hs_signal_death(t, (int)record->object);
  if (row != HS_EV_SIGNAL) hs_diverge(t, record, hs_row_name(row), "a signal");
  int s = (int)record->object & 127;
  u8 info[128];
  memcpy(info, HS_RECORD_DATA(record), 128);
  if (record->result) make_again(r, nr);
  hs_consume(t, record);
  u64 old = enter_mask(t, s);
  build_frame(t, s, info, r, old);
  return 1;
}

static int deliver_all(struct thread *t, u64 *r, u64 nr, int restartable) {
  int delivered = 0;
  while (t->signal_follows) {
    t->signal_follows = 0;
    if (recording())
      delivered |= deliver_recorded(t, r, nr, restartable && !delivered);
    else
      delivered |= deliver_replayed(t, r, nr);
  }
  if (delivered && recording()) hs_set_kernel_mask(t);
  return delivered;
}

void hs_signals_after(struct thread *t, struct regs *g, i64 *result, int restartable) {
  u64 r[R_COUNT], nr = g->rax;
  to_kernel_order(t, g, *result, r);
  int delivered = deliver_all(t, r, nr, restartable);
  t->masked_temporarily = 0;
  if (!delivered) return;
  from_kernel_order(t, r, g);
  *result = 0;
}

void hs_signal_death(struct thread *t, int signal) {
  u64 bytes = 0, digest = hs_memory_digest(&bytes);
  struct hs_record *r = hs_turn(t);
  if (r) {
    if ((r->method & HS_METHOD_ROW) != HS_EV_SIGNAL_DEATH)
      hs_diverge(t, r, hs_row_name(r->method & HS_METHOD_ROW), "death by a signal");
    if (r->check != digest) CTL->memoryUnequal++;
    hs_consume(t, r);
    hs_pass_turn_on_exit(t);
    SYS(HS_NR_exit_group, 128 + signal);
  }
  hs_append(t, HS_EV_SIGNAL_DEATH, (u32)signal, (i64)bytes, digest, NULL, 0);
  hs_process.dying = t->pid;
  hs_wake_consumer();
  hs_baton_give();
  hs_kernel_action(signal, 0, 0);
  u64 mask = ~HS_BIT(signal);
  SYS(HS_NR_rt_sigprocmask, 2, &mask, 0, 8);
  SYS(HS_NR_tgkill, t->pid, t->tid, signal);
  SYS(HS_NR_exit_group, 128 + signal);
  __builtin_unreachable();
}

/* ---- faults: the program's own instructions ---- */

static int is_tsc(const u8 *ip) {
  return ip[0] == 0x0f && (ip[1] == 0x31 || (ip[1] == 0x01 && ip[2] == 0xf9));
}

static void read_tsc(struct thread *t, u64 *r, int rdtscp) {
  u64 value;
  struct hs_record *record = hs_turn(t);
  CTL->tscReads++;
  if (record) {
    if ((record->method & HS_METHOD_ROW) != HS_EV_TSC)
      hs_diverge(t, record, hs_row_name(record->method & HS_METHOD_ROW), "rdtsc");
    value = (u64)record->result;
    hs_consume(t, record);
  } else {
    u32 low, high;
    if (t->tsc_trapped) SYS(HS_NR_prctl, 26 /* PR_SET_TSC */, 1);
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    if (t->tsc_trapped) SYS(HS_NR_prctl, 26, 2);
    value = (u64)high << 32 | low;
    hs_append(t, HS_EV_TSC, 0, (i64)value, 0, NULL, 0);
  }
  r[R_RAX] = (u32)value;
  r[R_RDX] = value >> 32;
  if (rdtscp) r[R_RCX] = 0;
  r[R_RIP] += rdtscp ? 3 : 2;
}

static void report_own_fault(int signal, u64 ip, u64 address) {
  char text[160], *p = text;
  p = hs_put(p, "the shim itself faulted: signal ");
  p = hs_put_dec(p, signal);
  p = hs_put(p, " at 0x");
  p = hs_put_hex(p, ip);
  p = hs_put(p, " address 0x");
  p = hs_put_hex(p, address);
  *p = 0;
  hs_die(text);
}

static void on_fault(int signal, void *info, u64 *context) {
  struct thread *t = self();
  u64 *r = context + UC_REGS;
  int code = ((int *)info)[2];
  if (signal == HS_SIGSYS && code == 2 /* SYS_USER_DISPATCH */) {
    if (((u32 *)info)[7] != 0xc000003eu) { /* int $0x80 and friends: as a kernel without them */
      r[R_RAX] = (u64)-HS_ENOSYS;
      return;
    }
    hs_sites_trap(r);
    return;
  }
  if (r[R_RIP] == (u64)hs_peek_load) {
    r[R_RIP] = (u64)hs_peek_fault;
    return;
  }
  if (code <= 0) { /* sent by somebody, not raised here */
    on_caught(signal, info, context);
    return;
  }
  if (signal == HS_SIGSEGV && code == 0x80 && user_code(r[R_RIP]) &&
      is_tsc((const u8 *)r[R_RIP])) {
    read_tsc(t, r, ((const u8 *)r[R_RIP])[1] == 0x01);
    return;
  }
  int kind = signal == HS_SIGTRAP ? hs_tsc_patched(r[R_RIP] - 1) : 0;
  if (kind) {
    r[R_RIP]--;
    read_tsc(t, r, kind == 2);
    return;
  }
  if (t->guard && (signal == HS_SIGSEGV || signal == HS_SIGBUS) && !user_code(r[R_RIP])) {
    r[R_RIP] = (u64)hs_try_failed;
    r[R_RSP] = t->guard;
    return;
  }
  if (!user_code(r[R_RIP])) report_own_fault(signal, r[R_RIP], ((u64 *)info)[2]);
  if (t->actions[signal].handler > 1 && !(t->mask & HS_BIT(signal))) {
    u64 old = enter_mask(t, signal);
    build_frame(t, signal, info, r, old);
    context[UC_MASK] = hs_kernel_mask(t);
    return;
  }
  hs_signal_death(t, signal);
}

/* ---- the program's calls about signals: emulated alike on both sides, no record needed ---- */

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
    if (recording() && !t->vfork_child) install(s, t->actions[s].handler, t->actions[s].flags);
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
  u64 sp = t->altstack_sp, flags = t->altstack_bytes ? t->altstack_flags : 2,
      bytes = t->altstack_bytes;
  if (g->rdi) {
    u64 *set = (u64 *)g->rdi;
    if (hs_peek(g->rdi, &ok), !ok) return -HS_EFAULT;
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
    save_vectors(area);
  }
  if (recording()) {
    requeue_blocked(t);
    hs_set_kernel_mask(t);
  }
  if (old & ~t->mask) note_unblocked(t, g);
  if (t->signal_follows) { /* it interrupts what this frame goes back to */
    __asm__ volatile("xrstor64 (%0)" ::"r"(area), "a"(XFEATURES), "d"(0) : "memory");
    deliver_all(t, uc + UC_REGS, 0, 0);
    save_vectors(area);
  }
  u32 magic[5] = {0x46505853u, xsave_bytes + 4, XFEATURES, 0, xsave_bytes};
  u32 end = 0x46505845u;
  memcpy(area + 464, magic, sizeof magic);
  memcpy(area + xsave_bytes, &end, 4);
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
