/* inherit.h: futexes with priority inheritance, locked and unlocked by the shim (inherit.c).
 *
 * The rule: the kernel is never asked to lock one, so it never writes to its word. */
#ifndef HS_INHERIT_H
#define HS_INHERIT_H

#include "call.h"
#include "state.h"

/* Whether a futex call locks, tries to lock or unlocks such a futex. */
int hs_inherits(const struct regs *g);
i64 hs_inherit(struct thread *t, struct regs *g, const struct hs_call *c);
/* Whoever waits for one looks again. */
void hs_inherit_wake(void);

#endif
