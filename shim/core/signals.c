/* signals.c: catch, keep, deliver (signals.h).
 *
 * The rule: a handler of the program runs only at a place the backup can find again: after a
 * record that is flagged HS_METHOD_SIGNAL_FOLLOWS, or (faults) at the program's own instruction. */
#include "sigframe.h"

#include "calls.gen.h"
#include "clock.h"
#include "descriptors.h"
#include "evidence.h"
#include "hardware.h"
#include "outbox.h"
#include "pages.h"
#include "ordered.h"
#include "preempt.h"
#include "process.h"
#include "regular.h"
#include "sites.h"
#include "slots.h"
#include "tsc.h"
#include "timers.h"

u32 hs_xsave_bytes;

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
void hs_install(int s, u64 handler, u64 flags) {
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
  hs_xsave_bytes = 576;
  for (u32 feature = 2; feature <= 7; feature++) {
    u32 bytes, offset, c, d;
    if (!((HS_XFEATURES >> feature) & 1)) continue;
    __asm__("cpuid" : "=a"(bytes), "=b"(offset), "=c"(c), "=d"(d) : "a"(0xd), "c"(feature));
    if (bytes && offset + bytes > hs_xsave_bytes) hs_xsave_bytes = offset + bytes;
  }
  t->mask = mask;
  for (int s = 1; s <= 64; s++) {
    hs_process.actions[s].handler = (ignored >> (s - 1)) & 1;
    if (HS_BIT(s) & HS_SYNCHRONOUS)
      hs_kernel_action(s, (u64)on_fault, HS_SA_NODEFER | HS_SA_RESTART);
    else if (recording())
      hs_install(s, hs_process.actions[s].handler, hs_process.actions[s].flags);
  }
  hs_signals_thread(t);
}

void hs_signals_go_live(struct thread *t, int whole_process) {
  for (int s = 1; whole_process && s <= 64; s++)
    hs_install(s, hs_process.actions[s].handler, hs_process.actions[s].flags);
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
  /* should it make no call; else see hs_boundary */
  if (user_code(*ip) && !hs_in_parallel()) hs_tick_soon(t);
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

void hs_save_vectors(u8 *area) {
  memset(area + 512, 0, 64);
  __asm__ volatile("xsave64 (%0)" ::"r"(area), "a"(HS_XFEATURES), "d"(0) : "memory");
}

void hs_load_vectors(const u8 *area) {
  __asm__ volatile("xrstor64 (%0)" ::"r"(area), "a"(HS_XFEATURES), "d"(0) : "memory");
}

static u64 handler_stack(const struct thread *t, const struct kernel_sigaction *k, u64 sp) {
  int on_it = sp >= t->altstack_sp && sp < t->altstack_sp + t->altstack_bytes;
  if ((k->flags & HS_SA_ONSTACK) && t->altstack_bytes && !on_it)
    return t->altstack_sp + t->altstack_bytes;
  return sp - 128; /* the red zone */
}

/* The mask a handler runs with, on top of that of the wait it interrupts; returns the one that
 * it goes back to, which is the program's. */
static u64 enter_mask(struct thread *t, int signal) {
  const struct kernel_sigaction *k = &t->actions[signal];
  u64 old = t->mask;
  t->mask = (t->masked_temporarily ? t->temporary_mask : old) | k->mask |
            ((k->flags & HS_SA_NODEFER) ? 0 : HS_BIT(signal));
  t->masked_temporarily = 0;
  return old;
}

static void touch(void *argument) {
  const struct span *room = argument;
  for (u64 i = 0; i < room->bytes; i += 8) ((volatile u8 *)room->at)[i] |= 0;
}

/* No room for a frame: SIGSEGV instead, as of the kernel; there may be another stack for that. */
static void build_frame(struct thread *t, int signal, const void *info, u64 *r, u64 old_mask);
static void no_frame(struct thread *t, int signal, u64 *r, u64 old_mask) {
  const u32 info[32] = {HS_SIGSEGV, 0, 0x80 /* SI_KERNEL */};
  u64 handler = t->actions[HS_SIGSEGV].handler;
  if (signal == HS_SIGSEGV || handler <= 1 || t->mask & HS_BIT(HS_SIGSEGV))
    hs_signal_death(t, HS_SIGSEGV);
  enter_mask(t, HS_SIGSEGV);
  build_frame(t, HS_SIGSEGV, info, r, old_mask);
}

/* Builds the handler's frame under registers r (kernel order) and points them at the handler. */
static void build_frame(struct thread *t, int signal, const void *info, u64 *r, u64 old_mask) {
  struct kernel_sigaction k = t->actions[signal];
  u64 sp = (handler_stack(t, &k, r[R_RSP]) - 512) & ~63ul;
  u64 fpstate = sp;
  sp = ((sp - 8 - UC_WORDS * 8 - 128) & ~15ul) - 8;
  struct span room = {(void *)sp, fpstate + 512 - sp};
  if (UNLIKELY(hs_try(touch, &room))) return no_frame(t, signal, r, old_mask);
  u64 *frame = (u64 *)sp;
  memset((void *)fpstate, 0, 512);
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
  hs_save_vectors((u8 *)(t->self + HS_T_XSAVE + (t->xsave_depth & 3) * 0x1000ul));
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
  t->steps = 0;
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
  struct kernel_sigaction k = t->actions[s];
  __atomic_and_fetch(&t->pending, ~HS_BIT(s), __ATOMIC_SEQ_CST);
  if (k.handler == 0) hs_signal_death(t, s);
  int whatever = restartable == 2 || (restartable && (k.flags & HS_SA_RESTART));
  int again = whatever && (i64)r[R_RAX] == -HS_EINTR;
  u8 info[128];
  memcpy(info, t->info[s], 128);
  u64 old = enter_mask(t, s);
  hs_set_kernel_mask(t); /* what that lets in is caught here, and delivered on top of this one */
  hs_append_bytes(t, HS_EV_SIGNAL, (u32)s, again, 0, info, 128);
  if (again) make_again(r, nr);
  build_frame(t, s, info, r, old);
  return 1;
}

static int deliver_replayed(struct thread *t, u64 *r, u64 nr) {
  struct hs_record *record = hs_turn(t); /* if that was the last, it goes on as any other */
  if (!record) return 0;
  u32 row = record->method & HS_METHOD_ROW;
  if (row == HS_EV_SIGNAL_DEATH || row == HS_EV_PAGES) hs_signal_death(t, (int)record->object);
  if (row != HS_EV_SIGNAL) hs_diverge(t, record, hs_row_name(row), "a signal");
  int s = (int)record->object & 127;
  u8 info[128];
  memcpy(info, HS_RECORD_DATA(record), 128);
  hs_timer_signal(s, info);
  if (record->result) make_again(r, nr);
  hs_consume(t, record);
  u64 old = enter_mask(t, s);
  build_frame(t, s, info, r, old);
  return 1;
}

int hs_deliver_all(struct thread *t, u64 *r, u64 nr, int restartable) {
  int delivered = 0;
  while (t->signal_follows) {
    t->signal_follows = 0;
    if (recording())
      delivered |= deliver_recorded(t, r, nr, delivered ? 0 : restartable);
    else
      delivered |= deliver_replayed(t, r, nr);
  }
  return delivered;
}

void hs_signals_after(struct thread *t, struct regs *g, i64 *result, int restartable) {
  u64 r[R_COUNT], nr = g->rax;
  to_kernel_order(t, g, *result, r);
  int delivered = hs_deliver_all(t, r, nr, restartable);
  t->masked_temporarily = 0;
  if (!delivered) return;
  from_kernel_order(t, r, g);
  *result = 0;
}

void hs_signal_death(struct thread *t, int signal) {
  hs_order_enter(t); /* a fault is no call */
  if (recording()) hs_outbox_empty(t);
  hs_evidence(t, (u32)signal);
  u64 bytes = 0;
  struct hs_record *r = hs_turn(t);
  if (r) {
    if ((r->method & HS_METHOD_ROW) != HS_EV_SIGNAL_DEATH)
      hs_diverge(t, r, hs_row_name(r->method & HS_METHOD_ROW), "death by a signal");
    if (r->check && r->check != hs_memory_digest(&bytes)) CTL->memoryUnequal++;
    hs_consume(t, r);
    hs_descriptors_end(t, 0);
    hs_leave(t->pid);
    if (CTL->processes) hs_pass_turn_on_exit(t);
    SYS(HS_NR_exit_group, 128 + signal);
  }
  u64 digest = hs_memory_digest(&bytes);
  hs_append(t, HS_EV_SIGNAL_DEATH, (u32)signal, (i64)bytes, digest, NULL, 0);
  hs_descriptors_end(t, 0); /* the kernel will close them: their FINs are the program's own */
  hs_outbox_drain(t);
  hs_leave(t->pid);
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
  if (hs_tick_is(signal, info)) {
    hs_tick(t, context);
    return;
  }
  if (signal == HS_SIGSYS && code == 2 /* SYS_USER_DISPATCH */) {
    if (((u32 *)info)[7] != 0xc000003eu) { /* int $0x80 and friends: as a kernel without them */
      r[R_RAX] = (u64)-HS_ENOSYS;
      return;
    }
    hs_sites_trap(r);
    return;
  }
  if (signal == HS_SIGSYS && code == 1 /* SYS_SECCOMP */) { /* filter.c; the audit counts it */
    r[R_RAX] = (u64)-HS_EPERM;
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
      hs_tsc_stands_at((const u8 *)r[R_RIP])) {
    hs_tsc_read(t, r, ((const u8 *)r[R_RIP])[1] == 0x01);
    context[UC_MASK] = hs_kernel_mask(t); /* another one, if the copy has gone live here */
    return;
  }
  if (signal == HS_SIGTRAP && code == 2 /* TRAP_TRACE */ && hs_step(t, context)) return;
  if (signal == HS_SIGTRAP && hs_sites_is_changing(r[R_RIP] - 1)) {
    r[R_RIP]--;
    return;
  }
  if (signal == HS_SIGTRAP && hs_spin_pass(t, r[R_RIP] - 1, context)) return;
  int kind = signal == HS_SIGTRAP ? hs_tsc_patched(r[R_RIP] - 1) : 0;
  if (kind) {
    r[R_RIP]--;
    if (kind & HS_DRAWN)
      hs_draw(t, r, kind);
    else
      hs_tsc_read(t, r, kind == 2);
    context[UC_MASK] = hs_kernel_mask(t);
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
    hs_load_vectors((const u8 *)context[UC_FPSTATE]); /* the kernel has put them away */
    build_frame(t, signal, info, r, old);
    t->calls++;
    hs_boundary(t);
    context[UC_MASK] = hs_kernel_mask(t);
    return;
  }
  hs_signal_death(t, signal);
}
