/* locks.h: locks on files, which the backup's copy holds as the primary's does. */
#ifndef HS_LOCKS_H
#define HS_LOCKS_H

#include "order.h"

/* Is it a call that takes or gives a lock (fcntl, flock)? */
int hs_is_lock(const struct regs *g);
/* Backup, at the call's record: takes here what the primary got. */
void hs_lock_follow(struct thread *t, const struct regs *g, const struct hs_call *c,
                    const struct hs_record *r);

#endif
