/* process.c: clone in all its forms, exit, wait (process.h); exec.c has exec.
 *
 * Every child is made with clone3, so that the backup can ask for the recorded id (set_tid). The
 * kernel's own asynchronous writes (CLEARTID and the like) are stripped and made in log order.
 * vfork's parent is held by a word that the kernel clears when the child execs or ends. */
#include "process.h"

#include "calls.gen.h"
#include "descriptors.h"
#include "evidence.h"
#include "groups.h"
#include "ordered.h"
#include "outbox.h"
#include "pages.h"
#include "preempt.h"
#include "regular.h"
#include "signals.h"
#include "sites.h"
#include "slots.h"
#include "stops.h"
#include "timers.h"

enum { CLONE_VM = 0x100, CLONE_FILES = 0x400, CLONE_VFORK = 0x4000, CLONE_PARENT = 0x8000,
       CLONE_THREAD = 0x10000,
       CLONE_SETTLS = 0x80000, CLONE_PARENT_SETTID = 0x100000, CLONE_CHILD_CLEARTID = 0x200000,
       CLONE_CHILD_SETTID = 0x1000000 };

struct clone_args {
  u64 flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_bytes, tls, set_tid,
      set_tid_count, cgroup;
};

u32 hs_chunk_new(void) {
  u32 chunk;
  while (__atomic_exchange_n(&CTL->arenaLock, 1, __ATOMIC_ACQUIRE)) __asm__ volatile("pause");
  chunk = CTL->arenaFree;
  if (chunk)
    CTL->arenaFree = *(u32 *)CHUNK(chunk);
  else
    chunk = ++CTL->arenaUsed;
  __atomic_store_n(&CTL->arenaLock, 0, __ATOMIC_RELEASE);
  if (chunk >= HS_ARENA_CHUNKS) hs_die("the shared arena is used up");
  *(u32 *)CHUNK(chunk) = 0;
  return chunk;
}

void hs_chunk_free(u32 chunk) {
  while (__atomic_exchange_n(&CTL->arenaLock, 1, __ATOMIC_ACQUIRE)) __asm__ volatile("pause");
  *(u32 *)CHUNK(chunk) = CTL->arenaFree;
  CTL->arenaFree = chunk;
  __atomic_store_n(&CTL->arenaLock, 0, __ATOMIC_RELEASE);
}

struct thread *hs_thread_new(u32 slot) {
  struct thread *t = thread_at(slot);
  memset(t, 0, sizeof *t);
  t->self = (u64)t;
  t->slot = slot;
  t->stack_top = (u64)t + HS_THREAD_BYTES - 56; /* 15 words below it is 16-byte aligned */
  t->actions = hs_process.actions;
  hs_ordered_thread(t);
  return t;
}

static void enrol(struct thread *t, u32 tid, u32 pid) {
  struct hs_slot *s = SLOT(t->slot);
  t->tid = tid;
  t->pid = pid;
  s->tid = tid;
  s->pid = pid;
  s->fdChunk = t->fd_chunk;
  s->state = 1;
  if (tid < HS_MAX_TID) TIDMAP[tid] = (u16)t->slot;
}

/* Runs first thing in every child, on its own shim stack, with the registers of its parent. */
void hs_child_start(void) {
  struct thread *t = self();
  hs_sites_arm();
  t->tid = (u32)SYS(HS_NR_gettid);
  t->pid = (u32)SYS(HS_NR_getpid);
  if (t->forked) { /* a forked process: this memory is its own now */
    hs_process.pid = t->pid;
    hs_process.dying = 0;
    hs_process.releaser = 0;
    hs_process.threads = 1;
    hs_process.had_threads = 0;
    hs_ordered_mode();
    hs_timers_forked();
  }
  hs_signals_thread(t);
  struct hs_record *r = hs_turn(t);
  if (r) {
    if ((r->method & HS_METHOD_ROW) != HS_EV_THREAD_START)
      hs_diverge(t, r, hs_row_name(r->method & HS_METHOD_ROW), "start of a thread");
    hs_consume(t, r);
  } else {
    if (!hs_live_with_baton(t)) hs_baton_take();
    hs_append(t, HS_EV_THREAD_START, 0, t->tid, 0, NULL, 0);
  }
  if (t->set_tid) *(u32 *)t->set_tid = t->tid;
  hs_boundary(t);
}

/* The child's thread, prepared in the parent; after a fork the child finds its own copy of it. */
static struct thread *prepare(struct thread *t, const struct regs *g, u64 flags, u64 stack,
                              u64 child_tid) {
  u32 slot = hs_slot_take();
  struct thread *child = hs_thread_new(slot);
  struct regs *frame = (struct regs *)(child->stack_top - sizeof(struct regs));
  *frame = *g;
  child->child_frame = (u64)frame;
  child->app_sp = stack ? stack : t->app_sp;
  child->mask = t->mask;
  child->fd_chunk = t->fd_chunk;
  child->actions = t->actions;
  child->pinned = t->pinned;
  child->affinity = t->affinity;
  child->identity = t->identity;
  child->tsc_trapped = t->tsc_trapped; /* the kernel's flag is inherited too */
  if (!(flags & CLONE_VM) || (flags & CLONE_VFORK)) {
    child->altstack_sp = t->altstack_sp;
    child->altstack_flags = t->altstack_flags;
    child->altstack_bytes = t->altstack_bytes;
  }
  if (!(flags & CLONE_VM) && t->xsave_depth) {
    child->xsave_depth = t->xsave_depth;
    memcpy(child->xsave_frames, t->xsave_frames, sizeof t->xsave_frames);
    memcpy((u8 *)child + HS_T_XSAVE, (u8 *)t + HS_T_XSAVE, 0x4000);
  }
  child->forked = !(flags & CLONE_VM);
  child->live_noted = t->live_noted;
  if (!(flags & CLONE_THREAD)) {
    child->fd_chunk = hs_chunk_new();
    memcpy(CHUNK(child->fd_chunk), CHUNK(t->fd_chunk), HS_CHUNK_BYTES);
    hs_descriptors_shared();
    if (flags & CLONE_VM) {
      child->vfork_child = 1;
      child->actions = (struct kernel_sigaction *)((u8 *)child + HS_T_ACTIONS);
      memcpy(child->actions, t->actions, 65 * sizeof *t->actions);
    }
  }
  if (flags & CLONE_CHILD_SETTID) child->set_tid = child_tid;
  if (flags & CLONE_CHILD_CLEARTID) child->clear_tid = child_tid;
  return child;
}

static void mark_shared_descriptors(void) {
  volatile u32 *fds = FDS;
  for (u32 i = 0; i < HS_MAX_FD; i++)
    if (fds[i]) fds[i] |= FD_SHARED;
}

static void hold_for_vfork(struct thread *t, volatile u32 *word) {
  struct hs_record *r;
  if (recording()) {
    hs_wake_consumer();
    hs_baton_give();
    for (u32 v; (v = *word) != 0;) SYS(HS_NR_futex, word, 0, v, 0);
    hs_baton_take();
    hs_append(t, HS_EV_RESUME, 0, 0, 0, NULL, 0);
    return;
  }
  r = hs_turn(t);
  for (u32 v; (v = *word) != 0;) SYS(HS_NR_futex, word, 0, v, 0);
  if (!r) return;
  if ((r->method & HS_METHOD_ROW) != HS_EV_RESUME)
    hs_diverge(t, r, hs_row_name(r->method & HS_METHOD_ROW), "resume after vfork");
  hs_consume(t, r);
}

i64 hs_irr_clone(struct thread *t, struct regs *g, const struct hs_call *c) {
  u64 flags = 0, stack = 0, parent_tid = 0, child_tid = 0, tls = 0, signal = HS_SIGCHLD;
  i64 set_tid, tid;
  if (g->rax == HS_NR_clone) {
    flags = g->rdi & ~0xfful, signal = g->rdi & 0xff, stack = g->rsi, parent_tid = g->rdx;
    child_tid = g->r10, tls = g->r8;
  } else if (g->rax == HS_NR_vfork) {
    flags = CLONE_VM | CLONE_VFORK;
  }
  struct hs_record *r = hs_turn(t);
  if (r) {
    hs_match(t, g, r, hs_check(g, c, r->result));
    if (r->result < 0) {
      i64 error = r->result;
      hs_consume(t, r);
      return error;
    }
    set_tid = r->result;
  } else if (!(flags & CLONE_THREAD)) {
    hs_outbox_drain(t);
    mark_shared_descriptors();
  }
  u32 group = r ? r->object : hs_group_of_child(t, flags);
  int at_once = group != t->group || ((flags & CLONE_THREAD) && hs_process.parallel);
  if (at_once && t->pinned) hs_unpin(t); /* the two need not share a processor */
  struct thread *child = prepare(t, g, flags, stack, child_tid);
  hs_group_join(child, group);
  int thread = (flags & CLONE_THREAD) != 0;
  child->tls = (flags & CLONE_SETTLS) ? tls : t->tls;
  if (thread) hs_process.had_threads = 1;
  struct clone_args args = {
      .flags = flags & ~(u64)(CLONE_VFORK | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID |
                              CLONE_CHILD_CLEARTID),
      /* clone3 refuses one for a sibling too, which gets its parent's */
      .exit_signal = thread || (flags & CLONE_PARENT) ? 0 : signal,
      .tls = tls,
      .set_tid = r ? (u64)&set_tid : 0,
      .set_tid_count = r ? 1 : 0};
  /* the child leaves the shim's stack before it uses one, so any valid area will do */
  if (flags & CLONE_VM) args.stack = child->stack_top - 4096, args.stack_bytes = 1024;
  if (flags & CLONE_VFORK) {
    t->vfork_word = 1;
    args.flags |= CLONE_CHILD_CLEARTID;
    args.child_tid = (u64)&t->vfork_word;
  }
  if (thread) {
    args.flags |= CLONE_CHILD_CLEARTID;
    args.child_tid = (u64)&SLOT(child->slot)->kernelTid;
  }
  CTL->threads++;
  /* a signal that met the child before it knows which thread it is would be lost */
  u64 all = ~HS_SYNCHRONOUS;
  SYS(HS_NR_rt_sigprocmask, 2 /* SETMASK */, &all, 0, 8);
  tid = hs_clone(&args, sizeof args, child);
  hs_set_kernel_mask(t);
  if (tid < 0) {
    CTL->threads--;
    SLOT(child->slot)->kernelTid = 0;
    hs_group_part(group);
    hs_slot_leave(child->slot);
    if (r) hs_diverge_values(t, r, "a child with the recorded id", (u64)set_tid, (u64)tid);
    hs_append(t, (u32)g->rax, 0, tid, hs_check(g, c, tid), NULL, 0);
    return tid;
  }
  enrol(child, (u32)tid, thread ? t->pid : (u32)tid);
  if (thread)
    CTL->threadsMade++, hs_process.threads++;
  else
    CTL->processesMade++, CTL->processes++, CTL->forks++;
  if ((flags & CLONE_PARENT_SETTID) && parent_tid) *(u32 *)parent_tid = (u32)tid;
  if (r)
    hs_consume(t, r);
  else
    hs_append(t, (u32)g->rax, group, tid, hs_check(g, c, tid), NULL, 0);
  hs_groups_split(t);
  if (flags & CLONE_VFORK) hold_for_vfork(t, &t->vfork_word);
  return tid;
}

/* ---- the end ---- */

static void clear_word(void *word) { *(volatile u32 *)word = 0; }

static void wake_joiner(struct thread *t) {
  hs_tick_forget(t);
  if (!t->clear_tid) return;
  hs_try(clear_word, (void *)t->clear_tid); /* it may be gone: the kernel does not mind */
  if (recording()) SYS(HS_NR_futex, t->clear_tid, 1, 0x7fffffff);
}

static void leave(struct thread *t) {
  hs_robust_end(t);
  hs_slot_leave(t->slot);
  CTL->threads--, hs_process.threads--;
  hs_ordered_end(t);
  wake_joiner(t);
}

i64 hs_irr_exit_group(struct thread *t, struct regs *g, const struct hs_call *c);

i64 hs_irr_exit(struct thread *t, struct regs *g, const struct hs_call *c) {
  if (t->vfork_child || hs_process.threads == 1) { /* the last thread ends the process */
    g->rax = HS_NR_exit_group;
    return hs_irr_exit_group(t, g, &hs_calls[HS_NR_exit_group]);
  }
  struct hs_record *r = hs_turn(t);
  if (r) {
    hs_match(t, g, r, hs_check(g, c, 0));
    leave(t);
    hs_consume(t, r);
    hs_pass_turn_on_exit(t);
  } else {
    hs_append(t, HS_NR_exit, 0, (i64)g->rdi, hs_check(g, c, 0), NULL, 0);
    leave(t);
    hs_baton_give();
  }
  SYS(HS_NR_exit, g->rdi);
  __builtin_unreachable();
}

i64 hs_irr_exit_group(struct thread *t, struct regs *g, const struct hs_call *c) {
  if (recording()) hs_outbox_empty(t);
  hs_evidence(t, 0);
  struct hs_record *r = hs_turn(t);
  u64 bytes = 0, digest;
  if (r) {
    hs_match(t, g, r, hs_check(g, c, 0));
    memcpy(&digest, HS_RECORD_DATA(r), 8);
    if (digest && hs_memory_digest(&bytes) != digest) CTL->memoryUnequal++;
    hs_consume(t, r);
    hs_descriptors_end(t, 0);
    hs_leave(t->pid);
    if (CTL->processes) hs_pass_turn_on_exit(t);
  } else {
    digest = t->vfork_child ? 0 : hs_memory_digest(&bytes);
    hs_append_bytes(t, HS_NR_exit_group, 0, (i64)g->rdi, hs_check(g, c, 0), &digest, 8);
    hs_descriptors_end(t, 0);
    hs_outbox_drain(t); /* the last FINs */
    hs_leave(t->pid);
    if (!t->vfork_child) hs_process.dying = t->pid;
    hs_wake_consumer();
    hs_baton_give();
  }
  SYS(HS_NR_exit_group, g->rdi);
  __builtin_unreachable();
}

/* Init of the primary has found it gone: lost.c. */
void hs_killed(struct thread *t, struct hs_record *r) {
  hs_consume(t, r);
  hs_descriptors_killed(t->fd_chunk);
  hs_leave_killed(t->pid);
  if (CTL->processes) hs_pass_turn_on_exit(t);
  SYS(HS_NR_kill, t->pid, HS_SIGKILL);
  for (;;) SYS(HS_NR_pause);
}

/* ---- wait: the backup's child has the same id and has come to the same end ---- */

/* The child that the call has found to have ended, 0 for none. */
static u32 ended_child(const struct regs *g, i64 result) {
  if (g->rax == HS_NR_wait4 && result > 0) {
    if (!g->rsi && (g->rdx & 10)) return 0; /* WUNTRACED, WCONTINUED: it may have stopped */
    u32 status = g->rsi ? *(u32 *)g->rsi : 0;
    int stopped = (status & 0xff) == 0x7f || status == 0xffff;
    return stopped ? 0 : (u32)result;
  }
  if (g->rax == HS_NR_waitid && result == 0 && g->rdx && !(g->r10 & 0x01000000 /* WNOWAIT */)) {
    const u32 *info = (const u32 *)g->rdx;
    u32 code = info[2]; /* CLD_EXITED, CLD_KILLED, CLD_DUMPED */
    return code >= 1 && code <= 3 ? info[4] : 0;
  }
  return 0;
}

i64 hs_irr_wait(struct thread *t, struct regs *g, const struct hs_call *c) {
  struct hs_record *r = recording() ? NULL : hs_next(t);
  i64 result = r ? hs_replay_regular(t, g, c, r)
                 : hs_record_regular(t, g, c, recording() ? 1 : hs_live_with_baton(t));
  hs_stops_waited(g, result);
  u32 pid = ended_child(g, result), status;
  if (!pid) return result;
  /* one that has come to no recorded end was killed by what cannot be caught */
  u32 chunk = 0;
  for (u32 i = 0; i < CTL->slots; i++)
    if (SLOT(i)->state == 1 && SLOT(i)->pid == pid) chunk = SLOT(i)->fdChunk;
  int killed = hs_leave(pid);
  if (killed) hs_descriptors_killed(chunk);
  if (!r) return result;
  if (killed) SYS(HS_NR_kill, pid, HS_SIGKILL);
  SYS(HS_NR_wait4, pid, &status, 0x40000000 /* __WALL */, 0);
  return result;
}

i64 hs_irr_set_tid_address(struct thread *t, struct regs *g, const struct hs_call *c) {
  (void)c;
  t->clear_tid = g->rdi; /* the kernel's own write would come at a time of its choosing */
  return t->tid;
}
