/* local.h: Unix sockets that have names: their part of bind, connect and accept.
 *
 * The rule: to the backup, a connection within the application is a pair of real sockets. */
#ifndef HS_LOCAL_H
#define HS_LOCAL_H

#include "arguments.h"

i64 hs_local_bind(struct thread *t, struct regs *g, const struct hs_call *c);
i64 hs_local_connect(struct thread *t, struct regs *g, const struct hs_call *c);
/* On the primary: accept, without anybody else taking from the queue in between. */
i64 hs_local_accept(struct thread *t, struct regs *g, const struct hs_call *c);
/* After an accept: is its peer a process of the application? */
void hs_local_accepted(struct thread *t, i64 listener, i64 fd);

#endif
