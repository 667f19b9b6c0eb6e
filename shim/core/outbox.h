/* outbox.h: output commit on the primary. The program's bytes for a TCP connection are taken at
 * once and leave when the backup holds every record before them (`released` in ring.h). */
#ifndef HS_OUTBOX_H
#define HS_OUTBOX_H

#include "arguments.h"

/* Is this output call one whose bytes must be held? */
int hs_outbox_wanted(const struct regs *g);
i64 hs_outbox_call(struct thread *t, struct regs *g, const struct hs_call *c,
                   const struct before *b);
/* Does a client wait for the backup's word: for output, or for what it sent to be acknowledged?
 * With Nagle's algorithm that keeps it from sending its next request, whatever the commit mode. */
int hs_outbox_waits(void);
/* Waits until what this process's sockets have room for has left (before a fork). */
void hs_outbox_drain(struct thread *t);
/* Waits until everything has left, room or not, without the baton: before what ends the thread that
 * sends, which is exec, exit and death by a signal. */
void hs_outbox_empty(struct thread *t);
/* After the program has become another user: so does the thread that sends. */
void hs_outbox_restart(struct thread *t);
/* The program closes the descriptor, or shuts its sending side: what is held leaves first, and the
 * FIN not before the backup knows of it. Not 0: the call was taken over, and once its record is
 * made, hs_outbox_note_.. says so. */
int hs_outbox_close(struct thread *t, i64 fd);
void hs_outbox_note_close(int taken);
int hs_outbox_shut(struct thread *t, i64 fd);
void hs_outbox_note_shut(i64 fd);

struct hs_conn;
/* For endings.c: the connection behind a descriptor, or NULL; a mark at the end of the stream; what
 * the enforcement program may let out (HS_NET_*). */
enum mark_kind { MARK_SEND, MARK_READ, MARK_SHUT, MARK_CLOSE, MARK_GONE, MARK_DATAGRAM };
struct hs_conn *hs_outbox_conn(i64 fd, u32 *index);
void hs_outbox_mark(u32 conn, u32 kind, u64 position);
void hs_outbox_allow(struct hs_conn *k, u32 flag);
/* Waits until everything held for one connection has left. */
void hs_outbox_flush(struct thread *t, struct hs_conn *k);
/* The program has read: the client's bytes may be acknowledged once the record is received. */
void hs_outbox_note_read(struct thread *t, struct hs_conn *k);

#endif
