/* queued.h: clients that were connected, or about to be, whom the program had not accepted yet when
 * the primary died. The rule: only one whose client still has the connection is offered. */
#ifndef HS_QUEUED_H
#define HS_QUEUED_H

#include "repair.h"
#include "state.h"

/* Replay: the program has accepted it. */
void hs_queued_forget(const struct hs_tcp *t);
/* Go-live, before clients are asked: those that are left are connections, CONN_QUEUED. */
void hs_queued_gather(void);
/* Then, and whenever there may be room or a listener: has them wait for the program's accept.
 * is_golive: this process still has every right, and makes them, too. */
void hs_queued_offer(int is_golive);
/* Live: the program has accepted `fd`. If that stands for one of them, it becomes it.
 * room: bytes the program has for its peer's address. */
void hs_queued_accepted(const struct regs *g, u32 room, i64 fd);

#endif
