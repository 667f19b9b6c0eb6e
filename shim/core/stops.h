/* stops.h: which processes of the application are stopped. */
#ifndef HS_STOPS_H
#define HS_STOPS_H

#include "state.h"

/* What a wait has told, on both sides. */
void hs_stops_waited(const struct regs *g, i64 result);
/* Once, by the owner of the turn: nobody else of the application runs. */
void hs_stops_go_live(const struct thread *t);

#endif
