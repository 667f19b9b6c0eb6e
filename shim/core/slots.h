/* slots.h: one slot per living thread of the application, used again when its thread is gone; and
 * what a thread owes to others when it ends (robust mutexes). */
#ifndef HS_SLOTS_H
#define HS_SLOTS_H

#include "state.h"

/* All with the baton, or the turn. Slots need not be the same on both sides. */
u32 hs_slot_take(void);
void hs_slot_leave(u32 slot);
/* All threads of a process end: of the caller's, or of one that was killed; 0: they had already. */
int hs_leave(u32 pid);
int hs_leave_killed(u32 pid); /* the same, of whoever it is, without a word to anybody */

/* baton.c: no such thread, or it will never run again. */
int hs_task_is_dead(u32 tid);

/* robust.c: what the kernel does for the robust list of a thread that ends; in log order. */
void hs_robust_end(struct thread *t);

#endif
