/* shadow.c: files in a replay that has the log alone (shadow.h). Each open file stands for an empty
 * file of the session's own file system; the first mapping that could show a change brings the
 * contents with it (FILE events), and from then on every change is made to the shadow too. So
 * mappings and descriptors of one file are one, in all processes.
 *
 * The rule: a file is known by device, inode and birth on the primary, by its number in the log. */
#include "shadow.h"

#include "calls.gen.h"
#include "identity.h"
#include "regular.h"

#define PROBES 64u

struct kernel_statx {
  u32 mask, block_bytes;
  u64 attributes;
  u32 links, uid, gid;
  u16 mode, pad;
  u64 inode, bytes, blocks, attributes_mask;
  struct { i64 seconds; u32 ns; int pad; } accessed, born, changed, modified;
  u32 rdev_major, rdev_minor, major, minor;
  u64 rest[14];
};
_Static_assert(sizeof(struct kernel_statx) == 256, "struct statx of the kernel");

/* ---- the primary's side ---- */

static u32 find(const struct kernel_statx *st, int make) {
  u64 device = (u64)st->major << 32 | st->minor;
  u64 born = (u64)st->born.seconds * 1000000000ul + st->born.ns;
  u32 hash = hs_crc_word(hs_crc_word(hs_crc_word(0, device), st->inode), born);
  for (u32 probe = 0; probe < PROBES; probe++) {
    u32 index = (hash + probe) & (HS_MAX_FILES - 1);
    struct hs_file *f = FILE_AT(index);
    if (!index) continue;
    if (!f->used) {
      if (!make) return 0;
      *f = (struct hs_file){device, st->inode, born, 1, 0};
      return index;
    }
    if (f->device == device && f->inode == st->inode && f->born_ns == born) return index;
  }
  return 0;
}

static int look(i64 dirfd, const char *path, u64 flags, struct kernel_statx *st) {
  memset(st, 0, sizeof *st);
  return !SYS(HS_NR_statx, dirfd, path, flags, 0xfff, st) && (st->mode & 0170000) == 0100000;
}

u32 hs_file_of(i64 fd) {
  struct kernel_statx st;
  if (CTL->files != HS_FILES_CARRIED) return 0;
  return look(fd, "", 0x1000 /* AT_EMPTY_PATH */, &st) ? find(&st, 1) : 0;
}

static void publish_part(struct thread *t, u32 index, i64 fd, u64 at, u64 bytes) {
  struct hs_record *r = hs_reserve(t, HS_EV_FILE, index, (i64)at, 0, bytes);
  i64 n = SYS(HS_NR_pread64, fd, HS_RECORD_DATA(r), bytes, at);
  if (n < 0) n = 0;
  memset(HS_RECORD_DATA(r) + n, 0, bytes - (u64)n); /* it shrank meanwhile */
  hs_publish(r);
}

void hs_file_carry(struct thread *t, u32 index, i64 fd, u64 bytes) {
  struct hs_file *f = FILE_AT(index);
  if (f->mapped) return;
  f->mapped = 1;
  hs_append(t, HS_EV_FILE, index, (i64)bytes, 1, NULL, 0);
  if (hs_mode == HS_MODE_LIVE) return;
  /* not by another descriptor: closing one drops all record locks of the process on the file */
  i64 offset = SYS(HS_NR_lseek, fd, 0, 1 /* SEEK_CUR */);
  for (u64 at = 0; at < bytes;) {
    i64 data = SYS(HS_NR_lseek, fd, at, 3 /* SEEK_DATA */);
    if (data < 0 || (u64)data >= bytes) break;
    i64 hole = SYS(HS_NR_lseek, fd, data, 4 /* SEEK_HOLE */);
    u64 end = hole < 0 || (u64)hole > bytes ? bytes : (u64)hole;
    for (at = (u64)data; at < end;) {
      u64 part = end - at < HS_PIECE_BYTES ? end - at : HS_PIECE_BYTES;
      publish_part(t, index, fd, at, part);
      at += part;
    }
  }
  SYS(HS_NR_lseek, fd, offset, 0);
}

void hs_file_resized(struct thread *t, const char *path) {
  struct kernel_statx st;
  if (CTL->files != HS_FILES_CARRIED || !look(-100, path, 0, &st)) return;
  u32 index = find(&st, 0);
  if (index && FILE_AT(index)->mapped)
    hs_append(t, HS_EV_FILE, index, (i64)st.bytes, 1, NULL, 0);
}

/* ---- the replay's side ---- */

i64 hs_shadow_open(u32 index, u64 flags) {
  char name[16];
  u64 kept = HS_O_ACCMODE | HS_O_TRUNC | HS_O_APPEND | HS_O_NONBLOCK | HS_O_CLOEXEC | HS_O_PATH;
  *hs_put_dec(name, index) = 0;
  hs_errand_begin(self()); /* the program may be anybody: the files are the copy's */
  if (flags & HS_O_PATH) SYS(HS_NR_mknodat, HIDDEN(HID_FILES), name, 0100600, 0);
  i64 fd = SYS(HS_NR_openat, HIDDEN(HID_FILES), name,
               (flags & kept) | ((flags & HS_O_PATH) ? 0 : HS_O_CREAT), 0600);
  hs_errand_end(self());
  return fd;
}

int hs_is_shadow(i64 fd) {
  return !recording() && CTL->files == HS_FILES_CARRIED && FD_FILE_INDEX(fd_entry(fd));
}

void hs_file_take(const struct hs_record *r) {
  i64 fd = hs_shadow_open(r->object, HS_O_RDWR);
  i64 want = r->check ? 0 : (i64)HS_RECORD_LEN(r);
  i64 n = r->check ? SYS(HS_NR_ftruncate, fd, r->result)
                   : SYS(HS_NR_pwrite64, fd, HS_RECORD_DATA(r), want, r->result);
  SYS(HS_NR_close, fd);
  if (n != want) hs_diverge(self(), r, "contents of a mapped file", "no room for them here");
  FILE_AT(r->object)->mapped = 1;
}

/* Does the call go on from the descriptor's own offset? */
static int moves(const struct regs *g) {
  switch (g->rax) {
    case HS_NR_read: case HS_NR_readv: case HS_NR_write: case HS_NR_writev: return 1;
    case HS_NR_preadv2: case HS_NR_pwritev2: return (i64)g->r10 == -1;
    default: return 0;
  }
}

void hs_shadow_read(const struct regs *g, i64 result) {
  if (result > 0 && moves(g)) SYS(HS_NR_lseek, (int)g->rdi, result, 1 /* SEEK_CUR */);
}

void hs_shadow_write(struct thread *t, struct hs_record *r, const struct regs *g, i64 result) {
  if (!FILE_AT(FD_FILE_INDEX(fd_entry((int)g->rdi)))->mapped) {
    hs_shadow_read(g, result);
    return;
  }
  i64 own = hs_execute(g);
  if (own != result)
    hs_diverge_values(t, r, "length written to a mapped file", (u64)result, (u64)own);
}

void hs_shadow_follow(const struct regs *g, i64 result) {
  if (result < 0 || !hs_is_shadow((int)g->rdi)) return;
  if (g->rax == HS_NR_lseek) {
    SYS(HS_NR_lseek, (int)g->rdi, result, 0);
  } else if ((g->rax == HS_NR_ftruncate || g->rax == HS_NR_fallocate) &&
             FILE_AT(FD_FILE_INDEX(fd_entry((int)g->rdi)))->mapped) {
    hs_execute(g);
  }
}
