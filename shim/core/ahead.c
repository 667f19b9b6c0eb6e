/* ahead.c: --schedule parallel on the backup: a thread looks ahead in the ring for its own next
 * record. As long as that has a larger count than the thread has sections, nothing else must have
 * happened before its next section; else it waits until the object is its own.
 *
 * The rule: what is looked at ahead of the tail may be overwritten while it is read: the tail is
 * read again before anything is believed. */
#include "ordered.h"

#include "calls.gen.h"

static u64 with_low(u64 least, u64 low, u64 mask) { return least + ((low - least) & mask); }

static void raise(volatile u64 *hint, u64 count) {
  if (*hint < count) *hint = count;
}

static void raise_by(struct hs_sections *s, int more) {
  if (more > 0) raise(&s->hint, s->made + (u64)more);
}

/* What a record says of how far a thread has come; for its own ones that is the record's count. */
static void take_hints(struct thread *t, const struct hs_record *r, u64 bytes) {
  u32 row = r->method & HS_METHOD_ROW;
  if (row == HS_EV_HANDOVER && r->object == t->tid)
    raise_by(t->sections, (int)((u32)r->check - (u32)t->sections->made));
  const u64 *list = (const u64 *)HS_RECORD_DATA(r);
  for (u64 i = 0; row == HS_EV_PROGRESS && i + 1 < bytes / 8; i += 2)
    if (list[i] == t->tid) raise(&t->sections->hint, list[i + 1]);
}

enum ahead hs_look_ahead(struct thread *t, u32 *row) {
  struct { struct hs_record head; u64 data[128]; } copy;
  for (;;) {
    u32 end = __atomic_load_n(&CTL->end, __ATOMIC_ACQUIRE);
    u64 head = __atomic_load_n(&CTL->head, __ATOMIC_ACQUIRE);
    u64 tail = __atomic_load_n(&CTL->tail, __ATOMIC_ACQUIRE);
    u64 made = t->sections->made;
    if (t->scan < tail) t->scan = tail;
    if (t->sections->hint > made) {
      t->sections_allowed = t->sections->hint;
      return AHEAD_GO;
    }
    if (t->scan == head) return end == HS_END_OPEN ? AHEAD_UNKNOWN : AHEAD_NONE;
    const struct hs_record *r = (void *)(HS_RING_BASE + (t->scan & (CTL->ringBytes - 1)));
    copy.head = *r;
    u64 bytes = HS_RECORD_LEN(&copy.head);
    if ((copy.head.method & HS_METHOD_ROW) == HS_EV_PROGRESS)
      memcpy(copy.data, HS_RECORD_DATA(r), bytes < sizeof copy.data ? bytes : sizeof copy.data);
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    if (__atomic_load_n(&CTL->tail, __ATOMIC_RELAXED) > t->scan) continue;
    take_hints(t, &copy.head, bytes < sizeof copy.data ? bytes : sizeof copy.data);
    u32 found = copy.head.method & HS_METHOD_ROW;
    if (copy.head.tid != t->tid || found == HS_EV_PROGRESS) {
      t->scan += HS_RECORD_SIZE(&copy.head);
      continue;
    }
    u64 next = with_low(made, HS_METHOD_SECTIONS(copy.head.method), HS_SECTIONS_MASK);
    *row = found;
    t->object_ahead = (u64)copy.head.result;
    if (next == made) return AHEAD_FOUND;
    t->sections_allowed = next;
    return AHEAD_GO;
  }
}

void hs_ordered_check(struct thread *t, const struct hs_record *r) {
  u64 made = t->sections->made & HS_SECTIONS_MASK, want = HS_METHOD_SECTIONS(r->method);
  if (made != want)
    hs_diverge_values(t, r, "operations on locks before this (modulo 4096)", want, made);
}

int hs_ordered_took(struct thread *t, struct hs_record *r) {
  if ((r->method & HS_METHOD_ROW) != HS_EV_PROGRESS) return 0;
  const u64 *list = (const u64 *)HS_RECORD_DATA(r);
  for (u64 i = 0; i + 1 < HS_RECORD_LEN(r) / 8; i += 2) {
    u32 slot = list[i] < HS_MAX_TID ? TIDMAP[list[i]] : 0;
    if (SLOT(slot)->state == 1 && SLOT(slot)->tid == list[i])
      raise(&SECTIONS(slot)->hint, list[i + 1]);
  }
  hs_consume(t, r);
  return 1;
}

void hs_check_stuck(struct thread *t, u64 *tail, u32 *rounds) {
  if (*tail != CTL->tail || CTL->tail == CTL->head) *rounds = 0;
  *tail = CTL->tail;
  for (u32 i = 0; i < CTL->slots; i++)
    if (SLOT(i)->state == 1 && !SECTIONS(i)->waits && !SLOT(i)->waiting) *rounds = 0;
  if (++*rounds < 200) return;
  const struct hs_record *r = (void *)(HS_RING_BASE + (CTL->tail & (CTL->ringBytes - 1)));
  hs_diverge(t, r, hs_row_name(r->method & HS_METHOD_ROW),
             "no thread that can go on: each waits for a lock that another holds");
}

static void wait_for_version(struct thread *t, struct hs_object *e, const struct hs_record *r) {
  u32 want = (u32)(r->check >> 32), rounds = 0, spins = 0;
  u64 tail = 0, slice[2] = {0, SLICE_NS};
  for (;;) {
    u32 seen = __atomic_load_n(&e->version, __ATOMIC_SEQ_CST);
    if (seen == want) break;
    if ((int)(seen - want) > 0)
      hs_diverge_values(t, r, "times the object was held before", want, seen);
    if (++spins < 200) {
      __asm__ volatile("pause");
      continue;
    }
    t->sections->waits = 1;
    __atomic_store_n(&e->watched, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&e->version, __ATOMIC_SEQ_CST) == seen &&
        SYS(HS_NR_futex, &e->version, WAIT_PRIVATE, seen, slice) == -HS_ETIMEDOUT)
      hs_check_stuck(t, &tail, &rounds);
  }
  t->sections->waits = 0;
  e->watched = 0;
}

void hs_wait_for_log(struct thread *t) {
  u64 slice[2] = {0, SLICE_NS}, head = CTL->head;
  for (int i = 0; i < 100; i++) {
    if (CTL->head != head) return;
    __asm__ volatile("pause");
  }
  t->sections->waits = 1;
  u32 word = __atomic_load_n(&CTL->dataWord, __ATOMIC_SEQ_CST);
  __atomic_store_n(&CTL->dataSleeping, 1, __ATOMIC_SEQ_CST);
  if (__atomic_load_n(&CTL->head, __ATOMIC_SEQ_CST) == head && CTL->end == HS_END_OPEN)
    SYS(HS_NR_futex, &CTL->dataWord, 0, word, slice);
  t->sections->waits = 0;
}

void hs_wait_for_section(struct thread *t, struct hs_object *e) {
  u32 row = 0;
  while (hs_mode == HS_MODE_REPLAY) {
    switch (hs_look_ahead(t, &row)) {
      case AHEAD_GO: return;
      case AHEAD_UNKNOWN: hs_wait_for_log(t); continue;
      default: break;
    }
    struct hs_record *r = hs_next(t);
    if (!r) return; /* the log has ended: live */
    if ((r->method & HS_METHOD_ROW) != HS_EV_HANDOVER)
      hs_diverge(t, r, hs_row_name(r->method & HS_METHOD_ROW), "an operation on a lock");
    if ((u64)r->result != e->address)
      hs_diverge_values(t, r, "address of a lock", (u64)r->result, e->address);
    wait_for_version(t, e, r);
    hs_consume(t, r);
    return;
  }
}
