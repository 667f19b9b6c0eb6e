/* times.c: programs read the clock more often than anything else, so reads of one thread that come
 * one after another share a record. It is open, and not published, as long as the thread does
 * nothing else: nobody can have seen what depends on it.
 *
 * The rule: the open record is the last one in the ring; before any other it is closed. */
#include "times.h"

#include "arguments.h"
#include "calls.gen.h"
#include "clock.h"
#include "compare.h"
#include "order.h"

#define MOST_READS 64u
#define NS 1000000000ul

i64 hs_times_put(struct regs *g, u64 ns) {
  u64 *to = (u64 *)(g->rax == HS_NR_clock_gettime ? g->rsi : g->rdi);
  u64 seconds = ns / NS;
  if (g->rax == HS_NR_time) {
    if (to) *to = seconds;
    return (i64)seconds;
  }
  to[0] = seconds;
  to[1] = g->rax == HS_NR_clock_gettime ? ns % NS : ns % NS / 1000;
  return 0;
}

/* What is due at the end of a call is said in the call's own record. */
static int needs_own(const struct thread *t) {
  return hs_mode != HS_MODE_RECORD || t->pending || hs_compare_is_asked() || hs_baton_is_wanted(t);
}

int hs_times_append(struct thread *t, u32 row, u64 ns, u32 check) {
  if (UNLIKELY(needs_own(t))) return 0;
  if (!t->times)
    t->times = hs_reserve(t, HS_EV_TIMES, 0, 0, 0, MOST_READS * sizeof(struct hs_time_read));
  struct hs_time_read *read = (struct hs_time_read *)HS_RECORD_DATA(t->times) + t->times->object;
  read->ns = ns, read->row = row, read->check = check;
  if (++t->times->object == MOST_READS) hs_times_close(t);
  return 1;
}

void hs_times_close(struct thread *t) {
  struct hs_record *r = t->times;
  if (LIKELY(!r)) return;
  u64 bytes = r->object * sizeof(struct hs_time_read);
  t->times = NULL;
  r->words = (u32)((HS_RECORD_BYTES + bytes) / 8 - 1);
  r->data = HS_DATA_POINTER(bytes);
  hs_log_advance(r);
}

i64 hs_times_replay(struct thread *t, struct regs *g, const struct hs_call *c,
                    struct hs_record *r) {
  if (UNLIKELY(t->times_taken >= r->object || HS_RECORD_LEN(r) != r->object * 16ul))
    hs_diverge_values(t, r, "reads of the time in one record", r->object, HS_RECORD_LEN(r) / 16);
  const struct hs_time_read *read = (struct hs_time_read *)HS_RECORD_DATA(r) + t->times_taken;
  if (UNLIKELY(read->row != g->rax))
    hs_diverge(t, r, hs_row_name(read->row), hs_row_name((u32)g->rax));
  u32 check = (u32)hs_check(g, c, 0);
  if (UNLIKELY(read->check != check))
    hs_diverge_values(t, r, "arguments (digest)", read->check, check);
  i64 result = hs_times_put(g, read->ns);
  hs_clock_follow(g, result);
  if (++t->times_taken == r->object) {
    t->times_taken = 0;
    hs_consume(t, r);
  }
  return result;
}
