/* compare.c: while the program runs, the engine asks now and then (`compareAsked`) that every
 * process digest its memory. It does so at the end of its next call: there one thread holds the
 * baton (on the backup: the turn), and all others of the process are inside calls.
 *
 * What those calls may write is left out, by the ranges that the record carries: the kernel writes
 * it at a time of its own. The rule: nothing else is left out, and a difference is a divergence. */
#include "compare.h"

#include "arguments.h"
#include "calls.gen.h"
#include "order.h"
#include "pages.h"

#define MOST_RANGES 512

int hs_compare_is_due(const struct thread *t, u32 row) {
  if (hs_mode != HS_MODE_RECORD || hs_process.parallel) return 0;
  switch (row) {
    case HS_NR_exit:
    case HS_NR_exit_group:
    case HS_NR_execve:
    case HS_NR_execveat:
    case HS_NR_rt_sigreturn: return 0;
    default: return row < HS_EVENT_BASE && !t->vfork_child;
  }
}

static struct span ranges[MOST_RANGES];

struct exposed {
  const struct thread *t;
  u32 n;
};

/* What the calls of the other threads may write, as long as the kernel has them. */
static void note_exposed(void *argument) {
  struct exposed *e = argument;
  for (u32 slot = 0; slot < CTL->slots && e->n <= MOST_RANGES; slot++) {
    if (SLOT(slot)->state != 1 || SLOT(slot)->pid != e->t->pid || slot == e->t->slot) continue;
    const struct regs *g = thread_at(slot)->exposed;
    if (g)
      e->n += hs_writable_spans(g, &hs_calls[g->rax], ranges + e->n, MOST_RANGES - e->n);
  }
}

static void note(u64 bytes, u64 seq) {
  CTL->memoryChecks += bytes != 0;
  CTL->memoryCheckBytes += bytes;
  CTL->memoryCheckSeq = seq;
}

/* Zero bytes: it could not be done at this place, because more is under way than can be noted. */
static void append_digest(struct thread *t) {
  struct exposed e = {t, 0};
  u64 bytes = 0, digest = 0;
  if (!hs_try(note_exposed, &e) && e.n <= MOST_RANGES)
    digest = hs_memory_digest_without(ranges, e.n, &bytes);
  else
    e.n = 0;
  note(bytes, CTL->headSeq + 1);
  hs_append_bytes(t, HS_EV_MEMORY_DIGEST, 0, (i64)bytes, digest, ranges, e.n * sizeof *ranges);
}

void hs_compare(struct thread *t) {
  struct hs_record *r = hs_turn(t);
  t->compare_follows = 0;
  hs_process.compared = CTL->compareAsked;
  if (!r) {
    if (hs_mode == HS_MODE_RECORD) append_digest(t);
    return;
  }
  if ((r->method & HS_METHOD_ROW) != HS_EV_MEMORY_DIGEST)
    hs_diverge(t, r, hs_row_name(r->method & HS_METHOD_ROW), "a digest of memory");
  u64 n = HS_RECORD_LEN(r) / sizeof *ranges, bytes = 0;
  if (n > MOST_RANGES) hs_diverge(t, r, "at most 512 ranges left out", "more");
  memcpy(ranges, HS_RECORD_DATA(r), n * sizeof *ranges);
  if (r->result) {
    u64 digest = hs_memory_digest_without(ranges, (u32)n, &bytes);
    if (bytes != (u64)r->result)
      hs_diverge_values(t, r, "bytes of writable memory", (u64)r->result, bytes);
    if (digest != r->check) hs_diverge_values(t, r, "memory (digest)", r->check, digest);
  }
  note(bytes, r->seq);
  hs_consume(t, r);
}
