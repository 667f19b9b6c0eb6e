/* signals.h: asynchronous signals are caught, kept, and delivered at a call boundary that the log
 * names; the program's handler gets a frame as the kernel would have built it. */
#ifndef HS_SIGNALS_H
#define HS_SIGNALS_H

#include "order.h"

#define HS_BIT(s) (1ul << ((s)-1))
/* Raised by the thread's own instructions: never blocked, never deferred. */
#define HS_SYNCHRONOUS                                                                     \
  (HS_BIT(HS_SIGSYS) | HS_BIT(HS_SIGSEGV) | HS_BIT(HS_SIGTRAP) | HS_BIT(HS_SIGBUS) |      \
   HS_BIT(HS_SIGFPE) | HS_BIT(HS_SIGILL))
#define HS_SA_SIGINFO 4ul
#define HS_SA_ONSTACK 0x08000000ul
#define HS_SA_RESTART 0x10000000ul
#define HS_SA_RESTORER 0x04000000ul
#define HS_SA_NODEFER 0x40000000ul
#define HS_SA_RESETHAND 0x80000000ul

void hs_signals_init(u64 mask, u64 ignored); /* process start, after exec too */
void hs_signals_thread(struct thread *t);    /* alternate stack and mask of a new thread */
void hs_signals_go_live(struct thread *t, int whole_process);
/* A signal that may be delivered now, ignored ones dropped; 0 when there is none. */
int hs_signal_ready(struct thread *t);
/* At the end of a call: delivers what follows its record; may change registers and result. */
void hs_signals_after(struct thread *t, struct regs *g, i64 *result, int restartable);
u64 hs_kernel_mask(const struct thread *t);
void hs_set_kernel_mask(struct thread *t);
u64 hs_ignored_signals(void);
void hs_signal_death(struct thread *t, int signal) __attribute__((noreturn));
void hs_kernel_action(int signal, u64 handler, u64 flags);

#endif
