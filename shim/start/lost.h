/* lost.h: processes whose end nobody was told of. */
#ifndef HS_LOST_H
#define HS_LOST_H

/* Once, in init. */
void hs_lost_begin(void);
/* Looks at some of the threads, or at all. */
void hs_lost_look(int all);

#endif
