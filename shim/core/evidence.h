/* evidence.h: all memory of a process in the log, before its end. */
#ifndef HS_EVIDENCE_H
#define HS_EVIDENCE_H

#include "state.h"

/* Records it, or compares with what was recorded; `signal` is the one that ends the process, or 0.
 * Nothing, unless it is asked for. */
void hs_evidence(struct thread *t, u32 signal);

#endif
