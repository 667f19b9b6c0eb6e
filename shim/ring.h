/* ring.h: the contract between the code inside the program (shim/), the launcher (hs-start) and
 * TypeScript (src/engine/layout.ts, generated from the offsets below by tools/generate.ts).
 *
 * One memfd per replicated application, mapped by every process of it and by the engine:
 *
 *   HS_CONTROL_OFFSET   struct hs_control: versions, watermarks, wake-up words, verdicts
 *   HS_SLOTS_OFFSET     one struct hs_slot per thread that lives
 *   HS_GROUPS_OFFSET    one struct hs_group per sharing group (groups.c)
 *   (0x90000            ordered.h: sections made by each thread, with --schedule parallel)
 *   HS_TIDMAP_OFFSET    u16 slot by thread id
 *   HS_TSC_OFFSET       which byte pairs in which files are rdtsc (struct hs_tsc_site)
 *   HS_CONNS_OFFSET     one struct hs_conn per TCP connection
 *   HS_FILES_OFFSET     the files the program opened (shadow.c)
 *   HS_INODES_OFFSET    which file of the backup is which of the primary (inodes.c)
 *   HS_OPENINGS_OFFSET  backup: clients' handshakes that the primary's kernel makes (queued.c)
 *   HS_VIEWS_OFFSET     files that were mapped, or opened for writing (sharing.c)
 *   HS_PASSED_OFFSET    descriptors on their way between its processes (passing.c)
 *   HS_TERMINALS_OFFSET which session each pseudo terminal controls (terminals.c)
 *   HS_ARENA_OFFSET     64 KiB chunks: outbox and retained output
 *   HS_RING_OFFSET      the ring; mapped twice in a row, so every record is one contiguous run
 *
 * The ring has one producer at a time (the holder of the order lock; on the backup the engine)
 * and one consumer at a time (the engine; on the backup the owner of the turn). So a record is
 * published by one release store of `head`, and freed by one release store of `tail`. Both count
 * bytes since the start of the session and never wrap. Full means wait; nothing is ever dropped.
 *
 * The rule: whoever changes anything here bumps HS_VERSION. A mismatch refuses to run. */
#ifndef HS_RING_H
#define HS_RING_H

#define HS_MAGIC 0x70617753746f48ul /* "HotSwap" */
#define HS_VERSION 14u

/* Where the shim maps things. Equal on both hosts, never inside the program's own mappings. */
#define HS_SESSION_BASE 0x300000000000ul
#define HS_RING_BASE 0x310000000000ul /* two copies, 2 x ringSize */
#define HS_CORE_BASE 0x010000000000ul
#define HS_CORE_END 0x010001000000ul

#define HS_CONTROL_OFFSET 0x0ul
#define HS_SLOTS_OFFSET 0x10000ul /* HS_MAX_SLOTS x 64 B */
#define HS_MAX_SLOTS 4096u
#define HS_GROUPS_OFFSET 0x50000ul /* HS_MAX_GROUPS x 64 B */
#define HS_MAX_GROUPS 4096u
#define HS_TIDMAP_OFFSET 0x100000ul /* 4 Mi x u16 */
#define HS_MAX_TID 0x400000u
#define HS_TSC_OFFSET 0x900000ul /* what the byte pairs of rdtsc in known files are; see sites.c */
#define HS_CONNS_OFFSET 0x1000000ul /* HS_MAX_CONNS x 512 B */
#define HS_MAX_CONNS 65536u
#define HS_FILES_OFFSET 0x3000000ul
#define HS_MAX_FILES 65536u
#define HS_INODES_OFFSET 0x3200000ul /* two tables of HS_MAX_INODES x HS_INODE_BYTES */
#define HS_MAX_INODES 65536u
#define HS_INODE_BYTES 32u
#define HS_OPENINGS_OFFSET 0x3600000ul /* HS_MAX_OPENINGS x 64 B, in buckets of HS_OPENING_WAYS */
#define HS_MAX_OPENINGS 16384u
#define HS_OPENING_WAYS 8u
#define HS_VIEWS_OFFSET 0x3700000ul /* HS_MAX_VIEWS x 16 B */
#define HS_MAX_VIEWS 65536u
#define HS_PASSED_OFFSET 0x3800000ul
#define HS_MAX_PASSED 16384u
#define HS_TERMINALS_OFFSET 0x3900000ul /* HS_MAX_TERMINALS x 8 B */
#define HS_MAX_TERMINALS 4096u
#define HS_RING_OFFSET 0x4000000ul
#define HS_RING_DEFAULT_BYTES 0x4000000ul /* 64 MiB, a power of two */
#define HS_ARENA_OFFSET 0x100000000ul     /* behind the largest ring */
#define HS_CHUNK_BYTES 0x10000ul
#define HS_ARENA_CHUNKS 65536u
#define HS_SESSION_BYTES (HS_ARENA_OFFSET + HS_CHUNK_BYTES * HS_ARENA_CHUNKS)

/* One record = one Cap'n Proto message (src/channel/message.capnp): 64 bytes and then its data. */
struct hs_record {
  unsigned int segments;   /* 0: one segment */
  unsigned int words;      /* 7 + data words: what follows this word */
  unsigned long root;      /* HS_ROOT_POINTER */
  unsigned int method;     /* row of the call table | HS_METHOD_* flags | group << 20 */
  unsigned int pid;        /* as the program sees it */
  unsigned long seq;       /* one more than the record before it */
  unsigned int tid;        /* as the program sees it */
  unsigned int object;     /* fd, or whatever the call acted on */
  long result;             /* return value; -errno on failure */
  unsigned long check;     /* digest of what the program passed in */
  unsigned long data;      /* Cap'n Proto list pointer, 0 without data */
};
#define HS_RECORD_BYTES 64u
#define HS_ROOT_POINTER 0x0001000500000000ul
#define HS_DATA_POINTER(len) (((unsigned long)(((len) << 3) | 2u) << 32) | 1ul)
#define HS_RECORD_DATA(r) ((unsigned char *)((r) + 1))
#define HS_RECORD_LEN(r) ((unsigned long)(r)->data >> 35)       /* bytes of data, unpadded */
#define HS_RECORD_SIZE(r) (((unsigned long)(r)->words + 1) * 8) /* bytes in the ring */
#define HS_RECORD_GROUP(r) ((r)->method >> HS_METHOD_GROUP_SHIFT)
#define HS_MAX_RECORD_BYTES 0x1000000ul                         /* 16 MiB; the ring holds four */

#define HS_METHOD_ROW 0xffffu
#define HS_METHOD_SIGNAL_FOLLOWS 0x10000u /* the next record of this thread is a signal */
#define HS_METHOD_YIELDED 0x20000u        /* the thread then gave the baton up of its own accord */
#define HS_METHOD_AHEAD 0x40000u          /* what the call wrote came before it, in DATA events */
#define HS_METHOD_COMPARE 0x80000u        /* the next record of this thread is MEMORY_DIGEST */
/* From there on the thread's sharing group; with HS_FLAG_PARALLEL its count of sections. */
#define HS_METHOD_GROUP_SHIFT 20
#define HS_PIECE_BYTES 0x400000ul         /* what one DATA or FILE event carries at most */

/* Methods that are no system call: rows HS_EVENT_BASE.. of the call table (src/calls/events.ts). */
#define HS_EVENT_BASE 0x200u

#define HS_TURN_FREE 0xffffffffu /* nobody looks at the log: whoever comes first takes it */

/* What is held while program code runs: the order lock, which is the only baton; the baton of the
 * thread's group; nothing (--schedule parallel). */
enum hs_split { HS_SPLIT_NONE = 0, HS_SPLIT_GROUPS = 1, HS_SPLIT_THREADS = 2 };
enum hs_mode { HS_MODE_RECORD = 1, HS_MODE_REPLAY = 2, HS_MODE_LIVE = 3 };
enum hs_commit { HS_COMMIT_ASYNC = 0, HS_COMMIT_LOGGED = 1, HS_COMMIT_VERIFIED = 2 };
enum hs_files { HS_FILES_MIRRORED = 0, HS_FILES_CARRIED = 1 };
enum hs_end { HS_END_OPEN = 0, HS_END_GO_LIVE = 1, HS_END_STOP = 2 };

#define HS_FLAG_TAKEOVER 1u     /* the pair has an address to take over: note TCP connections */
#define HS_FLAG_MEMORY 2u       /* digest writable memory at each process's end */
#define HS_FLAG_FAST_CLOCK 4u   /* read time through the vDSO; every rdtsc site is known */
#define HS_FLAG_PROTECTED 8u    /* a backup follows: hold output for `released` */
#define HS_FLAG_REFUSE 16u      /* the kernel refuses calls from outside the core (filter.c) */
#define HS_FLAG_SESSION 32u     /* the program leads a session of its own, as a service does */
#define HS_FLAG_EVIDENCE 128u   /* the log carries all memory at each process's end (evidence.c) */
#define HS_FLAG_PARALLEL 64u    /* threads run at once; objects are ordered (ordered.h) */

/* A futex that the shim's threads take in turn, over all processes. */
struct hs_lock {
  volatile unsigned int word, pad; /* 0 free, 1 held, 2 held and wanted */
  volatile unsigned long holder;   /* pid << 32 | tid */
  volatile unsigned long acquisitions;
};

struct hs_control {
  /* 0: written by the engine before hs-start, read-only after */
  unsigned long magic;
  unsigned int version, table;     /* HS_VERSION; first 32 bits of the call table's hash */
  unsigned int mode, commit;       /* enum hs_mode (the shim sets LIVE), enum hs_commit */
  unsigned int files, flags;       /* enum hs_files, HS_FLAG_* (the engine may clear PROTECTED) */
  unsigned long ringBytes;
  unsigned long seed;              /* of this pair: AT_RANDOM, and what must be equal on both */
  unsigned char pad0[64 - 48];
  /* 64: the producer's line */
  volatile unsigned long head;     /* bytes published */
  volatile unsigned long headSeq;  /* records published */
  volatile unsigned int dataSleeping, dataWord; /* consumer waits on dataWord (futex) */
  unsigned char pad1[64 - 24];
  /* 128: the consumer's line */
  volatile unsigned long tail;     /* bytes consumed */
  volatile unsigned long tailSeq;  /* records consumed */
  volatile unsigned int spaceSleeping, spaceWord; /* producer waits on spaceWord (futex) */
  unsigned char pad2[64 - 24];
  /* 192: watermarks, written by the primary's engine; bytes of the record stream */
  volatile unsigned long received; /* the backup holds everything before */
  volatile unsigned long replayed; /* the backup has executed everything before */
  volatile unsigned long released; /* output recorded before may leave; ~0 when unprotected */
  volatile unsigned int releasedSleeping, releasedWord; /* the releaser waits on releasedWord */
  unsigned char pad3[64 - 32];
  /* 256: the end of the log, written by the backup's engine */
  volatile unsigned int end;       /* enum hs_end; wake dataWord after setting it */
  volatile unsigned int started;   /* hs-start: 1 when the program's first instruction is next */
  volatile unsigned int live;      /* 1 when the backup's program has gone live */
  volatile unsigned int failure;   /* enum-free code of a refused start; text in `sentence` */
  volatile unsigned long maxLagBytes; /* primary waits while head - replayed is more; 0: no bound */
  /* CLOCK_MONOTONIC, the backup's */
  volatile unsigned long liveNs, deadNs, restoredNs, firstByteNs;
  volatile unsigned int compareAsked, pad11; /* counted up: every process digests its memory */
  unsigned char pad4[128 - 64];
  /* 384: order (the shim's alone); order.h says what is what */
  struct hs_lock order;
  volatile unsigned int split;     /* enum hs_split */
  volatile unsigned int turn;      /* replay: slot whose record is next, or HS_TURN_FREE */
  volatile unsigned int groups;    /* that live */
  volatile unsigned int together;  /* 1: no group is made any more */
  volatile unsigned int gathering; /* process that is making all groups one */
  volatile unsigned int groupHint;
  volatile unsigned int slots;     /* slots handed out */
  volatile unsigned int threads, processes; /* alive now */
  volatile unsigned int arenaLock, arenaFree, arenaUsed, connLock;
  volatile unsigned int leftFirst, leftLast; /* slots of ended threads: index + 1, 0 none */
  unsigned char pad5[128 - 84];
  /* 512: counters, for status and reports */
  volatile unsigned long calls, traps, sites, slowSites, signals, timeReads, tscReads;
  volatile unsigned long forks, execs, threadsMade, processesMade;
  volatile unsigned long outputBytes, outputHeldMax, connsMade, connsRestored, connsLost;
  volatile unsigned long memoryBytes, memoryProcesses, memoryUnequal;
  volatile unsigned long warnings, unknownCalls, preemptions;
  volatile unsigned long memoryChecks, memoryCheckBytes, memoryCheckSeq, groupsMade;
  unsigned char pad6[1024 - 512 - 26 * 8];
  /* 1024: what stopped the replay, if anything did */
  struct hs_divergence {
    volatile unsigned int set;     /* 1: the rest is filled in */
    unsigned int row;              /* the record's row */
    unsigned int pid, tid;
    unsigned long seq;
    char expected[488], got[512];  /* sentences, NUL-terminated */
  } divergence;
  /* 2048 */
  char sentence[512];              /* why a start was refused; where memory first differs */
  char hostname[64];               /* the primary's, for both */
  unsigned char pad7[1024 - 576];
  /* 3072: what the supervisor read at start, carried to the backup so that both starts are equal */
  unsigned int uid, euid, gid, egid;
  volatile unsigned int inheritWord; /* futexes with inheritance wait on it */
  volatile unsigned int lostChunk;   /* descriptors of a process that was killed (lost.c), or 0 */
  unsigned long startRealNs; /* files changed after this are carried when they are mapped */
  /* clocks of the program, for go-live; nanoseconds */
  volatile unsigned long lastRealNs, lastMonotonicNs;
  volatile long offsetRealNs, offsetMonotonicNs, estimateNs;
  volatile unsigned int estimated, pad9;
  unsigned char pad8[1024 - 80];
  /* 4096: number of calls by table row */
  volatile unsigned int rowCalls[0x300];
  /* 7168: number of system calls the shim made for itself or the program, by number */
  volatile unsigned int kernelCalls[0x200];
};

/* u32 count, u32 0, then these, sorted by path, bytes, offset. */
struct hs_tsc_site {
  unsigned int path, bytes; /* FNV-1a of the file's real path; its size (low 32 bits) */
  unsigned int offset;      /* in the file */
  unsigned int kind;        /* 0 no instruction, 1 rdtsc, 2 rdtscp, 3 not known */
};

struct hs_slot {
  volatile unsigned int go, waiting; /* futex word and flag of the thread that waits for its turn */
  volatile unsigned int tid, pid;    /* as the program sees them */
  volatile unsigned int state;       /* 0 unused, 1 alive, 2 dead */
  unsigned int fdChunk;              /* arena chunk: one u32 per descriptor of its process */
  unsigned long execMask, execIgnored; /* signal state handed over an exec */
  unsigned long affinity;            /* processors the program may use, over an exec */
  volatile unsigned int next;        /* of the slots left: index + 1 */
  volatile unsigned int kernelTid;   /* cleared by the kernel when the thread is gone */
  volatile unsigned int stopped;     /* of a leader: its process is, by a signal (stops.c) */
  volatile unsigned int group;       /* its sharing group */
};

/* Threads that share writable memory: one of them at a time runs program code. */
struct hs_group {
  struct hs_lock baton;
  volatile unsigned int members; /* threads; 0: the group is free */
  unsigned char pad[64 - 28];
};

/* A file of which memory may show what others write (the primary's alone). */
struct hs_view {
  unsigned long file; /* device and inode, folded */
  unsigned int flags; /* HS_VIEW_*; 0 unused */
  unsigned int pad;
};
#define HS_VIEW_MAPPED 1u
#define HS_VIEW_WRITTEN 2u

#endif
