/* tsc.h: rdtsc, the input without a system call. Where every rdtsc of a process's code is known it
 * is rewritten to a breakpoint, and time is read through the vDSO; where one may hide, the kernel
 * traps them all (PR_SET_TSC), the vDSO's too, and time costs a system call. */
#ifndef HS_TSC_H
#define HS_TSC_H

#include "state.h"

/* New code of a process: [at, at+bytes) from `file_offset` of the open file `fd`, all of it in the
 * file, whose size (low 32 bits) is `file_bytes`. */
void hs_tsc_code(u64 at, u64 bytes, u64 file_offset, i64 fd, u32 file_bytes);
/* Code from nowhere (a JIT): anything may be in it. */
void hs_tsc_anonymous_code(void);
/* Makes this thread trap rdtsc, or not, as the code of its process now demands. */
void hs_tsc_settle(struct thread *t);
int hs_tsc_stands_at(const u8 *ip);
/* Reads it for the registers r (sigframe.h), by the log or into it, and moves them on. */
void hs_tsc_read(struct thread *t, u64 *r, int rdtscp);
/* Puts a breakpoint there, for an instruction of this kind. 0: there is no room for another. */
int hs_tsc_patch(u64 site, int kind);
/* 0: not one of ours; 1: rdtsc, 2: rdtscp stood at `site`; others: hardware.h. */
int hs_tsc_patched(u64 site);
extern volatile u32 hs_tsc_hidden; /* code ranges that may hold an unknown rdtsc */
extern u32 hs_tsc_fast;            /* the session has a table of known ones */
static inline u32 hs_tsc_wanted(void) { return !hs_tsc_fast || hs_tsc_hidden; }

static inline int hs_tsc_is_stale(const struct thread *t) {
  return t->tsc_trapped != hs_tsc_wanted();
}

#endif
