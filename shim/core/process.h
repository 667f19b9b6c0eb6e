/* process.h: birth and death of threads and processes, in recorded order, with the same ids. */
#ifndef HS_PROCESS_H
#define HS_PROCESS_H

#include "state.h"

struct thread *hs_thread_new(u32 slot);
/* Backup: the process was killed where this record stands, which is DEATH. */
void hs_killed(struct thread *t, struct hs_record *r) __attribute__((noreturn));
/* Arena chunks (64 KiB): descriptor tables, held and retained output. */
u32 hs_chunk_new(void);
void hs_chunk_free(u32 chunk);
/* exec.c: the register that names the program's own file through /proc, or NULL. */
u64 *hs_own_name(struct regs *g, const struct hs_call *c);
/* start.c: replaces the program by another; returns only -errno. */
i64 hs_exec(struct thread *t, i64 fd, const char *file, const char *name, char **argv,
            char **envp);

#endif
