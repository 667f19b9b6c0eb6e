/* within.h: TCP connections of the application with itself, over the loopback interface: between
 * two of its processes, or of one with itself. Both ends are ours, so both are made again at a
 * takeover, and neither waits for the backup meanwhile.
 *
 * The rule: what is done here follows from the log alone, so that both hosts come to the same. */
#ifndef HS_WITHIN_H
#define HS_WITHIN_H

#include "connections.h"

/* hs_conn.within. Abandoned, on the backup alone: too much was written to be with one of ours. */
enum { HS_WITHIN = 1, HS_WITHIN_ABANDONED = 2 };

/* A connect of a TCP socket: to an address of this host it is counted from here on, and recorded so
 * that the record of its other end comes later. 0: it is for hs_regular. */
int hs_within_connect(struct thread *t, struct regs *g, const struct hs_call *c, i64 *result);
/* One that was accepted, named by its addresses (k->tcp): is its other end ours? */
int hs_within_expects(const struct hs_tcp *accepted);
/* The facts that both ends get, whatever they had: only a takeover makes use of them. */
void hs_within_facts(struct hs_tcp *t);
/* Joins it with that end. 0: it is somebody else's. */
int hs_within_join(u32 index);
/* No descriptor names this end any more. 0: it is none of these. */
int hs_within_closed(u32 index);
/* Backup: what was read of a connection need not be kept by its other end; and what nobody of ours
 * accepts is not kept for ever. */
void hs_within_read(struct hs_conn *k);
void hs_within_written(struct hs_conn *k);
/* At go-live, before any process makes its other connections: makes all of them, everybody's. */
void hs_within_restore(struct thread *t);

#endif
