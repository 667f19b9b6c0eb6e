/* observe.h: the contract of observe.bpf.c with what reads its maps (src/trace/observe/).
 *
 * Mirrored in bpf/observe-layout.ts, which a test compares with the compiler's numbers; so: basic
 * types only, no implicit padding. Times are CLOCK_MONOTONIC in nanoseconds, process and thread
 * ids are those of the observer's own PID namespace.
 *
 * The rule: whatever finds no room is counted in `lost`, by CPU and kind, never dropped unsaid. */
#ifndef HS_OBSERVE_H
#define HS_OBSERVE_H

/* Rows of the per-call maps: x86_64 numbers, then i386 numbers, the last for any other number. */
#define HS_OBSERVE_NATIVE 512u
#define HS_OBSERVE_ROWS 1024u
#define HS_OBSERVE_OTHER 1023u

#define HS_OBSERVE_BUCKETS 40u /* log2 of nanoseconds; the last has all above */
#define HS_OBSERVE_RULES 2u    /* deciding arguments of one call */
#define HS_OBSERVE_SLOTS 1024u /* tallies that each CPU holds before the hash */
#define HS_OBSERVE_PATH 256u   /* bytes of a path in a record, its end if it is longer */
#define HS_OBSERVE_TEXT 88u

enum hs_observe_detail { HS_OBSERVE_COUNTS = 0, HS_OBSERVE_LATENCIES = 1, HS_OBSERVE_FULL = 2 };

/* How an argument's value is made from a call: hs_observe_rule.kind. */
enum hs_observe_kind {
  HS_OBSERVE_NONE = 0,
  HS_OBSERVE_VALUE = 1, /* the argument, masked */
  HS_OBSERVE_PAIR = 2,  /* the argument (low half) and the one after it, both masked */
  HS_OBSERVE_WORD = 3,  /* the first 8 bytes it points to, masked */
  HS_OBSERVE_FAMILY = 4 /* the first 2 bytes it points to: an address family */
};

struct hs_observe_rule {
  unsigned short kind;     /* enum hs_observe_kind */
  unsigned short argument; /* 0 to 5 */
  unsigned int pad;
  unsigned long long mask;
};

/* .rodata, frozen before the programs are verified: a level's dead work is not in them. */
struct hs_observe_settings {
  unsigned int detail;
  unsigned int streams; /* 1: every call goes to the ring `events` */
  unsigned int stops;   /* 1: the command is stopped at the end of its execve */
  unsigned int target;  /* process to mark with its descendants; 0: the next child of the reader */
  struct hs_observe_rule rules[HS_OBSERVE_NATIVE][HS_OBSERVE_RULES];
};

/* .bss */
struct hs_observe_state {
  unsigned int self;   /* the observer's own process, in the kernel's first namespace */
  unsigned int level;  /* depth of its PID namespace */
  unsigned int arming; /* 1: the observer's next child is the one to watch */
  unsigned int root;   /* the command's process, once its execve has come to its end */
  unsigned int live;   /* threads being watched */
  unsigned int marked; /* threads marked by walks over all threads */
  unsigned int spaces; /* address spaces numbered so far */
  unsigned int pad;
};

struct hs_observe_count { /* map `counts`, per CPU */
  unsigned long long count, errors;
};

struct hs_observe_time { /* map `times`, per CPU */
  unsigned long long ns;
  unsigned long long buckets[HS_OBSERVE_BUCKETS];
};

/* What is tallied: `what` is a row of the calls, or'ed with one of these. */
#define HS_OBSERVE_SITE 0u           /* value: instruction pointer behind the call */
#define HS_OBSERVE_ARGUMENT 0x10000u /* plus 0x1000 for the second rule; value: as the rule says */
#define HS_OBSERVE_SECOND 0x1000u
#define HS_OBSERVE_SIGNAL 0x20000u   /* value: process id; the row is the signal's number */
#define HS_OBSERVE_LIBRARY 0x30000u  /* value: address of the function's first instruction */

struct hs_observe_tally { /* key of hash `tallies`; per-CPU array `slots` adds a count */
  unsigned int what;
  unsigned int space; /* of what has an address; else 0 */
  unsigned long long value;
};

struct hs_observe_slot {
  struct hs_observe_tally key;
  unsigned long long count;
};

struct hs_observe_text { /* key of hash `texts`: paths of devices, /proc and /sys as opened */
  unsigned int row;
  char text[HS_OBSERVE_TEXT];
};

/* Rows of map `lost`, per CPU. */
enum hs_observe_loss {
  HS_OBSERVE_LOST_EVENTS = 0,
  HS_OBSERVE_LOST_FACTS = 1,
  HS_OBSERVE_LOST_TALLIES = 2,
  HS_OBSERVE_LOST_THREADS = 3, /* threads that could not be marked: nothing of them is seen */
  HS_OBSERVE_LOSSES = 4
};

enum hs_observe_happened {
  HS_OBSERVE_FOUND = 1, /* a thread that ran already; a: 1 if it is the first of its process */
  HS_OBSERVE_FORK = 2,  /* a: 1 for a process, 0 for a thread; parent: its process */
  HS_OBSERVE_EXEC = 3,  /* path: program; a: start of its code; b: base of its loader */
  HS_OBSERVE_EXIT = 4,  /* a: 1 for the last thread of a process; b: status as wait() gives it */
  HS_OBSERVE_MAP = 5    /* path: file; a, b: address and length; c: offset; d: prot, flags << 32 */
};

/* Record of ring `facts`. Those without a path end before it. */
struct hs_observe_fact {
  unsigned int happened; /* enum hs_observe_happened */
  unsigned int pid, tid, parent;
  unsigned int space; /* of this thread, after it happened */
  unsigned int pad;
  unsigned long long timeNs;
  unsigned long long a, b, c, d;
  char comm[16];
  char path[HS_OBSERVE_PATH];
};
#define HS_OBSERVE_SHORT 80u /* bytes of a record without its path */

/* Record of ring `events`: one call that has returned. */
struct hs_observe_event {
  unsigned long long timeNs;     /* of its return */
  unsigned long long ns;         /* 0: its entry was not seen */
  unsigned long long ip;
  long long result;
  unsigned int pid, tid, row, pad;
};

#endif
