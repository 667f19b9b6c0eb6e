/* compare.h: memory of a running process, digested at the same record on both sides. */
#ifndef HS_COMPARE_H
#define HS_COMPARE_H

#include "state.h"

/* Primary, at a record of this row, when the engine has asked for a digest that this process has
 * not made yet: whether it can be made before the call returns. */
int hs_compare_is_due(const struct thread *t, u32 row);
static inline int hs_compare_is_asked(void) { return CTL->compareAsked != hs_process.compared; }
/* At the end of a call whose record says so. */
void hs_compare(struct thread *t);

#endif
