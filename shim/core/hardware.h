/* hardware.h: instructions whose result is an input: the time stamp counter (tsc.h) and random bits
 * (rdrand, rdseed, rdpid). The latter the kernel cannot trap: their places are found as code is
 * mapped and get a breakpoint. */
#ifndef HS_HARDWARE_H
#define HS_HARDWARE_H

#include "state.h"

/* New code of a process: [at, at+bytes) from `file_offset` of the open file `fd`. */
void hs_hardware_code(u64 at, u64 bytes, u64 file_offset, i64 fd);

/* Makes the instruction at registers r (sigframe.h) and steps over it. */
void hs_draw(struct thread *t, u64 *r, int kind);
/* Kinds of hs_tsc_patched that are hs_draw's have this bit. */
#define HS_DRAWN 0x100

#endif
