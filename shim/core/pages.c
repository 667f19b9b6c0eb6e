/* pages.c: walks the program's writable memory (pages.h), and the digest over it.
 *
 * The rule: what is left out here is left out on both sides, by address alone. */
#include "pages.h"

#include "calls.gen.h"
#include "identity.h"

int hs_is_ours(u64 at, u64 bytes) {
  static const u64 ours[][2] = {{HS_CORE_BASE, HS_CORE_END},
                                {HS_THREADS_BASE, HS_OWN_END},
                                {HS_STUBS_HIGH, HS_STUBS_HIGH + HS_STUBS_BYTES},
                                {HS_STUBS_PIE, HS_STUBS_PIE + HS_STUBS_BYTES},
                                {HS_STUBS_LOW, HS_STUBS_LOW + HS_STUBS_BYTES}};
  for (u64 i = 0; i < sizeof ours / sizeof *ours; i++)
    if (at < ours[i][1] && at + bytes > ours[i][0]) return 1;
  return 0;
}

static const char *parse_hex(const char *p, u64 *value) {
  *value = 0;
  for (;; p++) {
    if (*p >= '0' && *p <= '9')
      *value = *value * 16 + (u64)(*p - '0');
    else if (*p >= 'a' && *p <= 'f')
      *value = *value * 16 + (u64)(*p - 'a') + 10;
    else
      return p;
  }
}

/* A line of /proc/self/maps; 0 when it is none of the program's writable memory. */
static int parse_range(const char *line, struct page_range *range) {
  u64 skip, inode = 0;
  const char *p = parse_hex(line, &range->from);
  p = parse_hex(p + 1, &range->to);
  const char *prot = p + 1;
  p = parse_hex(prot + 5, &range->offset);
  while (*p && *p != ' ' ) p++;
  p = parse_hex(p + 1, &skip);
  if (*p == ':') p = parse_hex(p + 1, &skip);
  for (p++; *p >= '0' && *p <= '9'; p++) inode = inode * 10 + (u64)(*p - '0');
  range->shared = prot[3] == 's';
  range->anonymous = inode == 0;
  if (prot[0] != 'r' || prot[1] != 'w') return 0;
  return !hs_is_ours(range->from, 1) && range->from <= 0x7fffffffffff;
}

/* The program is about to lower its limit of descriptors for good, or has none left: what it is
 * seen by is opened past the limit, under numbers that it cannot see. */
static u32 kept_for;
void hs_pages_keep(void) {
  static const char *const names[] = {"thread-self/maps", "thread-self/pagemap"};
  u64 limit[2], high[2];
  if (kept_for == hs_process.pid) return;
  SYS(HS_NR_prlimit64, 0, 7 /* NOFILE */, 0, limit);
  high[0] = high[1] = limit[1];
  if (limit[1] < (u64)HIDDEN(HID_COUNT)) high[0] = high[1] = (u64)HIDDEN(HID_COUNT);
  if (SYS(HS_NR_prlimit64, 0, 7, high, 0) && limit[0] < (u64)HIDDEN(HID_COUNT)) return;
  i64 kept = 0;
  SYS(HS_NR_close, HIDDEN(HID_SPARE)); /* the one free number, where all others are in use */
  for (int i = 0; i < 2; i++) {
    i64 fd = hs_open_own(self(), names[i], HS_O_CLOEXEC);
    kept |= SYS(HS_NR_dup3, fd, HIDDEN(HID_MAPS + i), 0);
    SYS(HS_NR_close, fd);
  }
  SYS(HS_NR_dup3, HIDDEN(HID_START), HIDDEN(HID_SPARE), 0);
  if (kept >= 0) kept_for = hs_process.pid;
  SYS(HS_NR_prlimit64, 0, 7, limit, 0);
}

static i64 open_view(const char *name, int hidden) {
  i64 fd = hs_open_own(self(), name, HS_O_CLOEXEC);
  if (fd == -HS_EMFILE) hs_pages_keep();
  if (fd >= 0 || kept_for != hs_process.pid) return fd;
  fd = HIDDEN(hidden);
  SYS(HS_NR_lseek, fd, 0, 0);
  return fd;
}
static void close_view(i64 fd) {
  if (fd >= 0 && fd < HIDDEN(0)) SYS(HS_NR_close, fd);
}

int hs_pages_each(void (*visit)(const struct page_range *range, void *context), void *context) {
  static char text[65536];
  struct page_range range;
  i64 maps = open_view("thread-self/maps", HID_MAPS);
  range.pagemap = open_view("thread-self/pagemap", HID_PAGEMAP);
  int sees = maps >= 0 && range.pagemap >= 0;
  u64 have = 0;
  while (sees) {
    i64 n = SYS(HS_NR_read, maps, text + have, sizeof text - 1 - have);
    if (n <= 0) break;
    have += (u64)n;
    text[have] = 0;
    char *line = text;
    for (;;) {
      char *end = line;
      while (*end && *end != '\n') end++;
      if (!*end) break;
      *end = 0;
      if (parse_range(line, &range)) visit(&range, context);
      line = end + 1;
    }
    have = (u64)(text + have - line);
    for (u64 i = 0; i < have; i++) text[i] = line[i];
  }
  close_view(maps);
  close_view(range.pagemap);
  return sees;
}

int hs_pages_look(const struct page_range *range, u64 at, u64 pages, u64 *entries) {
  return SYS(HS_NR_pread64, range->pagemap, entries, pages * 8, at / PAGE * 8) ==
         (i64)(pages * 8);
}

/* ---- which pages may hold anything ---- */

#define FEW_PAGES 256u          /* of so few the file is not asked where its holes are */
static u64 present[512]; /* of a shorter stretch the last ones */

/* The file of a range, by the kernel's own link: its name may be gone, or name another by now. */
static i64 open_mapped(const struct page_range *range) {
  char name[64], *p = hs_put_hex(hs_put(name, "self/map_files/"), range->from);
  *hs_put_hex(hs_put(p, "-"), range->to) = 0;
  u64 st[32];
  hs_errand_begin(self());
  i64 fd = SYS(HS_NR_statx, HIDDEN(HID_PROC), name, 0, 1 /* STATX_TYPE */, st);
  if (!fd) /* opening a device may do something */
    fd = (((const u16 *)st)[14] & 0170000) == 0100000
             ? SYS(HS_NR_openat, HIDDEN(HID_PROC), name, HS_O_CLOEXEC, 0)
             : -HS_EINVAL;
  hs_errand_end(self());
  return fd;
}

void hs_walk_begin(struct page_walk *w, const struct page_range *range) {
  *w = (struct page_walk){range, range->from, range->from, 0, ~0ul, -1, 0};
  if (!range->anonymous && range->to - range->from > FEW_PAGES * PAGE) w->file = open_mapped(range);
  if (w->file >= 0) w->data_to = 0;
}

static void look(struct page_walk *w) {
  u64 pages = (w->range->to - w->at) / PAGE < 512 ? (w->range->to - w->at) / PAGE : 512;
  w->looked_to = w->at + pages * PAGE;
  w->known = hs_pages_look(w->range, w->at, pages, present + 512 - pages);
}

/* A page that nobody touched is its file's; past the end of that there is nothing. */
static int is_data(struct page_walk *w) {
  u64 offset = w->range->offset + (w->at - w->range->from);
  if (w->range->anonymous) return 0;
  if (offset >= w->data_to) {
    i64 from = SYS(HS_NR_lseek, w->file, offset, 3 /* SEEK_DATA */);
    i64 to = from < 0 ? from : SYS(HS_NR_lseek, w->file, from, 4 /* SEEK_HOLE */);
    w->data_from = from == -HS_ENXIO ? ~0ul : from < 0 ? 0 : (u64)from & ~(PAGE - 1);
    w->data_to = to < 0 ? ~0ul : ((u64)to + PAGE - 1) & ~(PAGE - 1);
  }
  return offset >= w->data_from;
}

u64 hs_walk_next(struct page_walk *w) {
  for (; w->at < w->range->to; w->at += PAGE) {
    if (w->at >= w->looked_to) look(w);
    u64 entry = present[512 - (w->looked_to - w->at) / PAGE];
    if (w->known && !(entry & HS_PAGE_EXISTS) && !is_data(w)) continue;
    w->at += PAGE;
    return w->at - PAGE;
  }
  if (w->file >= 0) SYS(HS_NR_close, w->file);
  return 0;
}

/* ---- the digest ---- */

struct digest {
  u64 bytes;
  u32 crc, n;
  const struct span *without;
};

/* The page, or a copy of it in which what is left out is zero. */
static const void *page_without(const struct digest *d, u64 page) {
  static u8 copy[PAGE];
  u32 copied = 0;
  for (u32 i = 0; i < d->n; i++) {
    u64 from = (u64)d->without[i].at, to = from + d->without[i].bytes;
    if (to <= page || from >= page + PAGE) continue;
    if (!copied++) memcpy(copy, (const void *)page, PAGE);
    if (from < page) from = page;
    if (to > page + PAGE) to = page + PAGE;
    memset(copy + (from - page), 0, to - from);
  }
  return copied ? copy : (const void *)page;
}

struct page_sum {
  const struct digest *digest;
  u64 page;
  u32 sum;
};
static void sum_page(void *argument) {
  struct page_sum *p = argument;
  p->sum = hs_crc(0, page_without(p->digest, p->page), PAGE);
}

/* A mapping may reach past the end of its file, where touching a page is an error. */
static u32 sum_of(const struct page_range *range, const struct digest *d, u64 page) {
  struct page_sum p = {d, page, 0};
  if (range->anonymous)
    sum_page(&p);
  else if (hs_try(sum_page, &p))
    p.sum = 0;
  return p.sum;
}

/* Pages that were never touched are zero on both sides, so zero pages add nothing. */
static void digest_range(const struct page_range *range, void *context) {
  struct digest *d = context;
  struct page_walk walk;
  d->bytes += range->to - range->from;
  hs_walk_begin(&walk, range);
  for (u64 page; (page = hs_walk_next(&walk));) {
    u32 sum = sum_of(range, d, page);
    if (sum) d->crc = hs_crc_word(hs_crc_word(d->crc, page), sum);
  }
}

u64 hs_memory_digest(u64 *bytes) {
  *bytes = 0;
  if (!(CTL->flags & HS_FLAG_MEMORY)) return 0;
  if (hs_process.parallel && hs_process.threads > 1) return 0; /* the others still run */
  u64 digest = hs_memory_digest_without(NULL, 0, bytes);
  CTL->memoryBytes += *bytes;
  CTL->memoryProcesses++;
  return digest;
}

u64 hs_memory_digest_without(const struct span *without, u32 n, u64 *bytes) {
  struct digest d = {0, 0, n, without};
  hs_pages_each(digest_range, &d);
  *bytes = d.bytes;
  return d.crc;
}
