/* evidence.c: with HS_FLAG_EVIDENCE the log carries, before the end of each process, all pages that
 * its digest covers. A replay compares them byte by byte, and says of the first difference where
 * it is, what was there, and how far under which thread's stack pointer it lies.
 *
 * The rule: this explains a difference that the digest found; it decides nothing itself. */
#include "evidence.h"

#include "calls.gen.h"
#include "order.h"
#include "pages.h"

#define RUN_PAGES 256u /* in one record: 1 MiB */

static int is_wanted(const struct thread *t) {
  if (!(CTL->flags & HS_FLAG_EVIDENCE) || t->vfork_child) return 0;
  return !(hs_process.parallel && hs_process.threads > 1);
}

/* ---- the recording ---- */

struct taking {
  struct thread *t;
  u32 signal;
  u64 from, to; /* pages to be recorded, one after another */
};

struct look {
  u64 page;
  int is_zero;
};
static void look_at(void *argument) {
  struct look *l = argument;
  const u64 *words = (const u64 *)l->page;
  l->is_zero = 1;
  for (u32 i = 0; i < PAGE / 8; i++)
    if (words[i]) {
      l->is_zero = 0;
      return;
    }
}

static void record_run(struct taking *w) {
  if (w->to > w->from)
    hs_append_bytes(w->t, HS_EV_PAGES, w->signal, (i64)w->from, 0, (void *)w->from,
                    w->to - w->from);
  w->from = w->to = 0;
}

static void take_range(const struct page_range *range, void *context) {
  struct taking *w = context;
  struct page_walk walk;
  hs_walk_begin(&walk, range);
  for (u64 page; (page = hs_walk_next(&walk));) {
    struct look l = {page, 1};
    if (hs_try(look_at, &l) || l.is_zero) continue;
    if (l.page != w->to || w->to - w->from >= RUN_PAGES * PAGE) record_run(w);
    if (!w->to) w->from = l.page;
    w->to = l.page + PAGE;
  }
  record_run(w);
}

/* ---- the replay ---- */

struct difference {
  u64 at, bytes, pages;
  u8 recorded, here;
  int is_unmapped;
};

struct comparing {
  struct difference *d;
  const u8 *recorded;
  u64 page;
};
static void compare_page(void *argument) {
  struct comparing *c = argument;
  const u8 *here = (const u8 *)c->page;
  u64 before = c->d->bytes;
  for (u64 i = 0; i < PAGE; i++) {
    if (c->recorded[i] == here[i]) continue;
    if (c->d->bytes++) continue;
    c->d->at = c->page + i;
    c->d->recorded = c->recorded[i];
    c->d->here = here[i];
  }
  c->d->pages += c->d->bytes != before;
}

struct naming {
  u64 at;
  char *p;
};
static void name_range(const struct page_range *range, void *context) {
  struct naming *n = context;
  if (n->at < range->from || n->at >= range->to) return;
  n->p = hs_put(n->p, range->shared ? "; shared " : "; private ");
  n->p = hs_put(n->p, range->anonymous ? "memory 0x" : "file 0x");
  n->p = hs_put_hex(n->p, range->from);
  n->p = hs_put(n->p, "-0x");
  n->p = hs_put_hex(n->p, range->to);
}
static char *put_range(char *p, u64 at) {
  struct naming n = {at, p};
  hs_pages_each(name_range, &n);
  return n.p;
}

/* The thread of this process whose stack pointer lies nearest above: dead stack, if it is near. */
static char *put_stack(char *p, const struct thread *t, u64 at) {
  u64 nearest = 0x100000;
  u32 tid = 0;
  for (u32 i = 0; i < CTL->slots; i++) {
    if (SLOT(i)->state != 1 || SLOT(i)->pid != t->pid) continue;
    u64 sp = thread_at(i)->app_sp;
    if (sp <= at || sp - at >= nearest) continue;
    nearest = sp - at;
    tid = SLOT(i)->tid;
  }
  if (!tid) return p;
  p = hs_put(p, "; 0x");
  p = hs_put_hex(p, nearest);
  p = hs_put(p, " under the stack pointer of thread ");
  return hs_put_dec(p, tid);
}

static void describe(const struct thread *t, const struct difference *d) {
  char text[512], *p = hs_put(text, "process ");
  if (CTL->sentence[0]) return; /* of the first process */
  p = hs_put_dec(p, t->pid);
  p = hs_put(p, ", 0x");
  p = hs_put_hex(p, d->at);
  p = hs_put(p, ": recorded 0x");
  p = hs_put_hex(p, d->recorded);
  if (d->is_unmapped) {
    p = hs_put(p, ", not readable here");
  } else {
    p = hs_put(p, ", here 0x");
    p = hs_put_hex(p, d->here);
  }
  p = hs_put(p, "; ");
  p = hs_put_dec(p, (i64)d->bytes);
  p = hs_put(p, " bytes in ");
  p = hs_put_dec(p, (i64)d->pages);
  p = hs_put(p, " pages");
  p = put_range(p, d->at);
  p = put_stack(p, t, d->at);
  *p = 0;
  memcpy(CTL->sentence, text, (u64)(p - text) + 1);
}

static void compare_run(const struct hs_record *r, struct difference *d) {
  for (u64 i = 0; i + PAGE <= HS_RECORD_LEN(r); i += PAGE) {
    struct comparing c = {d, HS_RECORD_DATA(r) + i, (u64)r->result + i};
    if (!hs_try(compare_page, &c) || d->is_unmapped) continue;
    d->is_unmapped = 1;
    if (!d->bytes++) d->at = c.page, d->recorded = c.recorded[0];
  }
}

void hs_evidence(struct thread *t, u32 signal) {
  if (!is_wanted(t)) return;
  struct difference d = {0};
  for (;;) {
    struct hs_record *r = hs_turn(t);
    if (!r) break;
    if ((r->method & HS_METHOD_ROW) != HS_EV_PAGES)
      hs_diverge(t, r, hs_row_name(r->method & HS_METHOD_ROW), "the end of a process");
    u64 bytes = HS_RECORD_LEN(r);
    compare_run(r, &d);
    hs_consume(t, r);
    if (bytes) continue;
    if (d.bytes) describe(t, &d);
    return;
  }
  if (hs_mode != HS_MODE_RECORD) return;
  struct taking w = {t, signal, 0, 0};
  hs_pages_each(take_range, &w);
  hs_append(t, HS_EV_PAGES, signal, 0, 0, NULL, 0);
}
