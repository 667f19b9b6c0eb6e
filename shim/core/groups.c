/* groups.c: sharing groups: which threads run program code one at a time (order.h).
 *
 * Threads of one memory are one group. A process made by fork is a group of its own, unless it
 * inherits memory that it shares with its parent; so is one that replaces its program. When
 * processes may come to share memory in another way (sharing.c), all groups become one, for good.
 * With --schedule parallel there is one group, and no baton. The rule: the primary decides, and its
 * records say so: each carries the group of its thread. */
#include "groups.h"

#include "calls.gen.h"
#include "order.h"
#include "slots.h"
#include "times.h"

enum { CLONE_VM = 0x100 };

/* ---- members ---- */

void hs_group_join(struct thread *t, u32 group) {
  t->group = group;
  t->stamp = group << HS_METHOD_GROUP_SHIFT;
  SLOT(t->slot)->group = group;
  if (GROUP(group)->members++) return;
  CTL->groups++;
  CTL->groupsMade++;
}

void hs_group_part(u32 group) {
  if (!--GROUP(group)->members) CTL->groups--;
}

void hs_group_lost(u32 group, u32 pid) {
  struct hs_lock *baton = &GROUP(group)->baton;
  if (pid == self()->pid || GROUP(group)->members || baton->holder >> 32 != pid) return;
  baton->holder = 0;
  __atomic_store_n(&baton->word, 0, __ATOMIC_RELEASE);
}

u32 hs_group_of_record(const struct hs_record *r) {
  return hs_process.parallel ? 0 : HS_RECORD_GROUP(r);
}

static u32 new_group(const struct thread *t) {
  for (u32 i = 0; i < HS_MAX_GROUPS; i++) {
    u32 group = (CTL->groupHint + i) & (HS_MAX_GROUPS - 1);
    if (GROUP(group)->members) continue;
    CTL->groupHint = group + 1;
    return group;
  }
  return t->group;
}

u32 hs_group_of_child(const struct thread *t, u64 flags) {
  if ((flags & CLONE_VM) || hs_process.shares || CTL->together || CTL->gathering) return t->group;
  return new_group(t);
}

void hs_groups_split(struct thread *t) {
  if (CTL->split || CTL->groups < 2) return;
  hs_group_take(t);
  t->ordered = recording();
  CTL->split = HS_SPLIT_GROUPS;
}

u32 hs_group_of_program(const struct thread *t) {
  int is_own = GROUP(t->group)->members == 1;
  return is_own || CTL->together || CTL->gathering ? t->group : new_group(t);
}

void hs_group_change(struct thread *t, u32 group) {
  u32 old = t->group;
  if (group == old) return;
  if (CTL->split) hs_group_give(t);
  hs_group_join(t, group);
  hs_group_part(old);
  if (CTL->split)
    hs_group_take(t);
  else
    hs_groups_split(t);
}

/* ---- all become one ---- */

static int is_mine(const struct thread *t, u32 group) {
  return GROUP(group)->baton.holder == ((u64)t->pid << 32 | t->tid);
}

static void take_all(struct thread *t) {
  for (u32 group = 0; group < HS_MAX_GROUPS; group++)
    if (group != t->group && GROUP(group)->members) hs_lock_take(&GROUP(group)->baton);
}

/* With every baton in hand: nobody runs program code. */
static void make_one(struct thread *t) {
  CTL->together = 1;
  CTL->split = HS_SPLIT_NONE;
  for (u32 group = 0; group < HS_MAX_GROUPS; group++)
    if (is_mine(t, group)) hs_lock_give(&GROUP(group)->baton);
  t->has_group = t->ordered = 0;
}

/* The others come to their next call, or are stopped: for that they need the order lock. */
static void gather(struct thread *t) {
  CTL->gathering = t->pid;
  hs_times_close(t);
  t->ordered = 0;
  hs_lock_give(&CTL->order);
  take_all(t);
  hs_lock_take(&CTL->order);
  CTL->gathering = 0;
  make_one(t);
  hs_append(t, HS_EV_TOGETHER, 0, 0, 0, NULL, 0);
}

void hs_together(struct thread *t) {
  while (!CTL->together && hs_mode == HS_MODE_RECORD) {
    if (!CTL->split) {
      CTL->together = 1;
    } else if (!CTL->gathering || hs_task_is_dead(CTL->gathering)) {
      gather(t);
    } else { /* another process is at it, and wants this thread's baton */
      hs_baton_give();
      SYS(HS_NR_sched_yield);
      hs_baton_take();
    }
  }
}

void hs_together_follow(struct thread *t) {
  if (!CTL->split) {
    CTL->together = 1;
    return;
  }
  take_all(t);
  make_one(t);
}
