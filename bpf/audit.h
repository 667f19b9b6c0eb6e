/* audit.h: the contract of audit.bpf.c with the engine: what it is told, what it has counted.
 *
 * Mirrored in bpf/audit-layout.ts (a test compares every offset). So: basic types only, no headers,
 * no implicit padding. Addresses and ports are in network order, everything else in host order.
 *
 * The rule: a total is exact whatever happens; only the details of it may be left out, and then
 * that is counted too. */
#ifndef HS_AUDIT_H
#define HS_AUDIT_H

#define HS_AUDIT_PROCESSES 32768u
#define HS_AUDIT_SITES 1024u
#define HS_AUDIT_CONNECTIONS 65536u

/* Where the core's stacks lie: shim/core/state.h, HS_THREADS_BASE up to HS_SESSION_BASE. */
#define HS_AUDIT_STACK_FROM 0x200000000000ul
#define HS_AUDIT_STACK_TO 0x300000000000ul
/* The launcher's last call before the program's first instruction (shim/core/entry.S, hs_jump). */
#define HS_AUDIT_LAST_ADDRESS 0x7fffff7ff000ul
#define HS_AUDIT_LAST_BYTES 0x800000ul

/* What a finding is. */
enum hs_audit_kind {
  HS_AUDIT_OUTSIDE = 0,  /* a call from code that is not the core's */
  HS_AUDIT_BORROWED = 1, /* a call by the core's instruction, on a stack that is not the core's */
  HS_AUDIT_DISPATCH = 2, /* syscall user dispatch changed otherwise than the core does */
  HS_AUDIT_TRACED = 3,   /* a call while somebody traces the process */
  HS_AUDIT_RING = 4,     /* a request of an io_uring */
  HS_AUDIT_INTRUDER = 5, /* a process in the program's PID namespace that is not its child */
  HS_AUDIT_REFUSED = 6,  /* a call from outside the core that the kernel refused: not made */
  HS_AUDIT_KINDS = 7
};

/* Map `tree`: thread group of the initial namespace → one of these. */
enum hs_audit_state {
  HS_AUDIT_SPAWNED = 1,  /* the engine's child, before it executes the launcher */
  HS_AUDIT_STARTING = 2, /* the launcher runs, on whatever stack the kernel gave it */
  HS_AUDIT_RUNNING = 3   /* the program may run: all of the rules hold */
};

/* Map `settings`: one of these, mapped by the engine, which writes the first part. */
struct hs_audit_settings {
  unsigned long long textFrom, textTo; /* of the core: where calls are made */
  unsigned long long pidNsDev, pidNsInode; /* the engine's PID namespace, as stat has it */
  unsigned int enginePid;              /* in that namespace */
  unsigned int isSpawning;             /* 1: the next child of its main thread is the launcher */
  unsigned int vip;                    /* service address; 0: connections are not watched */
  unsigned int netNsInode;             /* the engine's network namespace */
  /* written by BPF */
  unsigned int programNsInode;         /* the program's PID namespace, once it is made */
  unsigned int processes;              /* ever in the tree */
  unsigned long long found[HS_AUDIT_KINDS]; /* by kind */
  unsigned long long sitesLost;        /* findings whose details found no room in `sites` */
  unsigned long long processesLost;    /* processes that found no room in `tree` */
  unsigned long long connectionsLost;  /* connections that found no room in `connections` */
};

/* Key of map `sites`. number: system call; HS_AUDIT_RING: opcode; HS_AUDIT_INTRUDER: 0. */
struct hs_audit_place {
  unsigned long long address;
  unsigned int number, kind;
};

/* Value of map `sites`: how often, and the first of them. */
struct hs_audit_site {
  unsigned long long count;
  unsigned long long ns;               /* CLOCK_MONOTONIC of the first */
  unsigned long long arguments[6];
  unsigned int pid, tid;               /* as the program sees them */
  unsigned int hostPid, pad;           /* as the engine sees it; 0 unknown */
  char name[16];                       /* of the thread */
};

/* Value of map `connections`, by socket cookie: one accepted connection of the service address. */
struct hs_audit_connection {
  unsigned int raddr;
  unsigned short rport, lport;
  unsigned int irs1, iss1;             /* sequence number of the first byte in and out */
  unsigned long long delivered;        /* bytes copied to whoever read the socket */
  unsigned long long left;             /* bytes sent at least once */
  unsigned int copied, sent;           /* sequence numbers up to which these count */
  unsigned int inEnd, outEnd;          /* sequence number of the client's FIN, of ours */
  unsigned int flags, pad;             /* HS_AUDIT_IN_END .. */
};
#define HS_AUDIT_IN_END 1u
#define HS_AUDIT_OUT_END 2u
#define HS_AUDIT_CLOSED 4u

/* Map `seen`, per CPU: how much was looked at. */
enum { HS_AUDIT_SEEN_CALLS = 0, HS_AUDIT_SEEN_SEGMENTS = 1, HS_AUDIT_SEEN = 2 };

#endif
