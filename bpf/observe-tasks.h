/* observe-tasks.h: the threads being watched, each with a storage of its own, and the records that
 * tell what becomes of them.
 * The rule: a thread is watched if and only if it has a storage; whoever makes one counts it. */
#ifndef HS_OBSERVE_TASKS_H
#define HS_OBSERVE_TASKS_H

/* Results above this, as unsigned numbers, are errors. */
#define ERRORS 4095ul

const volatile struct hs_observe_settings settings;
struct hs_observe_state state;

enum mode {
  WATCHED = 0,
  BORN = 1,   /* its fork or clone has not returned in it yet: that return is no call of its own */
  WAITING = 2 /* the command before the end of its execve: not the program yet */
};

struct watched {
  __u64 entered; /* 0: not in a call whose entry was seen */
  __u64 ip;      /* at that entry: execve and rt_sigreturn come back elsewhere */
  __u32 mode;
  __u32 space;
  __u32 row;
  __u32 pid, tid; /* as the observer sees them */
};

struct {
  __uint(type, BPF_MAP_TYPE_TASK_STORAGE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, int);
  __type(value, struct watched);
} tasks SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 1 << 20);
} facts SEC(".maps");

/* A process or thread id in the observer's namespace; the kernel's own where it is the first. */
static __always_inline __u32 number_of(struct task_struct *task) {
  struct pid *pid;
  struct upid at_level = {};
  __u32 level = state.level & 31u;
  if (level == 0) return (__u32)BPF_CORE_READ(task, pid);
  pid = BPF_CORE_READ(task, thread_pid);
  if (BPF_CORE_READ(pid, level) < level) return 0;
  bpf_probe_read_kernel(&at_level, sizeof(at_level), &pid->numbers[level]);
  return (__u32)at_level.nr;
}

static __always_inline void fill(struct hs_observe_fact *fact, __u32 happened,
                                 struct watched *of) {
  fact->happened = happened;
  fact->pid = of->pid;
  fact->tid = of->tid;
  fact->parent = 0;
  fact->space = of->space;
  fact->pad = 0;
  fact->timeNs = bpf_ktime_get_ns();
  fact->a = fact->b = fact->c = fact->d = 0;
  fact->comm[0] = 0;
}

/* A record without its path; to be given back with bpf_ringbuf_submit. */
static __always_inline struct hs_observe_fact *short_fact(__u32 happened, struct watched *of) {
  struct hs_observe_fact *fact = bpf_ringbuf_reserve(&facts, HS_OBSERVE_SHORT, 0);
  if (!fact) {
    lose(HS_OBSERVE_LOST_FACTS, 1);
    return NULL;
  }
  fill(fact, happened, of);
  return fact;
}

static __always_inline struct hs_observe_fact *long_fact(__u32 happened, struct watched *of) {
  struct hs_observe_fact *fact = bpf_ringbuf_reserve(&facts, sizeof(*fact), 0);
  if (!fact) {
    lose(HS_OBSERVE_LOST_FACTS, 1);
    return NULL;
  }
  fill(fact, happened, of);
  fact->path[0] = 0;
  return fact;
}

static __always_inline struct watched *mark(struct task_struct *task, __u32 mode, __u32 space) {
  struct watched first = {.mode = mode, .space = space};
  first.tid = number_of(task);
  first.pid = number_of(task->group_leader);
  struct watched *own = bpf_task_storage_get(&tasks, task, &first, BPF_LOCAL_STORAGE_GET_F_CREATE);
  if (own) __sync_fetch_and_add(&state.live, 1);
  else lose(HS_OBSERVE_LOST_THREADS, 1);
  return own;
}

#endif
