/* sharing.c: calls by which processes of different groups may come to share memory (groups.h).
 *
 * Memory that a child inherits is groups.c's. What is left are objects that have a name or a
 * descriptor: whoever maps one could see what another process writes, through its own mapping or
 * by a call. The kernel says of no mapping who else has it, so files are remembered: which were
 * mapped, which were opened for writing. The rule: a file that is both makes one group of all; what
 * is not known for certain counts as shared. */
#include "calls.gen.h"
#include "groups.h"
#include "order.h"

#define PROBES 64u
#define VIEW(i) ((struct hs_view *)(HS_SESSION_BASE + HS_VIEWS_OFFSET) + (i))

struct stat_head {
  u64 device, inode, links;
  u32 mode, pad;
  u64 rest[14];
};

static int is_regular(const struct stat_head *st) { return (st->mode & 0170000) == 0100000; }

static int is_decided(void) { return CTL->together || hs_mode != HS_MODE_RECORD; }

/* What is known of a file, `flag` among it from now on. A full table knows everything of it. */
static u32 note(const struct stat_head *st, u32 flag) {
  u64 file = (st->device * 0x9E3779B97F4A7C15ul) ^ st->inode;
  u32 hash = hs_crc_word(0, file);
  for (u32 probe = 0; probe < PROBES; probe++) {
    struct hs_view *view = VIEW((hash + probe) & (HS_MAX_VIEWS - 1));
    if (view->flags && view->file != file) continue;
    if (!flag) return view->flags;
    view->file = file;
    return view->flags |= flag;
  }
  return HS_VIEW_MAPPED | HS_VIEW_WRITTEN;
}

void hs_sharing_map(struct thread *t, i64 fd, u64 flags) {
  struct stat_head st;
  if (is_decided() || SYS(HS_NR_fstat, fd, &st)) return;
  int shared = (flags & 15) != HS_MAP_PRIVATE;
  int writable = (SYS(HS_NR_fcntl, fd, 3 /* F_GETFL */) & HS_O_ACCMODE) != 0;
  int both = shared && writable; /* by its mapping, or by another of this descriptor */
  if (is_regular(&st)) /* a nameless one: a memfd opened again, or one that was deleted */
    both |= !st.links || note(&st, HS_VIEW_MAPPED) == (HS_VIEW_MAPPED | HS_VIEW_WRITTEN);
  if (both) hs_together(t);
}

void hs_sharing_path(struct thread *t, i64 dirfd, u64 path) {
  struct stat_head st;
  if (is_decided() || SYS(HS_NR_newfstatat, dirfd, path, &st, 0) || !is_regular(&st)) return;
  if (note(&st, 0) & HS_VIEW_MAPPED) hs_together(t);
}

void hs_sharing_written(struct thread *t, const void *status) {
  const struct stat_head *st = status;
  if (is_decided() || !is_regular(st)) return;
  if (note(st, HS_VIEW_WRITTEN) & HS_VIEW_MAPPED) hs_together(t);
}
