/* dialled.h: connections that the program opens itself, to a database for instance. */
#ifndef HS_DIALLED_H
#define HS_DIALLED_H

#include "connections.h"

/* Before a connect: one that leaves by the service's interface comes from its address. */
void hs_dial_prepare(struct thread *t, const struct regs *g);
/* After its record. */
void hs_dialled(struct thread *t, const struct regs *g, i64 result);
/* Before any call on a connection that was not made yet when it was last looked at. */
void hs_dial_settle(struct thread *t, i64 fd);
static inline int hs_is_dialling(i64 fd) {
  u32 entry = fd_entry(fd);
  return FD_KIND(entry) == FD_TCP && FD_CONN(entry) && CONN(FD_CONN(entry))->state == CONN_DIALLING;
}
/* Go-live: it was being made. */
void hs_dial_again(i64 fd, struct hs_conn *k);

#endif
