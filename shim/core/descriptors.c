/* descriptors.c: what each descriptor is; the calls that make, copy and close them.
 *
 * The backup holds a real object at every number the primary has: files and internal objects are
 * the real thing (numbers, dups and inheritance then come out right by themselves), sockets are
 * unconnected ones that go-live turns into connections. The rule: a call that makes or closes a
 * descriptor is executed on both sides, so that the numbers agree. */
#include "descriptors.h"

#include "calls.gen.h"
#include "connections.h"
#include "groups.h"
#include "identity.h"
#include "outbox.h"
#include "regular.h"
#include "shadow.h"
#include "terminals.h"
#include "timers.h"

struct kernel_stat_head {
  u64 device, inode, links;
  u32 mode, uid, gid, pad;
};

void hs_set_entry(i64 fd, u32 entry) {
  if ((u64)fd < HS_MAX_FD) FDS[fd] = entry;
}
int hs_is_hidden(u64 fd) {
  u32 n = (u32)fd;
  return n >= hs_process.hidden_base && n < hs_process.hidden_base + HID_COUNT;
}

void hs_note_new(const struct regs *g, i64 result) {
  if (result < 0) return;
  const int *pair;
  u32 nonblock;
  switch (g->rax) {
    case HS_NR_pipe:
    case HS_NR_pipe2:
      pair = (const int *)g->rdi;
      nonblock = g->rax == HS_NR_pipe2 && (g->rsi & HS_O_NONBLOCK) ? FD_NONBLOCK : 0;
      hs_set_entry(pair[0], FD_PIPE | nonblock);
      hs_set_entry(pair[1], FD_PIPE | nonblock);
      break;
    case HS_NR_socketpair:
      pair = (const int *)g->r10;
      nonblock = (g->rsi & HS_O_NONBLOCK) ? FD_NONBLOCK : 0;
      if ((g->rsi & 15) == 1) nonblock |= FD_STREAM;
      hs_set_entry(pair[0], FD_PAIR | nonblock);
      hs_set_entry(pair[1], FD_PAIR | nonblock);
      break;
    case HS_NR_eventfd: hs_set_entry(result, FD_EVENTFD); break;
    case HS_NR_eventfd2:
      hs_set_entry(result, FD_EVENTFD | ((g->rsi & HS_O_NONBLOCK) ? FD_NONBLOCK : 0));
      break;
    case HS_NR_epoll_create:
    case HS_NR_epoll_create1: hs_set_entry(result, FD_EPOLL); break;
    case HS_NR_timerfd_create:
      hs_set_entry(result, FD_TIMERFD | ((g->rsi & HS_O_NONBLOCK) ? FD_NONBLOCK : 0));
      if (hs_mode != HS_MODE_RECORD) hs_timer_made(result, (u32)g->rdi);
      break;
    case HS_NR_signalfd:
    case HS_NR_signalfd4: hs_set_entry(result, FD_SIGNALFD); break;
    case HS_NR_inotify_init:
    case HS_NR_inotify_init1: hs_set_entry(result, FD_INOTIFY); break;
    case HS_NR_memfd_create: hs_set_entry(result, FD_MEMFD); break;
    case HS_NR_mq_open: hs_set_entry(result, FD_QUEUE); break;
    case HS_NR_pidfd_open: /* whose it is: the slot of its first thread */
      hs_set_entry(result, FD_PIDFD | (g->rdi < HS_MAX_TID ? (u32)TIDMAP[g->rdi] << 16 : 0));
      break;
    default: break;
  }
}

/* Calls that wait make their descriptor while others run, so the lowest free number here need not
 * be the recorded one: what came out elsewhere is moved there. */
i64 hs_place(struct thread *t, struct hs_record *r, i64 own, i64 want) {
  if (own == want) return want;
  i64 flags = own < 0 ? -1 : SYS(HS_NR_fcntl, own, 1 /* F_GETFD */);
  if (flags < 0 || want < 0 || SYS(HS_NR_fcntl, want, 1) >= 0 ||
      SYS(HS_NR_dup3, own, want, (flags & 1) ? HS_O_CLOEXEC : 0) != want)
    hs_diverge_values(t, r, "number of a new descriptor", (u64)want, (u64)own);
  SYS(HS_NR_close, own);
  return want;
}
void hs_must_be(struct thread *t, struct hs_record *r, i64 fd) {
  hs_place(t, r, fd, r->result);
}

/* Two new descriptors, as the record has them: one may be in the place of the other. */
void hs_place_pair(struct thread *t, struct hs_record *r, int *own, const int *want) {
  if (own[0] == want[1] && own[0] != want[0]) {
    int closes = (int)SYS(HS_NR_fcntl, own[0], 1 /* F_GETFD */) & 1;
    own[0] = (int)SYS(HS_NR_fcntl, own[0], closes ? 1030 : 0 /* F_DUPFD */, want[1] + 1);
    SYS(HS_NR_close, want[1]);
  }
  own[1] = (int)hs_place(t, r, own[1], want[1]);
  own[0] = (int)hs_place(t, r, own[0], want[0]);
}
i64 hs_placeholder(u64 flags) {
  return SYS(HS_NR_open, "/dev/null", HS_O_RDWR | (flags & HS_O_CLOEXEC), 0);
}

int hs_is_real_file(const struct regs *g, const struct hs_call *c) {
  if (c->nargs && c->arg[0].kind == HS_FD) {
    enum fd_kind kind = FD_KIND(fd_entry((int)g->rdi));
    /* a path relative to a directory that is only carried is carried too */
    if (kind == FD_MEMFD || kind == FD_OWN_MEMORY) return 1;
    if ((int)g->rdi != -100 && kind != FD_FILE) return 0;
  }
  return CTL->files == HS_FILES_MIRRORED;
}

/* ---- open, close, dup ---- */

/* File systems that are a view of the kernel: what is in them, and whether, each host says for
 * itself (linux/magic.h). */
#define PROC_MAGIC 0x9fa0
static int is_of_the_kernel(u64 magic) {
  static const u32 views[] = {PROC_MAGIC, 0x62656572 /* sysfs */, 0x27e0eb /* cgroup */,
                              0x63677270 /* cgroup2 */, 0x64626720 /* debugfs */,
                              0x74726163 /* tracefs */, 0x73636673 /* securityfs */,
                              0xcafe4a11 /* bpf */, 0xf97cff8c /* selinuxfs */,
                              0xde5e81e4 /* efivarfs */};
  for (u32 i = 0; i < sizeof views / sizeof *views; i++)
    if (magic == views[i]) return 1;
  return 0;
}

/* The process's own memory as a file, by its number: proc(5), mem. What is written there is in its
 * memory, so the backup holds the real one. */
static int is_own_memory(struct thread *t, i64 fd) {
  char link[40], path[256], tail[64];
  *hs_put_dec(hs_put(link, "thread-self/fd/"), fd) = 0;
  i64 n = SYS(HS_NR_readlinkat, HIDDEN(HID_PROC), link, path, sizeof path - 1);
  if (n <= 0) return 0;
  path[n] = 0;
  char *end = hs_put(hs_put_dec(hs_put(tail, "/"), t->pid), "/mem");
  *end = 0;
  return n > end - tail && hs_streq(path + n - (end - tail), tail);
}

static int may_write(u64 flags) { return (flags & (HS_O_ACCMODE | HS_O_TRUNC)) != 0; }

static u64 kind_of_open(struct thread *t, i64 fd, u64 flags) {
  struct { struct kernel_stat_head head; u64 rest[13]; } st;
  u64 fs[15];
  u32 nonblock = (flags & HS_O_NONBLOCK) ? FD_NONBLOCK : 0;
  if (SYS(HS_NR_fstat, fd, &st)) return FD_CARRIED;
  u32 type = st.head.mode & 0170000;
  if (type == 0020000 && (CTL->flags & HS_FLAG_TAKEOVER)) {
    u64 terminal = hs_terminal_kind(fd);
    if (terminal) return terminal | nonblock;
  }
  if (type != 0100000 && type != 0040000) return FD_CARRIED | nonblock;
  if (!SYS(HS_NR_fstatfs, fd, fs) && is_of_the_kernel(fs[0]))
    return fs[0] == PROC_MAGIC && is_own_memory(t, fd) ? FD_OWN_MEMORY : FD_CARRIED;
  if (may_write(flags)) hs_sharing_written(t, &st);
  return type == 0100000 ? FD_FILE | hs_file_of(fd) << 16 : FD_FILE;
}

static u64 open_flags(const struct regs *g) {
  u32 ok;
  switch (g->rax) {
    case HS_NR_open: return g->rsi;
    case HS_NR_openat: return g->rdx;
    case HS_NR_openat2: return hs_peek(g->rdx, &ok);
    default: return HS_O_CREAT | HS_O_WRONLY | HS_O_TRUNC;
  }
}

#define OPEN_MODE (HS_O_ACCMODE | HS_O_CLOEXEC)
static int takes_directory(const struct regs *g) {
  return g->rax == HS_NR_openat || g->rax == HS_NR_openat2;
}

/* Opening a FIFO waits for its other end, which may be another thread of the application. */
static int may_wait_for_peer(const struct regs *g) {
  u64 st[32], flags = open_flags(g);
  int relative = takes_directory(g);
  if (flags & (HS_O_NONBLOCK | HS_O_PATH | HS_O_DIRECTORY | HS_O_EXCL)) return 0;
  i64 found = SYS(HS_NR_statx, relative ? (int)g->rdi : -100 /* AT_FDCWD */,
                  relative ? g->rsi : g->rdi, 0x800 /* AT_NO_AUTOMOUNT */, 1 /* STATX_TYPE */, st);
  return found == 0 && (((const u16 *)st)[14] & 0170000) == 0010000;
}

static i64 open_for_real(struct thread *t, struct regs *g, int held) {
  if (may_wait_for_peer(g)) return hs_record_waiting(t, g, &hs_calls[g->rax], NULL, held);
  if (!held) hs_baton_take();
  return hs_execute(g);
}

i64 hs_irr_open(struct thread *t, struct regs *g, const struct hs_call *c) {
  struct hs_record *r = recording() ? NULL : hs_next(t);
  if (!r) {
    /* an open may change the file at once: with several groups it must be known before */
    if (UNLIKELY(CTL->split) && may_write(open_flags(g)))
      hs_sharing_path(t, takes_directory(g) ? (i64)(int)g->rdi : -100,
                      takes_directory(g) ? g->rsi : g->rdi);
    i64 fd = open_for_real(t, g, recording() || hs_live_with_baton(t));
    u64 kind = fd >= 0 ? kind_of_open(t, fd, open_flags(g)) : 0;
    hs_append_bytes(t, (u32)g->rax, (u32)fd, fd, hs_check(g, c, fd), &kind, fd >= 0 ? 8 : 0);
    if (fd >= 0) hs_set_entry(fd, (u32)kind);
    if (fd >= 0) hs_terminal_owned(kind);
    return fd;
  }
  hs_match(t, g, r, hs_check(g, c, r->result));
  i64 fd = r->result;
  if (fd >= 0) {
    u64 kind;
    memcpy(&kind, HS_RECORD_DATA(r), 8);
    if (CTL->files == HS_FILES_MIRRORED && FD_KIND(kind) == FD_FILE) {
      i64 own = hs_execute(g);
      int has_directory = g->rax == HS_NR_openat || g->rax == HS_NR_openat2;
      const char *path = (const char *)(has_directory ? g->rsi : g->rdi);
      if (own < 0) hs_diverge(t, r, path, "this file cannot be opened here");
      hs_must_be(t, r, own);
    } else if (hs_is_terminal((u32)kind) && (CTL->flags & HS_FLAG_TAKEOVER)) {
      hs_must_be(t, r, hs_terminal_open(kind, open_flags(g)));
    } else if (FD_KIND(kind) == FD_OWN_MEMORY) {
      hs_must_be(t, r, hs_open_own(t, "self/mem", open_flags(g) & OPEN_MODE));
    } else if (FD_FILE_INDEX((u32)kind)) {
      hs_must_be(t, r, hs_shadow_open(FD_FILE_INDEX((u32)kind), open_flags(g)));
    } else {
      hs_must_be(t, r, hs_placeholder(open_flags(g)));
    }
    hs_set_entry(fd, (u32)kind);
    hs_terminal_owned(kind);
  }
  hs_consume(t, r);
  return fd;
}

i64 hs_irr_truncate(struct thread *t, struct regs *g, const struct hs_call *c) {
  struct hs_record *r = hs_turn(t);
  if (!r) hs_sharing_path(t, -100, g->rdi);
  i64 result = r ? r->result : hs_execute(g);
  if (!r) {
    if (!result) hs_file_resized(t, (const char *)g->rdi);
    hs_append(t, (u32)g->rax, 0, result, hs_check(g, c, result), NULL, 0);
    return result;
  }
  hs_match(t, g, r, hs_check(g, c, result));
  if (CTL->files == HS_FILES_MIRRORED && (hs_execute(g) < 0) != (result < 0))
    hs_diverge(t, r, "a file truncated here as there", "another result");
  hs_consume(t, r);
  return result;
}

/* A close that is part of another call: its FIN waits for the records before that call's own. */
static void leave(struct thread *t, i64 fd) {
  int taken = recording() ? hs_outbox_close(t, fd) : 0;
  if (!taken) return;
  hs_set_entry(fd, FD_NONE);
  hs_outbox_note_close(taken);
}

static void forget(i64 fd) {
  u32 entry = fd_entry(fd);
  if (FD_KIND(entry) == FD_TCP && FD_CONN(entry)) {
    struct hs_conn *k = CONN(FD_CONN(entry));
    if (k->descriptors && --k->descriptors == 0) hs_conn_closed(FD_CONN(entry));
  }
  hs_epoll_forget(fd);
  hs_set_entry(fd, FD_NONE);
}

/* An exec closes what was to be closed by it; the end of a process closes everything. */
void hs_descriptors_end(struct thread *t, int by_exec) {
  for (i64 fd = 0; fd < (i64)HS_MAX_FD; fd++) {
    u32 entry = FDS[fd];
    if (FD_KIND(entry) != FD_TCP || !FD_CONN(entry)) continue;
    if (by_exec && SYS(HS_NR_fcntl, fd, 1 /* F_GETFD */) >= 0) continue;
    leave(t, fd);
    forget(fd);
  }
}

i64 hs_irr_close(struct thread *t, struct regs *g, const struct hs_call *c) {
  if (hs_is_hidden(g->rdi)) return -HS_EBADF;
  int taken = recording() ? hs_outbox_close(t, (int)g->rdi) : 0;
  if (taken) { /* what is held for it leaves first; the number is free already */
    hs_append(t, HS_NR_close, (u32)g->rdi, 0, hs_check(g, c, 0), NULL, 0);
    hs_set_entry((int)g->rdi, FD_NONE);
    hs_outbox_note_close(taken);
    return 0;
  }
  i64 result = hs_both(t, g, c);
  forget((int)g->rdi);
  return result;
}

i64 hs_irr_close_range(struct thread *t, struct regs *g, const struct hs_call *c) {
  u64 first = (u32)g->rdi, last = (u32)g->rsi;
  if (first > last || (g->rdx & ~6ul)) return hs_both(t, g, c);
  /* threads have one table here: to close in a table of its own would close in all */
  if ((g->rdx & 2 /* UNSHARE */) && hs_process.threads > 1 && !t->vfork_child) return -HS_EPERM;
  struct regs call = *g;
  if (last >= hs_process.hidden_base) call.rsi = hs_process.hidden_base - 1;
  if (first > call.rsi) return 0;
  if (!(g->rdx & 4 /* CLOEXEC */))
    for (u64 fd = first; fd <= call.rsi && fd < HS_MAX_FD; fd++)
      if (fd_entry((i64)fd)) {
        leave(t, (i64)fd);
        forget((i64)fd);
      }
  call.rdx &= ~2ul;
  return hs_both(t, &call, c);
}

void hs_copy_entry(i64 from, i64 to) {
  u32 entry = fd_entry(from);
  if (from == to) return;
  forget(to);
  if (FD_KIND(entry) == FD_TCP && FD_CONN(entry)) {
    CONN(FD_CONN(entry))->descriptors++;
    entry |= FD_CLONED;
    hs_set_entry(from, entry);
  }
  hs_set_entry(to, entry);
}

i64 hs_irr_dup(struct thread *t, struct regs *g, const struct hs_call *c) {
  if (hs_is_hidden(g->rdi) || (g->rax != HS_NR_dup && hs_is_hidden(g->rsi))) return -HS_EBADF;
  if (g->rax != HS_NR_dup && g->rdi != g->rsi && fd_entry((int)g->rdi)) leave(t, (int)g->rsi);
  i64 result = hs_both(t, g, c);
  if (result >= 0) hs_copy_entry((int)g->rdi, result);
  return result;
}
