/* observe-detail.h: what the level `full` notes of a call beside its time: where it came from, the
 * arguments that decide what it means, mappings of code and of shared memory.
 * It runs at the end of a call: what the kernel has read of the program's memory is there now, and
 * what the call made has a number.
 * The rule: which arguments decide is no matter of this file: `settings.rules` says it. */
#ifndef HS_OBSERVE_DETAIL_H
#define HS_OBSERVE_DETAIL_H

#define MMAP_NR 9
#define SHMAT_NR 30
#define OPEN_NR 2
#define OPENAT_NR 257
#define OPENAT2_NR 437

static __always_inline __u64 argument_of(struct pt_regs *regs, __u32 at) {
  switch (at) {
    case 0: return regs->di;
    case 1: return regs->si;
    case 2: return regs->dx;
    case 3: return regs->r10;
    case 4: return regs->r8;
    default: return regs->r9;
  }
}

static __always_inline void tally_rule(struct pt_regs *regs, __u32 row, __u32 which) {
  const volatile struct hs_observe_rule *rule = &settings.rules[row][which & 1u];
  __u16 kind = rule->kind;
  if (kind == HS_OBSERVE_NONE) return;
  __u32 what = HS_OBSERVE_ARGUMENT | row | (which ? HS_OBSERVE_SECOND : 0);
  __u32 at = rule->argument;
  __u64 value = argument_of(regs, at);
  if (kind == HS_OBSERVE_PAIR) {
    value = (value & 0xffffffffu) | argument_of(regs, at + 1) << 32;
  } else if (kind == HS_OBSERVE_WORD) {
    if (bpf_probe_read_user(&value, sizeof(value), (void *)value)) return;
  } else if (kind == HS_OBSERVE_FAMILY) {
    __u16 family = 0;
    if (!value || bpf_probe_read_user(&family, sizeof(family), (void *)value)) return;
    value = family;
  }
  tally(what, 0, value & rule->mask);
}

/* A mapping of code, or one that others can see written. */
static __noinline int tell_mapping(struct task_struct *task, struct watched *own,
                                   struct pt_regs *regs, long result) {
  if (!own || !task || !regs) return 0;
  __u64 prot = regs->dx, flags = regs->r10;
  bool isCode = (prot & 4) && !(flags & 0x20);
  bool isShared = (flags & 1) && (prot & 2);
  if (!isCode && !isShared) return 0;
  struct hs_observe_fact *fact = long_fact(HS_OBSERVE_MAP, own);
  if (!fact) return 0;
  fact->a = (__u64)result;
  fact->b = regs->si;
  fact->c = regs->r9;
  fact->d = (prot & 0xffffffffu) | flags << 32;
  if (!(flags & 0x20)) write_path(file_of(task, regs->r8), fact->path);
  bpf_ringbuf_submit(fact, BPF_RB_NO_WAKEUP);
  return 0;
}

static __always_inline void tell_shmat(struct watched *own, struct pt_regs *regs, long result) {
  struct hs_observe_fact *fact = short_fact(HS_OBSERVE_MAP, own);
  if (!fact) return;
  fact->a = (__u64)result;
  fact->c = regs->di;
  fact->d = 3ull | 1ull << 32 | 1ull << 63; /* the highest bit: a segment of System V */
  bpf_ringbuf_submit(fact, BPF_RB_NO_WAKEUP);
}

static __always_inline void detail_of(struct task_struct *task, struct watched *own,
                                      struct pt_regs *regs, __u32 row, long result, __u64 ip) {
  if (ip) tally(HS_OBSERVE_SITE | row, own->space, ip);
  if (row >= HS_OBSERVE_NATIVE) return;
  tally_rule(regs, row, 0);
  tally_rule(regs, row, 1);
  if ((__u64)result >= -ERRORS) return;
  if (row == MMAP_NR) tell_mapping(task, own, regs, result);
  else if (row == SHMAT_NR) tell_shmat(own, regs, result);
  else if (row == OPENAT_NR || row == OPENAT2_NR) tally_text(row, (const char *)regs->si);
  else if (row == OPEN_NR) tally_text(row, (const char *)regs->di);
}

#endif
