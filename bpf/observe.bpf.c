/* observe.bpf.c: watches the system calls of a tree of processes for hs-trace: counts, times,
 * where they came from and what decided their meaning, aggregated here; and, when asked, every
 * call as a record. observe.h is the contract, docs/trace.md tells the costs.
 *
 * A watched thread has a storage of its own in `tasks`: the one look-up that a call costs, for
 * strangers too. It is made when a watched thread forks, and goes with the thread.
 *
 * The rule: no hash on the way of a call at the levels below `full`, and nothing at all for a
 * level that was not asked for: `settings` is constant when the verifier sees it. */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "observe.h"
#include "observe-path.h"
#include "observe-tally.h"
#include "observe-tasks.h"
#include "observe-detail.h"

char LICENSE[] SEC("license") = "GPL";

#define SIGKILL_NUMBER 9
#define SIGSTOP_NUMBER 19
#define COMPAT_CALL 2u /* TS_COMPAT of thread_info.status: entered as an i386 call */
#define CLONE_NR 56
#define VFORK_NR 58
#define CLONE3_NR 435
#define SIGRETURN_NR 15

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, HS_OBSERVE_ROWS);
  __type(key, __u32);
  __type(value, struct hs_observe_count);
} counts SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, HS_OBSERVE_ROWS);
  __type(key, __u32);
  __type(value, struct hs_observe_time);
} times SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 1 << 24);
} events SEC(".maps");

/* ---------------------------------------------------------------------------- calls */

static __always_inline __u32 row_of(struct task_struct *task, __u64 nr) {
  if (task->thread_info.status & COMPAT_CALL) {
    return nr < HS_OBSERVE_OTHER - HS_OBSERVE_NATIVE ? (__u32)nr + HS_OBSERVE_NATIVE
                                                     : HS_OBSERVE_OTHER;
  }
  return nr < HS_OBSERVE_NATIVE ? (__u32)nr : HS_OBSERVE_OTHER;
}

static __always_inline __u32 bucket_of(__u64 value) {
  __u32 bits = 0, part = (__u32)(value >> 32), step;
  if (part) bits = 32;
  else part = (__u32)value;
  step = (part > 0xffffu) << 4; part >>= step; bits += step;
  step = (part > 0xffu) << 3; part >>= step; bits += step;
  step = (part > 0xfu) << 2; part >>= step; bits += step;
  step = (part > 0x3u) << 1; part >>= step; bits += step;
  bits += part >> 1;
  return bits < HS_OBSERVE_BUCKETS ? bits : HS_OBSERVE_BUCKETS - 1;
}

static __always_inline void count_time(__u32 row, __u64 ns) {
  struct hs_observe_time *time = bpf_map_lookup_elem(&times, &row);
  if (!time) return;
  time->ns += ns;
  time->buckets[bucket_of(ns)]++;
}

static __always_inline void stream(struct watched *own, __u64 ip, __u32 row, long result,
                                   __u64 now, __u64 ns) {
  struct hs_observe_event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
  if (!event) {
    lose(HS_OBSERVE_LOST_EVENTS, 1);
    return;
  }
  event->timeNs = now;
  event->ns = ns;
  event->ip = ip;
  event->result = result;
  event->pid = own->pid;
  event->tid = own->tid;
  event->row = row;
  event->pad = 0;
  bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
}

/* Returns whether the end of this call is not one of a call of the program's own. */
static __always_inline bool is_prologue(struct watched *own, __u32 row, long result) {
  if (own->mode == WAITING) return true;
  own->mode = WATCHED;
  return result == 0 && ((row >= CLONE_NR && row <= VFORK_NR) || row == CLONE3_NR);
}

SEC("tp_btf/sys_enter")
int BPF_PROG(on_enter, struct pt_regs *regs, long nr) {
  struct task_struct *task = bpf_get_current_task_btf();
  struct watched *own = bpf_task_storage_get(&tasks, task, 0, 0);
  if (!own) return 0;
  own->row = row_of(task, (__u64)nr);
  if (settings.detail >= HS_OBSERVE_FULL || settings.streams) own->ip = regs->ip;
  own->entered = bpf_ktime_get_ns();
  return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_exit, struct pt_regs *regs, long result) {
  struct task_struct *task = bpf_get_current_task_btf();
  struct watched *own = bpf_task_storage_get(&tasks, task, 0, 0);
  if (!own) return 0;
  __u32 row = row_of(task, regs->orig_ax);
  if (own->mode != WATCHED && is_prologue(own, row, result)) return 0;
  /* rt_sigreturn restores -1 with the other registers: the number is not there any more. */
  if (row == HS_OBSERVE_OTHER && (__s32)regs->orig_ax == -1) row = SIGRETURN_NR;
  struct hs_observe_count *count = bpf_map_lookup_elem(&counts, &row);
  if (!count) return 0;
  count->count++;
  if ((__u64)result >= -ERRORS) count->errors++;
  if (settings.detail == HS_OBSERVE_COUNTS && !settings.streams) return 0;
  __u64 now = bpf_ktime_get_ns(), ns = 0, ip = regs->ip;
  if (own->entered) {
    ns = now - own->entered;
    own->entered = 0;
    ip = own->ip;
    if (settings.detail >= HS_OBSERVE_LATENCIES) count_time(row, ns);
  }
  if (settings.detail >= HS_OBSERVE_FULL) detail_of(task, own, regs, row, result, ip);
  if (settings.streams) stream(own, ip, row, result, now, ns);
  return 0;
}

/* ---------------------------------------------------------------------------- the tree */

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child) {
  struct watched *of_parent = bpf_task_storage_get(&tasks, parent, 0, 0);
  bool isProcess = child->tgid != parent->tgid;
  __u32 mode = BORN, space = 0;
  if (of_parent) {
    space = of_parent->space;
  } else {
    if (!state.arming || (__u32)parent->tgid != state.self || !isProcess) return 0;
    mode = WAITING;
  }
  struct watched *own = mark(child, mode, space);
  if (!own) return 0;
  struct hs_observe_fact *fact = short_fact(HS_OBSERVE_FORK, own);
  if (!fact) return 0;
  fact->a = isProcess;
  fact->parent = of_parent ? of_parent->pid : 0;
  bpf_get_current_comm(fact->comm, sizeof(fact->comm));
  bpf_ringbuf_submit(fact, BPF_RB_NO_WAKEUP);
  return 0;
}

/* AT_BASE: where the dynamic loader lies. */
static __always_inline __u64 loader_of(struct mm_struct *mm) {
  for (__u32 i = 0; i < 40; i += 2) {
    __u64 pair[2] = {};
    bpf_probe_read_kernel(pair, sizeof(pair), &mm->saved_auxv[i]);
    if (pair[0] == 7) return pair[1];
    if (pair[0] == 0) break;
  }
  return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, int before, struct linux_binprm *program) {
  struct watched *own = bpf_task_storage_get(&tasks, task, 0, 0);
  if (!own) return 0;
  bool isRoot = own->mode == WAITING;
  if (settings.detail >= HS_OBSERVE_FULL && own->entered && own->space) {
    /* Where it was called from is gone when it comes back. */
    tally_shared(HS_OBSERVE_SITE | own->row, own->space, own->ip);
  }
  own->ip = 0;
  own->tid = own->pid; /* whichever thread it was, it is the first one now */
  own->space = __sync_fetch_and_add(&state.spaces, 1) + 1;
  own->mode = WATCHED;
  struct hs_observe_fact *fact = long_fact(HS_OBSERVE_EXEC, own);
  if (fact) {
    fact->a = task->mm->start_code;
    fact->b = loader_of(task->mm);
    bpf_get_current_comm(fact->comm, sizeof(fact->comm));
    write_path(program->file, fact->path);
    bpf_ringbuf_submit(fact, BPF_RB_NO_WAKEUP);
  }
  if (!isRoot) return 0;
  if (settings.stops) bpf_send_signal(SIGSTOP_NUMBER);
  state.arming = 0;
  /* Last: whoever sees it may let the program go on. */
  __sync_lock_test_and_set(&state.root, own->pid);
  return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_end, struct task_struct *task) {
  struct watched *own = bpf_task_storage_get(&tasks, task, 0, 0);
  if (!own) return 0;
  __sync_fetch_and_add(&state.live, -1);
  struct hs_observe_fact *fact = short_fact(HS_OBSERVE_EXIT, own);
  if (!fact) return 0;
  fact->a = task->signal->live.counter == 0;
  /* An exit_group, or a fatal signal of any thread, is the process's; else its last thread's. */
  fact->b = (__u32)(task->signal->flags & 4 /* SIGNAL_GROUP_EXIT */
    ? task->signal->group_exit_code : task->exit_code);
  bpf_get_current_comm(fact->comm, sizeof(fact->comm));
  bpf_ringbuf_submit(fact, BPF_RB_NO_WAKEUP);
  return 0;
}

SEC("tp_btf/signal_deliver")
int BPF_PROG(on_signal, int number) {
  struct watched *own = bpf_task_storage_get(&tasks, bpf_get_current_task_btf(), 0, 0);
  /* The SIGKILL that ends the other threads of a process is nobody's. */
  if (!own || number == SIGKILL_NUMBER) return 0;
  tally_shared(HS_OBSERVE_SIGNAL | (__u32)number, 0, own->pid);
  return 0;
}

/* On the first instruction of a function that may answer without a call. */
SEC("uprobe")
int on_library(struct pt_regs *regs) {
  struct watched *own = bpf_task_storage_get(&tasks, bpf_get_current_task_btf(), 0, 0);
  if (!own) return 0;
  tally_shared(HS_OBSERVE_LIBRARY, own->space, PT_REGS_IP(regs));
  return 0;
}

/* Walked by the observer itself: who it is, and, of a process that runs, threads and descendants.
 * A fork during the walk is seen by on_fork if its parent is marked, else by the next walk. */
SEC("iter/task")
int walk(struct bpf_iter__task *ctx) {
  struct task_struct *task = ctx->task, *self = bpf_get_current_task_btf();
  if (!task) return 0;
  state.self = (__u32)self->tgid;
  state.level = BPF_CORE_READ(self, thread_pid, level);
  if (!settings.target || task->tgid == self->tgid) return 0;
  if (bpf_task_storage_get(&tasks, task, 0, 0)) return 0;
  struct task_struct *leader = task->group_leader, *parent = task->real_parent;
  __u32 space = 0;
  struct watched *kin = leader ? bpf_task_storage_get(&tasks, leader, 0, 0) : NULL;
  if (kin) space = kin->space;
  else if (!parent || !bpf_task_storage_get(&tasks, parent, 0, 0)) {
    if (number_of(task) != settings.target && number_of(leader) != settings.target) return 0;
  }
  if (!space) space = __sync_fetch_and_add(&state.spaces, 1) + 1;
  struct watched *own = mark(task, WATCHED, space);
  if (!own) return 0;
  state.marked++;
  struct hs_observe_fact *fact = short_fact(HS_OBSERVE_FOUND, own);
  if (!fact) return 0;
  fact->a = task->pid == task->tgid;
  fact->parent = parent ? number_of(parent->group_leader) : 0;
  bpf_probe_read_kernel_str(fact->comm, sizeof(fact->comm), task->comm);
  bpf_ringbuf_submit(fact, BPF_RB_NO_WAKEUP);
  return 0;
}
