/* robust.c: mutexes whose owner ends (slots.h).
 *
 * The kernel walks the list of a thread that dies at a time of its own and writes into memory that
 * others share. It is told of no list; the same walk is made here, in log order, on both sides.
 * The rule: what the list says is the program's, and may be anything. */
#include "calls.gen.h"
#include "inherit.h"
#include "order.h"
#include "slots.h"

#define ENTRIES_MOST 2048 /* as the kernel's ROBUST_LIST_LIMIT */
#define FUTEX_WAITERS 0x80000000u
#define FUTEX_OWNER_DIED 0x40000000u
#define FUTEX_TID_MASK 0x3fffffffu

struct list_head {
  u64 next;
  i64 offset;
  u64 pending;
};

static void wake_one(u64 word) {
  if (recording()) SYS(HS_NR_futex, word, 1 /* WAKE, shared */, 1);
}

/* The low bit of an entry marks a mutex with priority inheritance. */
static void owner_died(u64 entry, i64 offset, u32 tid, int is_pending) {
  u64 word = (entry & ~1ul) + (u64)offset;
  int inherits = entry & 1;
  if (word & 3) return;
  u32 value = *(volatile u32 *)word;
  if (is_pending && !inherits && !value) {
    wake_one(word);
    return;
  }
  if ((value & FUTEX_TID_MASK) != tid) return;
  *(volatile u32 *)word = (value & FUTEX_WAITERS) | FUTEX_OWNER_DIED;
  if (!(value & FUTEX_WAITERS)) return;
  if (inherits)
    hs_inherit_wake();
  else
    wake_one(word);
}

static void walk(void *argument) {
  struct thread *t = argument;
  const struct list_head *head = (const struct list_head *)t->robust_list;
  u64 entry = head->next, pending = head->pending;
  i64 offset = head->offset;
  for (u32 n = 0; (entry & ~1ul) != (u64)head && n < ENTRIES_MOST; n++) {
    u64 next = *(const u64 *)(entry & ~1ul);
    if ((entry & ~1ul) != (pending & ~1ul)) owner_died(entry, offset, t->tid, 0);
    entry = next;
  }
  if (pending) owner_died(pending, offset, t->tid, 1);
}

void hs_robust_end(struct thread *t) {
  if (!t->robust_list) return;
  hs_try(walk, t);
  t->robust_list = 0;
}
