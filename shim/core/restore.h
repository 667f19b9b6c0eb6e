/* restore.h: TCP connections at go-live. */
#ifndef HS_RESTORE_H
#define HS_RESTORE_H

#include "arguments.h"
#include "connections.h"

/* Makes this process's connections again, and finishes those the program had closed. Nobody else
 * of the application runs. */
void hs_restore_connections(void);

/* The same for one that the program has only just accepted: `fd` is a socket that is neither bound
 * nor connected (queued.c). */
void hs_restore_queued(i64 fd, struct hs_conn *k);

/* Live: what the program writes again, and its client has already (only with `async`), is not
 * sent. 1: the call is answered, perhaps for a part of its bytes. */
int hs_restored_skip(struct regs *g, i64 *result);

#endif
