/* identity.h: who a thread is: users, groups, capabilities, and what binds them. On the primary
 * this is the kernel's own answer, read after each call that may change it and put into the record.
 * The backup's copy keeps real user 0 and the capabilities it needs to follow, but its files see
 * the recorded user; when it goes live it becomes the recorded identity in full (docs/security.md).
 *
 * The rule: who goes on as the program has no right that the record does not give it. */
#ifndef HS_IDENTITY_H
#define HS_IDENTITY_H

#include "order.h"
#include "regular.h"

#define HS_MOST_GROUPS 4096u /* they fit a thread's HS_T_BOUNCE */
/* Primary, at a start: reads who the thread is, as spans of a record. */
u32 hs_identity_first(struct thread *t, struct span spans[2]);
/* Backup: takes what a record says as far as a follower may. */
void hs_identity_follow(struct thread *t, struct hs_record *r, const u8 *data, u64 bytes);
/* Backup, going live: becomes it. Ends the process rather than go on with more rights. */
void hs_identity_assume(struct thread *t);
/* A call, or option of prctl, that may change who the thread is. */
i64 hs_identity_call(struct thread *t, struct regs *g, const struct hs_call *c, u32 object);
int hs_is_identity_option(u64 option);
/* The program's own files under /proc, though a process that changed its user does not own them. */
i64 hs_open_own(struct thread *t, const char *path, u64 flags);
/* Errands of the shim's own on the backup, made with its own rights whoever the program is. */
void hs_errand_begin(struct thread *t);
void hs_errand_end(struct thread *t);
/* One of them: a file that the program has open, or executes. */
i64 hs_open_any(struct thread *t, const char *path, u64 flags);
/* Would the kernel give a program in this file (its stat) other rights than the caller's? */
int hs_gains_rights(struct thread *t, i64 fd, const u32 *st);
/* May this thread tell the kernel which file it executes (PR_SET_MM)? */
int hs_may_name_file(const struct thread *t);

#endif
