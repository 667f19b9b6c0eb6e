/* pages.h: the program's writable memory, range by range, without what is the shim's own. */
#ifndef HS_PAGES_H
#define HS_PAGES_H

#include "state.h"

struct page_range {
  u64 from, to, offset; /* offset: in its file */
  int shared, anonymous;
  i64 pagemap; /* descriptor of /proc/self/pagemap, or -errno */
};

/* Does a mapping there meet what the core keeps for itself? */
int hs_is_ours(u64 at, u64 bytes);

/* One range after the other, in ascending order. Not for use inside itself: one buffer.
 * 0: there is no descriptor to see them by (RLIMIT_NOFILE, and no right to go past it). */
int hs_pages_each(void (*visit)(const struct page_range *range, void *context), void *context);
/* Before the program lowers that limit: keeps what it takes to see them all the same. */
void hs_pages_keep(void);
/* Looks up as many as 512 pages from `at` on: 0 when what the kernel knows cannot be read. */
int hs_pages_look(const struct page_range *range, u64 at, u64 pages, u64 *entries);
#define HS_PAGE_EXISTS (3ul << 62) /* in memory, or in swap */
#define HS_PAGE_OF_FILE (1ul << 61)

/* The pages of a range that may hold anything but zeros: what the kernel has made no page for, and
 * where its file has a hole, is passed over unread. Not two at a time. */
struct page_walk {
  const struct page_range *range;
  u64 at, looked_to; /* what the kernel knows is known up to there */
  u64 data_from, data_to; /* where the file has data next, as offsets */
  i64 file;
  int known;
};
void hs_walk_begin(struct page_walk *w, const struct page_range *range);
/* The address of the next one; 0: that was all, and the walk has ended. */
u64 hs_walk_next(struct page_walk *w);

/* Digest of all of it, when it is wanted (ARCHITECTURE.md says what it covers). */
u64 hs_memory_digest(u64 *bytes);
/* The same always, with some ranges taken as zero. */
u64 hs_memory_digest_without(const struct span *without, u32 n, u64 *bytes);

#endif
