/* state.h: what the core knows: per thread (struct thread, found through gs), per process
 * (struct process), and per application (struct hs_control and its neighbours in shared memory).
 *
 * The rule: state that replay must agree on changes only while the baton (on the backup: the
 * turn) is held; with several groups, what they share: the order lock. */
#ifndef HS_STATE_H
#define HS_STATE_H

#include "../ordered.h"
#include "../ring.h"
#include "base.h"
#include "call.h"

/* Where the core keeps its own memory; ring.h has what TypeScript shares. */
#define HS_THREADS_BASE 0x200000000000ul
#define HS_OWN_END 0x320000000000ul /* from HS_THREADS_BASE up to here all is the core's */
#define HS_THREAD_BYTES 0x20000ul
#define HS_STUBS_HIGH 0x7ffff8100000ul /* within reach of libraries */
#define HS_STUBS_PIE 0x555540000000ul  /* within reach of a position-independent program */
#define HS_STUBS_LOW 0x20000000ul      /* within reach of a program linked at 0x400000 */
#define HS_STUBS_BYTES 0x100000ul
#define HS_STACK_BASE 0x7ffff9000000ul
#define HS_STACK_BYTES 0x800000ul
#define HS_PIE_BASE 0x555555554000ul

/* Offsets inside a thread's slot of HS_THREAD_BYTES. */
#define HS_T_ACTIONS 0x3000ul /* a vfork child's own signal actions */
#define HS_T_XSAVE 0x4000ul  /* 4 x 4096: vector state under signal handlers */
#define HS_T_BOUNCE 0x8000ul /* 16 KiB: what a blocking call fills while others run */
#define HS_T_BOUNCE_BYTES 0x4000ul
#define HS_T_CONTEXT 0xc000ul /* the frame handed to the kernel's sigreturn */
#define HS_T_ALTSTACK 0x10000ul
#define HS_T_ALTSTACK_BYTES 0x8000ul

/* The program's registers as the entry code pushes them (entry.S). */
struct regs {
  u64 rax, r9, r8, r10, rdx, rsi, rdi, r15, r14, r13, r12, rbp, rbx, rip, flags;
};

struct kernel_sigaction {
  u64 handler, flags, restorer, mask;
};

/* Who a thread is (identity.h). After it, in a record: the supplementary groups. */
enum hs_id { HS_ID_REAL, HS_ID_EFFECTIVE, HS_ID_SAVED, HS_ID_FILES };
struct hs_identity {
  u32 uid[4], gid[4]; /* by enum hs_id */
  u64 effective, permitted, inheritable, bounding, ambient; /* capabilities */
  u32 securebits, no_new_privs, dumpable;
  u32 groups, groups_digest, pad;
};

struct span {
  u8 *at;
  u64 bytes;
};
#define HS_MAX_SPANS 1040

struct thread {
  /* fixed offsets: entry.S knows the first six, ordered.h the next four */
  u64 stack_top;  /* 0: of the shim's own stack */
  u64 app_sp;     /* 8: the program's stack pointer at the call */
  u64 self;       /* 16 */
  u64 child_frame;/* 24: where a new thread finds its registers */
  u64 guard;      /* 32: stack pointer of hs_try, 0 outside */
  u64 kept_rax;   /* 40: while the flags are restored */
  struct hs_sections *sections; /* 48 */
  u64 sections_allowed;         /* 56 */
  u64 sections_recorded;        /* 64 */
  u32 tid, pid;   /* 72: as the program sees them */
  u32 slot;
  u32 in_shim;
  u64 clear_tid;  /* CLONE_CHILD_CLEARTID and set_tid_address */
  u64 robust_list;
  u64 set_tid;    /* CLONE_CHILD_SETTID, written by the child in its turn */
  u64 calls;
  /* signals */
  volatile u64 pending; /* caught, not yet delivered; bit signal-1 */
  u64 mask, temporary_mask;
  u32 masked_temporarily, xsave_depth;
  u64 xsave_frames[4];
  u64 altstack_sp, altstack_flags, altstack_bytes;
  u32 fd_chunk;                     /* the process's table of descriptors */
  struct kernel_sigaction *actions; /* the process's table; a vfork child has its own */
  /* order */
  u64 acquisitions_seen;
  u32 unblocked_calls;
  u32 free_calls; /* so many sends are still made without the baton (regular.c) */
  u32 vfork_child, forked;
  volatile u32 vfork_word; /* the parent of a vfork waits for the kernel to clear it */
  /* go live */
  u64 wait_start_ns; /* when this thread began to wait on the backup */
  u32 live_noted;
  /* sharing groups (groups.c); the last two mean something while there are several */
  u32 group;
  u32 stamp;     /* the group, as records carry it */
  u32 ordered;   /* it holds the order lock */
  u32 has_group; /* it holds its group's baton */
  u32 tsc_trapped; /* the kernel traps this thread's rdtsc, and so the vDSO's */
  u32 pinned; /* to one processor, while the program starts or loads code */
  u64 affinity; /* the mask it then gets back */
  u32 signal_follows;
  u32 yield_follows;
  u32 compare_follows;
  struct hs_record *times; /* times.c: the open record, and on the backup how much was taken */
  u32 times_taken;
  const struct regs *volatile exposed; /* the call that waits, while the kernel may write for it */
  struct hs_identity identity; /* as recorded */
  /* preemption (tick.c) */
  volatile u32 ticked; /* a tick came inside the shim: a wait it ended is made again */
  u32 ticks, tick_armed;
  i64 tick_timer;      /* one more than the timer's id */
  u64 tick_acquisitions;
  /* --schedule parallel (ordered.c) */
  u64 scan;              /* replay: how far the log was looked through for this thread */
  u64 object_ahead;      /* of its next record, which is a HANDOVER */
  u32 changes_seen, counted; /* of an object that is waited for */
  u64 tls;               /* what the program knows it by: its pthread_t */
  struct hs_object *leaving[2]; /* held until it has ended */
  u32 steps;           /* instructions still to be made one by one */
  u64 step_last, step_branch, step_start[18];
  u8 info[65][128]; /* siginfo of each pending signal */
};

/* Kinds of descriptor: decides how reads, writes and go-live treat it. */
enum fd_kind {
  FD_NONE, FD_FILE, FD_CARRIED, FD_INHERITED, FD_PIPE, FD_EVENTFD, FD_TIMERFD, FD_SIGNALFD,
  FD_INOTIFY, FD_EPOLL, FD_MEMFD, FD_SOCKET, FD_LISTENER, FD_TCP, FD_UDP, FD_UNIX, FD_PAIR,
  FD_PIDFD, FD_QUEUE, FD_PTY_MASTER, FD_PTY, FD_OWN_MEMORY
};
#define FD_NONBLOCK 0x100u
#define FD_SHARED 0x200u  /* another process may hold it too */
#define FD_INET 0x400u
#define FD_STREAM 0x800u
#define FD_V6 0x1000u
#define FD_CLONED 0x2000u /* several numbers of this process name it */
#define FD_NAMED 0x4000u  /* datagrams: the backup knows its address */
#define FD_LOCAL_DATAGRAM FD_NAMED /* the same of FD_UNIX: it has no connections */
#define FD_KIND(e) ((enum fd_kind)((e) & 0xffu))
#define FD_CONN(e) ((e) >> 16)
#define HS_MAX_FD (HS_CHUNK_BYTES / 4)

/* Hidden descriptors: made by hs-start above the program's limit; the program can neither see
 * nor close them. Numbers are relative to process.hidden_base. */
enum { HID_SESSION, HID_START, HID_PROC, HID_SETTINGS, HID_SLOTS, HID_INDEX, HID_FREE, HID_RAW,
       HID_FILES, HID_POST, HID_TAKE, HID_MAPS, HID_PAGEMAP, HID_SPARE, HID_COUNT = 16 };

struct process {
  u32 pid;
  u32 hidden_base;
  volatile u32 dying;  /* pid whose death is recorded: no other thread of it records */
  u32 threads;
  u32 compared;        /* what `compareAsked` was when its memory was last digested */
  volatile u32 releaser; /* outbox thread: 0 none, 1 running; the kernel clears it at its end */
  u32 group_leader_slot;
  u32 live_done;       /* 1: its connections are being made, 2: they are there (golive.c) */
  struct kernel_sigaction actions[65];
  char executable[512];
  u64 limit_shown[2][2]; /* RLIMIT_DATA, RLIMIT_AS as the program set them */
  u32 limit_set[2];
  u32 hides_dumpable;  /* the program is told 1 where it is not (start.c) */
  u32 hides_file;      /* /proc/self/exe is the launcher: the shim answers for it (exec.c) */
  u64 affinity;        /* the mask the program is told */
  u64 heap_start;
  u32 parallel;        /* --schedule parallel: threads hold nothing while they run program code */
  u32 had_threads;     /* it has, or had, more than one thread */
  u32 shares;          /* it has memory that its children will share */
};

extern struct process hs_process;
extern volatile int hs_mode;  /* enum hs_mode; HS_MODE_LIVE behaves as RECORD without a log */
extern char hs_text_start[], hs_text_end[], hs_image_end[];

#define CTL ((struct hs_control *)(HS_SESSION_BASE + HS_CONTROL_OFFSET))
#define SLOT(i) ((struct hs_slot *)(HS_SESSION_BASE + HS_SLOTS_OFFSET) + (i))
#define GROUP(i) ((struct hs_group *)(HS_SESSION_BASE + HS_GROUPS_OFFSET) + (i))
#define TIDMAP ((volatile u16 *)(HS_SESSION_BASE + HS_TIDMAP_OFFSET))
#define CHUNK(i) ((u8 *)(HS_SESSION_BASE + HS_ARENA_OFFSET + (u64)(i)*HS_CHUNK_BYTES))
#define FDS ((volatile u32 *)CHUNK(self()->fd_chunk))
#define HIDDEN(k) ((i64)hs_process.hidden_base + (k))

static inline struct thread *self(void) {
  struct thread *t;
  __asm__ volatile("mov %%gs:16,%0" : "=r"(t));
  return t;
}
static inline struct thread *thread_at(u32 slot) {
  return (struct thread *)(HS_THREADS_BASE + slot * HS_THREAD_BYTES);
}
static inline u32 fd_entry(i64 fd) { return (u64)fd < HS_MAX_FD ? FDS[fd] : 0; }
static inline int recording(void) { return hs_mode != HS_MODE_REPLAY; }

/* affinity.c */
void hs_pin(struct thread *t);
void hs_unpin(struct thread *t);

/* entry.S */
void hs_enter(void);
void hs_restorer(void);
i64 hs_clone(void *args, u64 bytes, struct thread *child);
i64 hs_sys_wait(i64 nr, i64 a, i64 b, i64 c, i64 d, i64 e, i64 f, volatile u64 *pending);
extern char hs_wait_begin[], hs_wait_end[], hs_wait_interrupted[];
int hs_try(void (*run)(void *), void *argument);
extern char hs_try_failed[];
void hs_jump(u64 sp, u64 ip) __attribute__((noreturn));
void hs_do_sigreturn(u64 frame) __attribute__((noreturn));

#endif
