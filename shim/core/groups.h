/* groups.h: which threads run program code one at a time, and when that changes. All is called
 * with the baton, or the turn. */
#ifndef HS_GROUPS_H
#define HS_GROUPS_H

#include "state.h"

/* The group a child made with these flags will be of: the parent's, or a fresh one. */
u32 hs_group_of_child(const struct thread *t, u64 flags);
/* The group a thread is of whose program has just been replaced. */
u32 hs_group_of_program(const struct thread *t);
/* The group of the thread that made the record. */
u32 hs_group_of_record(const struct hs_record *r);
/* A thread that has not run yet becomes a member; a member ends. */
void hs_group_join(struct thread *t, u32 group);
void hs_group_part(u32 group);
/* A process was killed: its group's baton went with it, if nobody else is of the group. */
void hs_group_lost(u32 group, u32 pid);
/* The running thread becomes a member of another group. */
void hs_group_change(struct thread *t, u32 group);
/* Once there are two groups: the running thread's gets a baton of its own. */
void hs_groups_split(struct thread *t);
/* Memory may be shared from here on between any processes. Others may run before it returns, so
 * it is called before the call that this is about is made. */
void hs_together(struct thread *t);
/* Backup: the same, at the record of it. */
void hs_together_follow(struct thread *t);

/* sharing.c, the primary's alone: calls by which memory may come to be shared, before they are
 * made; files that the program writes to, after they were opened (`st`: the kernel's stat). */
void hs_sharing_map(struct thread *t, i64 fd, u64 flags);
void hs_sharing_path(struct thread *t, i64 dirfd, u64 path);
void hs_sharing_written(struct thread *t, const void *st);

#endif
