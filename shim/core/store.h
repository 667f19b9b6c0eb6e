/* store.h: descriptors that the backup keeps for the application without being in the number of any
 * process: those on their way in a message, and connections that nobody has accepted yet.
 * The rule: an id stands for one open file; who takes it out owns it. */
#ifndef HS_STORE_H
#define HS_STORE_H

#include "base.h"

/* Ids of connections by their index, beside those that passing.c counts. */
#define HS_STORE_CONN(index) (1ul << 63 | (u64)(index))

/* Keeps a copy of the descriptor; a failure is warned of. */
void hs_store_put(u64 id, i64 fd);
/* A new descriptor of it, close-on-exec not set; -1: there is none. keep: it stays, too. */
i64 hs_store_take(u64 id, int keep);

#endif
