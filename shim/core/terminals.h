/* terminals.h: pseudo terminals of the program, which the backup has too (terminals.c). */
#ifndef HS_TERMINALS_H
#define HS_TERMINALS_H

#include "state.h"

static inline int hs_is_terminal(u32 entry) {
  return FD_KIND(entry) == FD_PTY_MASTER || FD_KIND(entry) == FD_PTY;
}
/* Primary: what an open character device is, with the session it controls in the upper half; 0: no
 * end of a pseudo terminal. */
u64 hs_terminal_kind(i64 fd);
/* Backup: the same end of the same terminal, or a placeholder. */
i64 hs_terminal_open(u64 kind, u64 flags);
i64 hs_terminal_peer(i64 master, u64 flags);
/* Both: a session has it for its controlling terminal, as opening it or asking has shown. */
void hs_terminal_owned(u64 kind);
void hs_terminal_told(struct thread *t, const struct regs *g, i64 result);
/* Backup: what the program set, read and wrote, done to its own. */
void hs_terminal_set(const struct regs *g);
void hs_terminal_read(i64 fd, i64 bytes);
void hs_terminal_write(const struct regs *g, i64 bytes);
/* A write that does not wait, whatever the descriptor says; -EAGAIN: it would have. */
i64 hs_terminal_write_now(const struct regs *g);
void hs_terminals_go_live(struct thread *t);

#endif
