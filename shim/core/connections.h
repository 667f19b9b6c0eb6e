/* connections.h: TCP connections as the pair knows them: who, where in the byte streams, what the
 * client may still need again. One struct hs_conn each in shared memory, the same on both sides.
 *
 * The rule: `read` and `written` count what the log says, never what the kernel happens to hold. */
#ifndef HS_CONNECTIONS_H
#define HS_CONNECTIONS_H

#include "order.h"
#include "repair.h"

enum conn_state {
  CONN_FREE,
  CONN_OPEN,
  CONN_LEAVING, /* primary: closed by the program, bytes still held */
  CONN_OVER,    /* primary: closed; its index is free when the client has everything */
  CONN_ORPHAN,  /* backup: closed by the program; the client may lack some of it */
  CONN_QUEUED,  /* at go-live: the primary's kernel had it, its program not yet (queued.c) */
  CONN_DIALLING /* the program opens it, and it was not there when last looked at (dialled.c) */
};

/* At go-live. Several processes may hold it, and go live at once: one of them makes it. */
enum conn_restored { RESTORED_NOT, RESTORED_BEGUN, RESTORED_DONE, RESTORED_LOST };

struct hs_conn {
  volatile u32 state; /* enum conn_state */
  u32 descriptors;    /* numbers that name it, over all processes */
  u64 read, written;  /* bytes of both streams, as recorded */
  u64 acked;          /* bytes the client is known to have: nothing before is kept */
  u32 net_slot;       /* in the enforcement program's maps; ~0: none */
  u32 shut;           /* 1: program shut its sending side; 2: client's end of file was read */
  volatile u32 restored; /* enum conn_restored */
  u32 v6;
  u64 skip;           /* live: bytes the client has that the program will produce again */
  u64 noted_acked;    /* primary: the last HS_EV_ACKED record said this */
  /* retained (backup) or held (primary) output: chunks in a list, oldest first */
  u32 first_chunk, last_chunk;
  u64 first_at, end_at; /* stream positions covered */
  volatile u32 lock, error;
  i64 fd;               /* held output: the number to send on, in process `pid` */
  u32 pid, ending;      /* held output: ENDING_*, what to do after the last byte */
  u32 within, peer;     /* with the application itself, and the index of its other end (within.h) */
  volatile u64 sendable;  /* held output: stream position up to which it may leave */
  u64 sent;               /* held output: stream position up to which it has left */
  struct hs_tcp tcp;
};
#define ENDING_SHUT 1u
#define ENDING_CLOSE 2u
#define CONN(i) ((struct hs_conn *)(HS_SESSION_BASE + HS_CONNS_OFFSET + (u64)(i)*512ul))
_Static_assert(sizeof(struct hs_conn) <= 512, "a connection fits its place");
/* No connection has index 0: the highest index that was ever used is kept there. */
#define HS_CONN_HIGHEST (*(volatile u32 *)CONN(0))
/* And how many are CONN_QUEUED. */
#define HS_CONNS_QUEUED (*((volatile u32 *)CONN(0) + 1))
/* And how many were dialled, to this host, and not accepted by a process of the application. */
#define HS_CONNS_DIALLED (*((volatile u32 *)CONN(0) + 2))
/* Held by who looks through the store (store.c), by who offers connections (queued.c). */
#define HS_STORE_LOCK (*((volatile u32 *)CONN(0) + 3))
#define HS_QUEUE_LOCK (*((volatile u32 *)CONN(0) + 4))
/* A lock like these: for what is done at once, and waits for nobody. */
void hs_brief_take(volatile u32 *lock);
void hs_brief_give(volatile u32 *lock);

u32 hs_conn_new(void);
void hs_conn_take(u32 index);
void hs_conn_free(u32 index);
/* No descriptor names it any more. */
void hs_conn_closed(u32 index);
/* 0: a later connection of the same client and port has taken its place. */
int hs_conn_is_current(const struct hs_conn *k);
/* Keeps bytes at the end of the connection's list / drops all before `position`. */
void hs_conn_keep(struct hs_conn *k, const void *bytes, u64 n);
void hs_conn_drop(struct hs_conn *k, u64 position);
/* The run of kept bytes at `position` (to the end of its chunk); NULL past the end. */
const u8 *hs_conn_at(const struct hs_conn *k, u64 position, u64 *run);
/* Primary: its numbers, of a connection the program has opened. Not 0: it cannot be kept. */
i64 hs_conn_note(struct hs_conn *k, i64 fd);
/* Which connection a descriptor is; 0 none. */
static inline void hs_set_conn(i64 fd, u32 index) { FDS[fd] = (FDS[fd] & 0xffffu) | index << 16; }
/* 1: a connection between the same ports has a slot. */
int hs_conn_has_namesake(const struct hs_conn *k);
/* On the backup: a slot for it that keeps its client's segments from the kernel. */
void hs_conn_attach(struct hs_conn *k);
/* Nothing is to be sent for it any more: what comes for it is the kernel's to answer. */
void hs_conn_detach(struct hs_conn *k);
/* Primary: the facts of a connection just accepted (one record after accept). */
void hs_conn_accepted(struct thread *t, i64 fd);
/* The enforcement program's maps (bpf/event.h), where they are mapped. */
void hs_net_init(void);

#define HS_NET_SETTINGS ((struct hs_net_settings *)0x2e0000000000ul)
#define HS_NET_SLOT(i) ((struct hs_net_slot *)0x2e0000100000ul + (i))
#define HS_NO_SLOT 0xffffffffu
int hs_net_present(void);

#endif
