/* stops.h: which processes of the application are stopped. */
#ifndef HS_STOPS_H
#define HS_STOPS_H

#include "state.h"

/* What a wait has told, on both sides. */
void hs_stops_waited(const struct regs *g, i64 result);
/* Once, by the owner of the turn: nobody else of the application runs. */
void hs_stops_go_live(const struct thread *t);
/* The same for who has found the end of the log, once the others know. With several groups that may
 * be a process that is stopped: it only waited for its next record. */
void hs_stops_itself(const struct thread *t);

#endif
