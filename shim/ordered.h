/* ordered.h: the contract between the core and libhotswap-parallel.so (preload/), which takes the
 * place of libc's locks when a program runs with --schedule parallel.
 *
 * Every operation on an object (a mutex, a condition, the allocator) is a section: the object's
 * entry in the table below is locked, libc's own operation that never waits is made, the entry is
 * freed. A thread counts its sections. Only a section whose object was last held by another thread
 * makes a record (HANDOVER): who held it, how often it had been held, and how many sections each
 * of the two had made. So a replay knows of each section whether it must wait, and for what.
 *
 * The rule: what a section reads or writes is touched in sections of that object alone; what is
 * read outside of one may only ever change once. */
#ifndef HS_ORDERED_H
#define HS_ORDERED_H

/* One table per process, at an address of its own on both hosts. */
#define HS_OBJECTS_BASE 0x2f0000000000ul
#define HS_OBJECTS (1ul << 18)
#define HS_OBJECTS_BYTES (4096 + HS_OBJECTS * 64)

struct hs_objects_head {
  volatile unsigned int mode; /* enum hs_mode; 0: this process is not ordered in parallel */
  volatile unsigned int pid;  /* a fork's child finds locks of its parent's, which count as free */
};

struct hs_object {
  volatile unsigned long address; /* 0: free; entries are never given back */
  volatile unsigned int lock;     /* 0 free; else 2 x process id, + 1 when somebody waits */
  volatile unsigned int owner;    /* thread that made the last section, 0 none */
  volatile unsigned int version;  /* sections made */
  volatile unsigned int watched;  /* a replaying thread waits for a version */
  unsigned long ownerCount;       /* sections that the owner had then made */
  volatile unsigned int changes, waiters; /* who waits for it to be free waits for changes */
  unsigned char pad[64 - 48];
};

#define HS_OBJECTS_HEAD ((struct hs_objects_head *)HS_OBJECTS_BASE)
#define HS_OBJECT_TABLE ((struct hs_object *)(HS_OBJECTS_BASE + 4096))

/* How many sections a thread has made, and how many it may make before it must look at the log:
 * by slot, in the session's memory. */
#define HS_SECTIONS_OFFSET 0x90000ul
struct hs_sections {
  volatile unsigned long made, hint;
  volatile unsigned int waits; /* replay: the thread can go on only when another one does */
  unsigned char pad[64 - 20]; /* a line of its own: it is written at every section */
};

/* What the library reads of its thread, through gs (struct thread in core/state.h). */
#define HS_GS_SECTIONS 48 /* struct hs_sections * */
#define HS_GS_ALLOWED 56  /* replay: sections that are known to need no record */
#define HS_GS_RECORDED 64 /* record: `made` at the last record */
#define HS_GS_TID 72      /* u32 */

/* A thread makes a record at least this often, so that 12 bits of its count tell all of it. */
#define HS_SECTIONS_UNSAID 2048ul
#define HS_SECTIONS_SHIFT 20
#define HS_SECTIONS_MASK 0xffful
#define HS_METHOD_SECTIONS(method) ((unsigned long)(method) >> HS_SECTIONS_SHIFT)

/* A plain mutex needs no lock of its entry: who makes a section holds the mutex itself, from before
 * the section that locks it until after the one that unlocks it. */

/* Asked of the core, as a system call that no kernel has. */
#define HS_NR_ORDERED 0x4853
#define HS_ORDERED_ROBUST 0x10000 /* with a clock: look again soon, its holder may have died */

/* By what the core sees that an object is held; a program's word may change at any time. */
enum hs_held {
  HS_HELD_MUTEX,       /* glibc's pthread_mutex_t: its word, and the owner behind it */
  HS_HELD_NOT_0,       /* a word that is 0 when it is free */
  HS_HELD_0,           /* a word that is 0 when nothing is there to be taken */
  HS_HELD_UNTIL_CHANGE /* it was, in the section that failed */
};
enum hs_ordered_call {
  HS_ORDERED_HELLO,   /* 1 when this process is ordered in parallel */
  HS_ORDERED_RECORD,  /* entry: note that it changes hands, or that a count became large */
  HS_ORDERED_TURN,    /* entry: replay: wait until its next section is this thread's */
  HS_ORDERED_REACHED, /* entry: somebody waits for its version */
  HS_ORDERED_LOCK,    /* entry, lock word seen: wait for the entry to be free */
  HS_ORDERED_UNLOCK,  /* entry: wake who waits for that */
  HS_ORDERED_AWAIT,   /* entry, enum hs_held, clock, timespec: wait until it may be free */
  HS_ORDERED_FAILED,  /* entry, in its section: it was not free, and will be waited for */
  HS_ORDERED_PARK,    /* word, value, clock, timespec: wait for a word that changes once */
  HS_ORDERED_WAKE,    /* word: wake who waits for it */
  HS_ORDERED_JOIN,    /* pthread_t: wait for the end of a thread */
  HS_ORDERED_LEAVING, /* two entries: held until this thread has ended */
  HS_ORDERED_ONCE,    /* entry, state: 1 to try, 0 to look at the state again */
  HS_ORDERED_SAY,     /* say now how far this thread is */
  HS_ORDERED_REFUSED, /* entry: a mutex was not free, and is not waited for; replay: was it not? */
  HS_ORDERED_FULL     /* more objects than the table holds */
};

#endif
