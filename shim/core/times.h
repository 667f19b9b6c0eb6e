/* times.h: consecutive reads of the time by one thread share a record. */
#ifndef HS_TIMES_H
#define HS_TIMES_H

#include "state.h"

/* One read in the data of a TIMES record (src/calls/events.ts). */
struct hs_time_read {
  u64 ns;    /* what the clock said */
  u32 row;   /* of the call */
  u32 check; /* digest of the values it was called with */
};

/* Primary: notes a read in the thread's open record. 0: it must have a record of its own. */
int hs_times_append(struct thread *t, u32 row, u64 ns, u32 check);
/* Publishes the open record; whoever reserves another one, waits, or gives the baton up does. */
void hs_times_close(struct thread *t);
/* Backup: the next read of the record. */
i64 hs_times_replay(struct thread *t, struct regs *g, const struct hs_call *c,
                    struct hs_record *r);
/* Puts a read where the call wants it; what the call returns. */
i64 hs_times_put(struct regs *g, u64 ns);

#endif
