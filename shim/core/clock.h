/* clock.h: time as the program sees it: recorded on the primary, substituted on the backup,
 * continued without a step when the backup goes live. */
#ifndef HS_CLOCK_H
#define HS_CLOCK_H

#include "state.h"

void hs_clock_init(u64 vdso);
/* From here on the vDSO may be asked: before calls are trapped, one of its own would be a call
 * that nobody sees. */
void hs_clock_arm(void);
/* A trap of the vDSO's own system call (registers in the kernel's order): 1 when it was one. */
int hs_clock_trapped(u64 *registers);
/* Answers a time call without a system call where that is allowed; records it. 0: not answered. */
int hs_clock_read(struct thread *t, struct regs *g, i64 *result);
/* Backup: notes the time the program was told. */
void hs_clock_follow(const struct regs *g, i64 result);
/* Backup going live: offsets such that no clock of the program's jumps back. */
void hs_clock_go_live(void);
/* Live: corrects what a call returned or was given (time calls, absolute deadlines). */
i64 hs_live_fix(struct thread *t, struct regs *g, i64 result);
u64 hs_now_ns(u32 clock);
i64 hs_clock_offset(u32 clock);

#endif
