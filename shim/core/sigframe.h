/* sigframe.h: the kernel's signal frame, word by word, and what delivering (signals.c) and the
 * program's own calls about signals (sigcalls.c) share. */
#ifndef HS_SIGFRAME_H
#define HS_SIGFRAME_H

#include "signals.h"

/* The kernel's struct ucontext as words: 5 words, 18 registers, segments, err, trapno, oldmask,
 * cr2, fpstate, 8 reserved, signal mask. */
enum { UC_WORDS = 38, UC_REGS = 5, UC_SEGMENTS = 23, UC_FPSTATE = 28, UC_MASK = 37 };
/* Registers in it: r8..r15 rdi rsi rbp rbx rdx rax rcx rsp rip eflags. */
enum { R_RDI = 8, R_RSI = 9, R_RBP = 10, R_RBX = 11, R_RDX = 12, R_RAX = 13, R_RCX = 14,
       R_RSP = 15, R_RIP = 16, R_FLAGS = 17, R_COUNT = 18 };

#define HS_XFEATURES 0xe7u /* x87, SSE, AVX, AVX-512: what a handler's frame saves */
extern u32 hs_xsave_bytes;

void hs_save_vectors(u8 *area);
void hs_load_vectors(const u8 *area);
/* Leaves the shim for the registers in `uc` (the kernel's order) and the vector state in `area`. */
void hs_resume_at(struct thread *t, u64 *uc, u8 *area) __attribute__((noreturn));
/* Tells the kernel what it is to do with a signal, given what the program asked for. */
void hs_install(int s, u64 handler, u64 flags);
/* Delivers all that follows into registers r (kernel order); 0: nothing did. */
int hs_deliver_all(struct thread *t, u64 *r, u64 nr, int restartable);

#endif
