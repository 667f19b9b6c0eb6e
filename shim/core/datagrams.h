/* datagrams.h: sockets of datagrams (UDP, ping, raw) in a pair: what they send is held like output
 * of TCP, and what the kernel chose for them is known to the backup.
 *
 * The rule: a datagram may be lost, as any may; it never says what the backup does not know. */
#ifndef HS_DATAGRAMS_H
#define HS_DATAGRAMS_H

#include "arguments.h"

/* Is this output call one whose datagrams must be held? */
int hs_datagram_wanted(const struct regs *g);
i64 hs_datagram_call(struct thread *t, struct regs *g, const struct hs_call *c,
                     const struct before *b);
static inline int hs_datagram_is_nameless(const struct regs *g, const struct hs_call *c) {
  u32 entry = c->arg[0].kind == HS_FD ? fd_entry((int)g->rdi) : 0;
  return FD_KIND(entry) == FD_UDP && !(entry & FD_NAMED);
}
/* Before a first send: the socket gets its port here, so that the backup's copy has the same. */
void hs_datagram_bind(struct thread *t, i64 fd);
/* After a connect that succeeded: the backup's socket is connected to the same. */
void hs_datagram_connected(struct thread *t, i64 fd, u64 peer, u64 peer_bytes);
/* The socket is about to become another, or to close: what is held leaves first. */
void hs_datagrams_flush(i64 fd);
/* The releaser: sends what was kept before `position`. */
void hs_datagrams_leave(u64 position);
/* At go-live: what the backup's own socket was sent in the meantime is not the program's. */
void hs_datagrams_discard(i64 fd);

#endif
