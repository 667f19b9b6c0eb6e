/* timers.h: the program's timers, as far as the backup has to follow them. */
#ifndef HS_TIMERS_H
#define HS_TIMERS_H

#include "order.h"

/* Backup: a signal with this siginfo was delivered; a timerfd was read, or made. */
void hs_timer_signal(int signal, const void *info);
void hs_timer_read(i64 fd);
void hs_timer_made(i64 fd, u32 clock);
/* In the child of a fork: descriptors alone are inherited. */
void hs_timers_forked(void);
/* Arms everything for what is left of its time. */
void hs_timers_go_live(void);

#endif
