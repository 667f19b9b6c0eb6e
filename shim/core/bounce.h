/* bounce.h: what a call writes while other threads run goes to memory of the shim first (bounce.c).
 *
 * The rule: the program's memory changes only while its thread holds the baton. */
#ifndef HS_BOUNCE_H
#define HS_BOUNCE_H

#include "arguments.h"

/* Where `bytes` at `at`, in the shim, are to go. */
struct bounced {
  u64 at, to, bytes;
};
struct bounce {
  struct bounced part[24];
  u32 n;
  u64 used;
};

/* Points the out-arguments of `call`, a copy of the program's, into the shim. What does not fit, or
 * is not there, stays as it is. Before the baton is given up. */
void hs_bounce_out(struct thread *t, struct regs *call, const struct hs_call *c,
                   const struct before *before, struct bounce *b);
/* Copies what the call wrote to where the program wants it; -EFAULT when that cannot be written,
 * otherwise the result. With the baton. */
i64 hs_bounce_back(const struct regs *call, const struct hs_call *c, i64 result,
                   const struct before *before, const struct bounce *b);

#endif
