/* memory.c: the program's address space, kept equal to the byte on both sides; pages.c has the
 * digest that proves it.
 *
 * The rule: a mapping lands at the recorded address or the replay stops. File contents come from
 * the file itself where it is known to be unchanged; otherwise they are carried in the record. */
#include "calls.gen.h"
#include "groups.h"
#include "hardware.h"
#include "identity.h"
#include "pages.h"
#include "regular.h"
#include "shadow.h"
#include "signals.h"
#include "sites.h"
#include "tsc.h"

#define HS_CARRIED_ANYHOW (1ul << 20) /* a file this small is carried when it is mapped shared */

/* What a record of a file mapping says about the file; then its path. */
struct map_note {
  u64 device, inode, bytes, modified_ns;
  u32 path_bytes;
  u32 shadow; /* number of the file whose contents are in the log, 0 when they are not */
};
struct kernel_stat {
  u64 device, inode, links;
  u32 mode, uid, gid, pad;
  u64 rdev;
  i64 bytes, block_bytes, blocks;
  i64 atime, atime_ns, mtime, mtime_ns, ctime, ctime_ns, unused[3];
};
_Static_assert(sizeof(struct kernel_stat) == 144, "struct stat of the kernel");

static u64 path_of(i64 fd, char *to, u64 room) {
  char link[40], *p = hs_put(link, "self/fd/");
  p = hs_put_dec(p, fd);
  *p = 0;
  i64 n = SYS(HS_NR_readlinkat, HIDDEN(HID_PROC), link, to, room - 1);
  if (n < 0) n = 0;
  to[n] = 0;
  return (u64)n;
}

/* A regular file that was changed since the session began is carried; so is one without a name. */
static int must_carry(const struct kernel_stat *st) {
  u64 changed = (u64)st->ctime * 1000000000ul + (u64)st->ctime_ns;
  return (st->mode & 0170000) == 0100000 && (st->links == 0 || changed >= CTL->startRealNs);
}

/* Could what the mapping shows differ from the file as it was when the session began, now or
 * later? Then the file is in the log: its number. */
static u32 shadow_of(struct thread *t, const struct regs *g, const struct kernel_stat *st) {
  u32 entry = fd_entry((i64)(int)g->r8);
  if (CTL->files != HS_FILES_CARRIED || FD_KIND(entry) == FD_MEMFD) return 0;
  if ((st->mode & 0170000) != 0100000) return 0;
  u32 index = FD_FILE_INDEX(entry) ? FD_FILE_INDEX(entry) : hs_file_of((int)g->r8);
  if (!index || FILE_AT(index)->mapped) return index;
  int writable = (SYS(HS_NR_fcntl, (int)g->r8, 3 /* F_GETFL */) & HS_O_ACCMODE) != 0;
  int small = (u64)st->bytes <= HS_CARRIED_ANYHOW;
  if (!must_carry(st) && (!(g->r10 & HS_MAP_SHARED) || (!writable && !small))) return 0;
  hs_file_carry(t, index, (int)g->r8, (u64)st->bytes);
  return index;
}

/* Code that can be looked at: there may be memory that can only be run. */
static int is_code(const struct regs *g) {
  return (g->rdx & (HS_PROT_EXEC | HS_PROT_READ)) == (HS_PROT_EXEC | HS_PROT_READ);
}

static i64 record_file_map(struct thread *t, struct regs *g, const struct hs_call *c) {
  char path[1024];
  struct map_note note;
  struct kernel_stat st;
  i64 at = hs_execute(g);
  if (at < 0 && at > -4096) {
    hs_append(t, HS_NR_mmap, (u32)g->r8, at, hs_check(g, c, at), NULL, 0);
    return at;
  }
  memset(&note, 0, sizeof note);
  memset(path, 0, sizeof path);
  note.path_bytes = (u32)path_of((i64)g->r8, path, sizeof path);
  if (!SYS(HS_NR_fstat, (int)g->r8, &st)) {
    note.device = st.device, note.inode = st.inode, note.bytes = (u64)st.bytes;
    note.modified_ns = (u64)st.mtime * 1000000000ul + (u64)st.mtime_ns;
    note.shadow = shadow_of(t, g, &st);
  }
  struct span spans[2] = {{(u8 *)&note, sizeof note},
                          {(u8 *)path, (note.path_bytes + 8u) & ~7ul}};
  hs_append(t, HS_NR_mmap, (u32)g->r8, at, hs_check(g, c, at), spans, 2);
  if (is_code(g)) {
    hs_pin(t); /* its constructors may ask for the processor's number */
    hs_sites_mapped((u64)at, PAGE_UP(g->rsi), g->r9, path);
    hs_hardware_code((u64)at, PAGE_UP(g->rsi), g->r9, (i64)g->r8);
  }
  return at;
}

/* The file of a mapping, on the backup: its own, the log's, or the one of that path. */
static i64 open_for_map(struct thread *t, const struct regs *g, const struct hs_record *r) {
  const struct map_note *note = (const void *)HS_RECORD_DATA(r);
  const char *path = (const char *)(note + 1);
  u32 entry = fd_entry((i64)(int)g->r8);
  struct kernel_stat st;
  if (FD_KIND(entry) == FD_MEMFD ||
      (FD_KIND(entry) == FD_FILE && CTL->files == HS_FILES_MIRRORED))
    return (int)g->r8;
  if (note->shadow)
    return note->shadow == FD_FILE_INDEX(entry) ? (int)g->r8
                                                : hs_shadow_open(note->shadow, HS_O_RDWR);
  i64 fd = hs_open_any(t, path, HS_O_CLOEXEC);
  if (fd < 0) hs_diverge(t, r, path, "this file cannot be opened here");
  if (SYS(HS_NR_fstat, fd, &st) == 0 && (st.mode & 0170000) == 0100000 &&
      (u64)st.bytes != note->bytes)
    hs_diverge(t, r, path, "this file has changed since the recording");
  return fd;
}

/* Its mappings are as anonymous ones, also of a descriptor that was opened for reading alone. */
static int is_zero_device(i64 fd) {
  struct kernel_stat st;
  return !SYS(HS_NR_fstat, fd, &st) && (st.mode & 0170000) == 0020000 && st.rdev == 0x105;
}

static i64 replay_file_map(struct thread *t, struct regs *g, struct hs_record *r) {
  const struct map_note *note = (const void *)HS_RECORD_DATA(r);
  const char *path = (const char *)(note + 1);
  u64 flags = g->r10, where = (u64)r->result;
  i64 fd = open_for_map(t, g, r);
  int by_path = fd != (int)g->r8 && !note->shadow;
  if (!(flags & HS_MAP_FIXED)) flags |= HS_MAP_FIXED_NOREPLACE;
  /* a file opened by its path is whatever it is on this host: nothing is written to it. /dev/zero
   * is none: memory that processes share */
  if (is_zero_device(fd))
    flags |= HS_MAP_ANON;
  else if (by_path && note->bytes)
    flags = (flags & ~3ul) | HS_MAP_PRIVATE;
  i64 at = SYS(HS_NR_mmap, where, g->rsi, g->rdx, flags, fd, g->r9);
  if (at == -HS_EACCES && by_path)
    at = SYS(HS_NR_mmap, where, g->rsi, g->rdx, (flags & ~3ul) | HS_MAP_PRIVATE, fd, g->r9);
  if (at == (i64)where && is_code(g)) {
    hs_pin(t);
    hs_hardware_code(where, PAGE_UP(g->rsi), g->r9, fd);
    hs_sites_mapped(where, PAGE_UP(g->rsi), g->r9, path);
  }
  if (fd != (int)g->r8) SYS(HS_NR_close, fd);
  return at;
}

/* The core's addresses look free to the program: a hint to them is none, and a place that the
 * program insists on there is one the kernel would not give. */
static i64 keep_out(struct regs *g) {
  if (!hs_is_ours(g->rdi, PAGE_UP(g->rsi))) return 0;
  if (g->r10 & HS_MAP_FIXED_NOREPLACE) return -HS_EEXIST;
  if (g->r10 & HS_MAP_FIXED) return -HS_ENOMEM;
  g->rdi = 0;
  return 0;
}

static i64 map(struct thread *t, struct regs *g, const struct hs_call *c) {
  int of_file = (int)g->r8 >= 0 && !(g->r10 & HS_MAP_ANON);
  if ((g->rdx & HS_PROT_EXEC) && !of_file) hs_tsc_anonymous_code();
  struct hs_record *r = hs_turn(t);
  if (!of_file && (g->r10 & 15) != HS_MAP_PRIVATE) hs_process.shares = 1;
  if (!r) {
    if (of_file) hs_sharing_map(t, (int)g->r8, g->r10);
    if (g->r10 & HS_MAP_FIXED) hs_sites_unmapped(g->rdi, PAGE_UP(g->rsi));
    if (of_file) return record_file_map(t, g, c);
    i64 at = hs_execute(g);
    hs_append(t, HS_NR_mmap, 0, at, hs_check(g, c, at), NULL, 0);
    return at;
  }
  hs_match(t, g, r, hs_check(g, c, r->result));
  i64 want = r->result, at = want;
  if (g->r10 & HS_MAP_FIXED) hs_sites_unmapped(g->rdi, PAGE_UP(g->rsi));
  if (want > 0 || want < -4095) {
    if (of_file) {
      at = replay_file_map(t, g, r);
    } else {
      u64 flags = g->r10 | ((g->r10 & HS_MAP_FIXED) ? 0 : HS_MAP_FIXED_NOREPLACE);
      at = SYS(HS_NR_mmap, want, g->rsi, g->rdx, flags, -1, 0);
    }
    if (at != want) hs_diverge_values(t, r, "address of a mapping", (u64)want, (u64)at);
  }
  hs_consume(t, r);
  return at;
}

i64 hs_irr_map(struct thread *t, struct regs *g, const struct hs_call *c) {
  struct regs call = *g;
  i64 error = keep_out(&call);
  return error ? error : map(t, &call, c);
}

i64 hs_irr_remap(struct thread *t, struct regs *g, const struct hs_call *c) {
  if ((g->r10 & 2 /* FIXED */) && hs_is_ours(g->r8, PAGE_UP(g->rdx))) return -HS_ENOMEM;
  struct hs_record *r = hs_turn(t);
  if (!r) {
    i64 at = hs_execute(g);
    hs_append(t, (u32)g->rax, 0, at, hs_check(g, c, at), NULL, 0);
    return at;
  }
  hs_match(t, g, r, hs_check(g, c, r->result));
  struct regs call = *g;
  i64 want = r->result, at = want;
  if (want > 0 || want < -4095) {
    if ((u64)want != g->rdi && !(g->r10 & 2)) {
      call.r10 |= 3; /* MAYMOVE | FIXED */
      call.r8 = (u64)want;
    }
    at = hs_execute(&call);
    if (at != want) hs_diverge_values(t, r, "address of a mapping", (u64)want, (u64)at);
  }
  hs_consume(t, r);
  return at;
}

i64 hs_irr_unmap(struct thread *t, struct regs *g, const struct hs_call *c) {
  hs_sites_unmapped(g->rdi, PAGE_UP(g->rsi));
  return hs_both(t, g, c);
}
i64 hs_irr_brk(struct thread *t, struct regs *g, const struct hs_call *c) {
  return hs_both(t, g, c);
}
i64 hs_irr_protect(struct thread *t, struct regs *g, const struct hs_call *c) {
  /* code that was written, not mapped: a file's own is looked at when it is mapped */
  if ((g->rdx & HS_PROT_EXEC) && !hs_sites_is_file(g->rdi, g->rdi + g->rsi))
    hs_tsc_anonymous_code();
  return hs_both(t, g, c);
}

i64 hs_irr_lock_all(struct thread *t, struct regs *g, const struct hs_call *c) {
  struct regs call = *g;
  if ((g->rdi & ~7ul) == 0 && (g->rdi & 3)) call.rdi |= 4; /* MCL_ONFAULT */
  return hs_both(t, &call, c);
}
