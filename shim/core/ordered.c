/* ordered.c: what the library of preload/ asks of the core (../ordered.h), and the primary's half:
 * an object changes hands, a thread has come so far. ahead.c is the backup's half, parked.c what
 * waits.
 *
 * The rule: who holds an object's entry may wait for the baton, never the other way round. */
#include "ordered.h"

#include "calls.gen.h"

#define HINT_RECORDS 256ul /* so often it is said how far all threads are */

void hs_ordered_init(void) {
  if (!(CTL->flags & HS_FLAG_PARALLEL)) return;
  i64 at = SYS(HS_NR_mmap, HS_OBJECTS_BASE, HS_OBJECTS_BYTES, 3,
               HS_MAP_PRIVATE | HS_MAP_ANON | HS_MAP_NORESERVE | HS_MAP_FIXED_NOREPLACE, -1, 0);
  if (at != (i64)HS_OBJECTS_BASE) hs_refuse("the address range for ordered objects is taken");
  hs_process.parallel = 1;
  hs_ordered_mode();
}

void hs_ordered_mode(void) {
  if (!hs_process.parallel) return;
  HS_OBJECTS_HEAD->pid = hs_process.pid;
  HS_OBJECTS_HEAD->mode = (u32)hs_mode;
}

void hs_ordered_thread(struct thread *t) {
  t->sections = SECTIONS(t->slot);
  t->sections->made = t->sections->hint = 0;
  t->sections->waits = 0;
}

void hs_ordered_end(struct thread *t) {
  for (u32 i = 0; i < 2; i++) {
    struct hs_object *e = t->leaving[i];
    t->leaving[i] = NULL;
    if (e && (__atomic_exchange_n(&e->lock, 0, __ATOMIC_SEQ_CST) & 1))
      SYS(HS_NR_futex, &e->lock, WAIT_PRIVATE + 1, 0x7fffffff);
  }
}

/* ---- the primary ---- */

void hs_ordered_stamp(struct thread *t, struct hs_record *r) {
  u64 made = t->sections->made;
  r->method |= (u32)(made << HS_SECTIONS_SHIFT);
  t->sections_recorded = made;
}

static void append_progress(struct thread *t, int all) {
  u64 list[2 * 64];
  u32 n = 0, from = all ? 0 : t->slot, to = all ? CTL->slots : t->slot + 1;
  for (u32 i = from; i < to && n < 64; i++) {
    if (SLOT(i)->state != 1) continue;
    list[2 * n] = SLOT(i)->tid;
    list[2 * n++ + 1] = SECTIONS(i)->made;
  }
  hs_append_bytes(t, HS_EV_PROGRESS, 0, 0, 0, list, 16 * n);
}

/* A thread without records may have done what others now depend on. */
void hs_ordered_published(struct thread *t, u32 row) {
  if (row == HS_NR_exit_group || row == HS_EV_SIGNAL_DEATH) return; /* nothing comes after it */
  static u64 said;
  if (CTL->headSeq - said < HINT_RECORDS) return;
  said = CTL->headSeq;
  append_progress(t, 1);
}

/* The entry is locked by this thread. */
static void record_section(struct thread *t, struct hs_object *e) {
  int passes = e->owner != t->tid;
  u64 made = t->sections->made;
  if (passes && !hs_process.had_threads) passes = 0; /* nobody is there to be ordered with */
  if (!passes && made - t->sections_recorded < HS_SECTIONS_UNSAID) return;
  hs_baton_take();
  if (hs_mode == HS_MODE_RECORD) {
    if (passes)
      hs_append(t, HS_EV_HANDOVER, e->owner, (i64)e->address,
                (u64)e->version << 32 | (u32)e->ownerCount, NULL, 0);
    else
      append_progress(t, 0);
  }
  hs_baton_give();
}

static void say(struct thread *t) {
  if (hs_mode != HS_MODE_RECORD) return;
  hs_baton_take();
  if (hs_mode == HS_MODE_RECORD) append_progress(t, 0);
  hs_baton_give();
}

static i64 wait_for_lock(struct hs_object *e, u32 seen) {
  u64 slice[2] = {0, SLICE_NS};
  if (!(seen & 1) && !__atomic_compare_exchange_n(&e->lock, &seen, seen | 1, 0, __ATOMIC_SEQ_CST,
                                                  __ATOMIC_SEQ_CST))
    return 0;
  return SYS(HS_NR_futex, &e->lock, WAIT_PRIVATE, seen | 1, slice);
}

i64 hs_ordered_call(struct thread *t, struct regs *g) {
  struct hs_object *e = (struct hs_object *)g->rsi;
  if (!hs_process.parallel) return -HS_ENOSYS;
  switch (g->rdi) {
    case HS_ORDERED_HELLO: return 1;
    case HS_ORDERED_RECORD: record_section(t, e); return 0;
    case HS_ORDERED_TURN: hs_wait_for_section(t, e); return 0;
    case HS_ORDERED_REACHED:
      SYS(HS_NR_futex, &e->version, WAIT_PRIVATE + 1, 0x7fffffff);
      return 0;
    case HS_ORDERED_LOCK: return wait_for_lock(e, (u32)g->rdx);
    case HS_ORDERED_UNLOCK: return SYS(HS_NR_futex, &e->lock, WAIT_PRIVATE + 1, 1);
    case HS_ORDERED_AWAIT: return hs_ordered_await(t, g, e);
    case HS_ORDERED_FAILED:
      t->changes_seen = e->changes - (hs_mode == HS_MODE_REPLAY); /* live by then: look again */
      if (hs_mode == HS_MODE_REPLAY) return 0;
      __atomic_add_fetch(&e->waiters, 1, __ATOMIC_SEQ_CST);
      t->counted = 1;
      return 0;
    case HS_ORDERED_PARK: return hs_ordered_park(t, g);
    case HS_ORDERED_WAKE: return SYS(HS_NR_futex, g->rsi, WAIT_PRIVATE + 1, 0x7fffffff);
    case HS_ORDERED_JOIN: return hs_ordered_join(t, g->rsi);
    case HS_ORDERED_LEAVING:
      t->leaving[0] = e;
      t->leaving[1] = (struct hs_object *)g->rdx;
      return 0;
    case HS_ORDERED_ONCE: return hs_ordered_once(t, e, (const volatile u32 *)g->rdx);
    case HS_ORDERED_SAY: say(t); return 0;
    case HS_ORDERED_REFUSED: return hs_ordered_refused(t, e);
    default: hs_die("the program has more locks than --schedule parallel can order");
  }
}
