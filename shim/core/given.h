/* given.h: what a program gives a client while its other threads run (given.c).
 *
 * The rule: the bytes that left are known, whatever the program's memory has become meanwhile. */
#ifndef HS_GIVEN_H
#define HS_GIVEN_H

#include "bounce.h"

/* Copies what an output call passes out into the shim, and points `call`, which starts as the
 * program's `g`, there. Before the baton is given up. 0: it does not fit, or is not there. */
int hs_given_copy(struct thread *t, const struct regs *g, struct regs *call, struct bounce *given);
/* Is it a write to a connection that a copy may have to repeat, while others could run? Does it
 * wait, and pass out more than fits? */
int hs_given_matters(const struct regs *g);
int hs_given_is_large(const struct regs *g);
/* Bytes that an output call passes out. */
u64 hs_given_bytes(const struct regs *g);
/* Appends an output call on a TCP connection: now and then with what the client has confirmed, and
 * with the bytes that left where those are not what the program's memory has now. `given`: of a
 * call made without the baton, else NULL. */
void hs_append_output(struct thread *t, const struct regs *g, const struct hs_call *c, i64 result,
                      const struct bounce *given);

#endif
