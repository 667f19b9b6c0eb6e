/* preempt.c: the state a thread has come to without a call, recorded and installed (preempt.h).
 *
 * Recorded: the registers, the vector state, and every page of writable memory that may have
 * changed. In MEMORY records `u64 count, u64 page[count]` and then the pages that are not all
 * zero; the YIELD that completes them has struct state and the vector state.
 * The rule: nothing is installed before all of it is there. A log that ends in between leaves the
 * thread at its last entry, from where it goes on by itself. */
#include "preempt.h"

#include "calls.gen.h"
#include "pages.h"
#include "process.h"
#include "sigframe.h"

#define LIST_BASE 0x2a0000000000ul  /* primary: the pages to send */
#define LIST_BYTES HS_PAGE_LIST_BYTES
#define STASH_BASE 0x290000000000ul /* backup: MEMORY records until their YIELD comes */
#define PAGES_AT_ONCE 1024u
#define IS_ZERO 1ul

struct state {
  u64 registers[R_COUNT];
  u64 fs_base;
  u64 spin_site; /* to be patched from here on, or 0 */
  u64 pages;
};

/* ---- the primary ---- */

struct list {
  u64 *page, count;
};

static int is_zero(u64 page) {
  const u64 *word = (const u64 *)page;
  for (u64 i = 0; i < PAGE / 8; i++)
    if (word[i]) return 0;
  return 1;
}

static void list_range(const struct page_range *range, void *context) {
  static u64 entries[512];
  struct list *list = context;
  for (u64 at = range->from; at < range->to; at += 512 * PAGE) {
    u64 pages = (range->to - at) / PAGE < 512 ? (range->to - at) / PAGE : 512;
    int known = hs_pages_look(range, at, pages, entries);
    for (u64 i = 0; i < pages; i++) {
      if (known && !(entries[i] & HS_PAGE_EXISTS)) continue;
      /* a private page that is still the file's was never written */
      if (known && !range->shared && !range->anonymous && (entries[i] & HS_PAGE_OF_FILE)) continue;
      u64 page = at + i * PAGE;
      if (list->count == LIST_BYTES / 8) hs_die("too much memory to preempt a thread in");
      list->page[list->count++] = is_zero(page) ? page | IS_ZERO : page;
    }
  }
}

static void append_pages(struct thread *t, const u64 *page, u64 count) {
  u64 full = 0;
  for (u64 i = 0; i < count; i++) full += !(page[i] & IS_ZERO);
  struct hs_record *r =
      hs_reserve(t, HS_EV_MEMORY, 0, (i64)t->calls, 0, 8 + count * 8 + full * PAGE);
  u64 *data = (u64 *)HS_RECORD_DATA(r);
  *data++ = count;
  memcpy(data, page, count * 8);
  u8 *contents = (u8 *)(data + count);
  for (u64 i = 0; i < count; i++) {
    if (page[i] & IS_ZERO) continue;
    memcpy(contents, (const void *)page[i], PAGE);
    contents += PAGE;
  }
  hs_publish(r);
}

void hs_preempt_reserve(void) {
  static int is_mapped; /* a child inherits both */
  if (is_mapped) return;
  i64 at = SYS(HS_NR_mmap, LIST_BASE, LIST_BYTES, 3,
               HS_MAP_PRIVATE | HS_MAP_ANON | HS_MAP_NORESERVE | HS_MAP_FIXED, -1, 0);
  if (at != (i64)LIST_BASE) hs_die("no memory for a list of pages");
  is_mapped = 1;
}

/* 0: the process may open no file to see what it has mapped in (RLIMIT_NOFILE). */
static int list_memory(struct list *list) {
  hs_preempt_reserve();
  list->page = (u64 *)LIST_BASE;
  list->count = 0;
  return hs_pages_each(list_range, list);
}

static void append_state(struct thread *t, const struct list *list, const u64 *context,
                         u64 spin_site, u32 follows) {
  static u8 vectors[0x1000] __attribute__((aligned(64)));
  struct state s;
  memcpy(s.registers, context + UC_REGS, sizeof s.registers);
  __asm__ volatile("rdfsbase %0" : "=r"(s.fs_base));
  s.spin_site = spin_site;
  s.pages = list->count;
  for (u64 i = 0; i < list->count; i += PAGES_AT_ONCE)
    append_pages(t, list->page + i,
                 list->count - i < PAGES_AT_ONCE ? list->count - i : PAGES_AT_ONCE);
  hs_load_vectors((const u8 *)context[UC_FPSTATE]);
  memset(vectors, 0, sizeof vectors);
  hs_save_vectors(vectors);
  struct hs_record *r =
      hs_reserve(t, HS_EV_YIELD, 2, (i64)t->calls, 0, sizeof s + hs_xsave_bytes);
  memcpy(HS_RECORD_DATA(r), &s, sizeof s);
  memcpy(HS_RECORD_DATA(r) + sizeof s, vectors, hs_xsave_bytes);
  r->method |= follows;
  hs_publish(r);
}

void hs_preempt(struct thread *t, u64 *context, u64 spin_site) {
  static struct list list;
  int ready = hs_signal_ready(t), wanted = hs_baton_is_wanted(t);
  t->ticks = 0;
  if (!ready && !wanted) return;
  t->in_shim = 1;
  /* what cannot be recorded does not happen: it computes on to its next call */
  if (hs_mode == HS_MODE_RECORD && !list_memory(&list)) {
    t->in_shim = 0;
    return;
  }
  hs_order_enter(t);
  CTL->preemptions++;
  if (hs_mode == HS_MODE_RECORD)
    append_state(t, &list, context, spin_site, (ready ? HS_METHOD_SIGNAL_FOLLOWS : 0) |
                                                   (wanted ? HS_METHOD_YIELDED : 0));
  t->calls++;
  if (spin_site) hs_spin_patch(spin_site);
  t->signal_follows = ready != 0;
  if (ready) {
    hs_load_vectors((const u8 *)context[UC_FPSTATE]);
    hs_deliver_all(t, context + UC_REGS, 0, 0);
    context[UC_MASK] = hs_kernel_mask(t);
  }
  if (wanted) {
    hs_baton_yield();
    hs_append(t, HS_EV_RESUME, 0, 0, 0, NULL, 0);
  }
  hs_order_leave(t);
  t->in_shim = 0;
}

/* ---- the backup ---- */

static u64 stashed;

static void stash(const struct hs_record *r) {
  u64 bytes = PAGE_UP(HS_RECORD_LEN(r) + 8);
  i64 at = SYS(HS_NR_mmap, STASH_BASE + stashed, bytes, 3,
               HS_MAP_PRIVATE | HS_MAP_ANON | HS_MAP_FIXED, -1, 0);
  if (at != (i64)(STASH_BASE + stashed)) hs_die("no memory for a preempted thread's pages");
  *(u64 *)at = bytes;
  memcpy((u64 *)at + 1, HS_RECORD_DATA(r), HS_RECORD_LEN(r));
  stashed += bytes;
}

static void drop_stash(void) {
  if (stashed) SYS(HS_NR_munmap, STASH_BASE, stashed);
  stashed = 0;
}

static u64 install_pages(void) {
  u64 total = 0;
  for (u64 at = STASH_BASE; at < STASH_BASE + stashed; at += *(u64 *)at) {
    const u64 *count = (const u64 *)at + 1, *page = count + 1;
    const u8 *contents = (const u8 *)(page + *count);
    for (u64 i = 0; i < *count; i++) {
      u8 *to = (u8 *)(page[i] & ~IS_ZERO);
      if (page[i] & IS_ZERO) {
        if (!is_zero((u64)to)) memset(to, 0, PAGE);
        continue;
      }
      if (memcmp(to, contents, PAGE)) memcpy(to, contents, PAGE);
      contents += PAGE;
    }
    total += *count;
  }
  drop_stash();
  return total;
}

static void install(struct thread *t, struct hs_record *r) {
  u64 *uc = (u64 *)(t->self + HS_T_CONTEXT);
  u8 *area = (u8 *)(t->self + HS_T_CONTEXT + 0x1000);
  struct state s;
  memcpy(&s, HS_RECORD_DATA(r), sizeof s);
  memset(uc, 0, UC_WORDS * 8);
  memcpy(uc + UC_REGS, s.registers, sizeof s.registers);
  memcpy(area, HS_RECORD_DATA(r) + sizeof s, hs_xsave_bytes);
  if (install_pages() != s.pages) hs_diverge(t, r, "all pages of a preemption", "only some");
  hs_consume(t, r);
  CTL->preemptions++;
  t->calls++;
  if (s.spin_site) hs_spin_patch(s.spin_site);
  __asm__ volatile("wrfsbase %0" ::"r"(s.fs_base));
  if (t->signal_follows) {
    hs_load_vectors(area);
    hs_deliver_all(t, uc + UC_REGS, 0, 0);
    hs_save_vectors(area);
  }
  hs_yield_if_due(t);
  hs_boundary(t);
  hs_resume_at(t, uc, area);
}

void hs_boundary_replay(struct thread *t) {
  struct hs_record *r;
  while ((r = hs_ahead(t))) {
    u32 row = r->method & HS_METHOD_ROW;
    if (r->tid == t->tid && row == HS_EV_DEATH && hs_next(t)) hs_killed(t, r);
    if (r->tid != t->tid || (row != HS_EV_MEMORY && (row != HS_EV_YIELD || r->object != 2))) return;
    if ((u64)r->result > t->calls) return;
    if ((u64)r->result < t->calls)
      hs_diverge_values(t, r, "entries into the shim before a preemption", (u64)r->result,
                        t->calls);
    if (!hs_next(t)) break; /* it is the next of the group: now of all */
    if (row == HS_EV_YIELD) install(t, r);
    stash(r);
    hs_consume(t, r);
  }
  drop_stash(); /* the log has ended */
}
