/* log.c: the record stream on the primary: records are laid into the ring as Cap'n Proto words (see
 * ring.h). turn.c takes them from it on the backup.
 *
 * The rule: a record is complete before `head` moves past it. */
#include "calls.gen.h"
#include "compare.h"
#include "order.h"
#include "ordered.h"
#include "outbox.h"
#include "signals.h"
#include "times.h"

static u64 ring_mask(void) { return CTL->ringBytes - 1; }
static u8 *ring_at(u64 position) { return (u8 *)HS_RING_BASE + (position & ring_mask()); }

/* In LIVE mode (a survivor without a backup) records go nowhere: this is where they are made. */
static u8 scratch[HS_RECORD_BYTES];
static u8 *scratch_big(u64 bytes) {
  static u64 at, size;
  if (bytes > size) {
    if (at) SYS(HS_NR_munmap, at, size);
    size = PAGE_UP(bytes);
    at = (u64)SYS(HS_NR_mmap, 0x2d0000000000ul, size, HS_PROT_READ | HS_PROT_WRITE,
                  HS_MAP_PRIVATE | HS_MAP_ANON | HS_MAP_FIXED, -1, 0);
  }
  return (u8 *)at;
}

/* Before a wait. Where a client waits for the backup's word (hs_outbox_waits), the engine is woken
 * at once; otherwise it looks by itself every few milliseconds, and a wake-up for each wait would
 * cost more than all the rest of the recording. */
#define UNHURRIED_BYTES 0x40000ul
void hs_wake_before_wait(void) {
  hs_times_close(self());
  if (((CTL->flags & HS_FLAG_PROTECTED) && hs_outbox_waits()) ||
      CTL->head - CTL->tail > UNHURRIED_BYTES)
    hs_wake_consumer();
}

void hs_wake_consumer(void) {
  /* `head` first, then the flag: the engine does it the other way round */
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
  if (!__atomic_load_n(&CTL->dataSleeping, __ATOMIC_SEQ_CST)) return;
  __atomic_store_n(&CTL->dataSleeping, 0, __ATOMIC_RELAXED);
  __atomic_add_fetch(&CTL->dataWord, 1, __ATOMIC_SEQ_CST);
  SYS(HS_NR_futex, &CTL->dataWord, 1 /* WAKE */, 1);
}

/* Room for `bytes` more: waits while the ring is full or the backup too far behind. */
static NOINLINE void wait_for_space(u64 bytes) {
  for (;;) {
    u64 tail = __atomic_load_n(&CTL->tail, __ATOMIC_ACQUIRE);
    u64 lag = CTL->maxLagBytes;
    int full = CTL->head + bytes > tail + CTL->ringBytes;
    int behind = lag && (CTL->flags & HS_FLAG_PROTECTED) && CTL->head > CTL->replayed + lag;
    if (!full && !behind) return;
    u32 word = __atomic_load_n(&CTL->spaceWord, __ATOMIC_SEQ_CST);
    __atomic_store_n(&CTL->spaceSleeping, 1, __ATOMIC_SEQ_CST);
    hs_wake_consumer();
    u64 limit[2] = {0, 1000000};
    SYS(HS_NR_futex, &CTL->spaceWord, 0 /* WAIT */, word, limit);
  }
}

/* Pages of the ring are made ahead, in runs: a fault for each takes as long as some records. Where
 * the kernel cannot (before 5.14) they are made as they are touched. */
#define RUN_BYTES 0x20000ul
static u64 made_until; /* of this process; a fork's child makes its own from the next run on */
static NOINLINE void make_pages(u64 size) {
  u64 from = PAGE_DOWN(CTL->head), bytes = PAGE_UP(size) + RUN_BYTES;
  if (bytes > CTL->ringBytes) bytes = CTL->ringBytes;
  SYS(HS_NR_madvise, ring_at(from), bytes, 23 /* MADV_POPULATE_WRITE */);
  made_until = from + bytes;
}

struct hs_record *hs_reserve(struct thread *t, u32 row, u32 object, i64 result, u64 check,
                             u64 bytes) {
  u64 size = HS_RECORD_BYTES + ((bytes + 7) & ~7ul);
  struct hs_record *r;
  if (UNLIKELY(t->times != NULL)) hs_times_close(t);
  if (row >= HS_EVENT_BASE && row < 0x300) CTL->rowCalls[row]++;
  if (UNLIKELY(hs_mode == HS_MODE_LIVE)) {
    r = (struct hs_record *)(bytes ? scratch_big(size) : scratch);
  } else {
    u64 head = CTL->head;
    if (UNLIKELY(size > HS_MAX_RECORD_BYTES)) hs_die("a record is larger than 16 MiB");
    if (UNLIKELY(head + size > CTL->tail + CTL->ringBytes) ||
        UNLIKELY(CTL->maxLagBytes && head > CTL->replayed + CTL->maxLagBytes))
      wait_for_space(size);
    if (UNLIKELY(head + size > made_until)) make_pages(size);
    r = (struct hs_record *)ring_at(head);
  }
  r->segments = 0;
  r->words = (u32)(size / 8 - 1);
  r->root = HS_ROOT_POINTER;
  r->method = row | t->stamp;
  r->pid = t->pid;
  r->seq = CTL->headSeq + 1;
  r->tid = t->tid;
  r->object = object;
  r->result = result;
  r->check = check;
  r->data = bytes ? HS_DATA_POINTER(bytes) : 0;
  if (hs_in_parallel()) hs_ordered_stamp(t, r);
  if (bytes & 7) *(u64 *)((u8 *)r + size - 8) = 0;
  return r;
}

static int signals_follow(u32 row) {
  return row < HS_EVENT_BASE || row == HS_EV_SIGNAL || row == HS_EV_PARKED;
}

void hs_publish(struct hs_record *r) {
  struct thread *t = self();
  u32 row = r->method & HS_METHOD_ROW;
  /* a signal caught so far is delivered after this record: the backup must know to wait for it */
  if (UNLIKELY(t->pending != 0) && signals_follow(row) && hs_signal_ready(t)) {
    r->method |= HS_METHOD_SIGNAL_FOLLOWS;
    t->signal_follows = 1;
  }
  if (UNLIKELY(hs_baton_is_overdue(t)) && row < HS_EVENT_BASE && row != HS_NR_exit &&
      !hs_in_parallel()) {
    r->method |= HS_METHOD_YIELDED;
    t->yield_follows = 1;
  }
  if (UNLIKELY(hs_compare_is_asked()) && hs_compare_is_due(t, row)) {
    r->method |= HS_METHOD_COMPARE;
    t->compare_follows = 1;
  }
  if (UNLIKELY(hs_mode == HS_MODE_LIVE)) return;
  hs_log_advance(r);
  if (hs_in_parallel()) hs_ordered_published(t, row);
}

void hs_log_advance(const struct hs_record *r) {
  CTL->headSeq = r->seq;
  __atomic_store_n(&CTL->head, CTL->head + HS_RECORD_SIZE(r), __ATOMIC_RELEASE);
  if (UNLIKELY(CTL->head - CTL->tail > CTL->ringBytes / 8)) hs_wake_consumer();
}

/* More than a record should hold: it goes ahead of it in pieces, each with its address. */
static void append_ahead(struct thread *t, const struct span *spans, u32 nspans) {
  for (u32 i = 0; i < nspans; i++)
    for (u64 at = 0; at < spans[i].bytes; at += HS_PIECE_BYTES) {
      u64 left = spans[i].bytes - at, part = left < HS_PIECE_BYTES ? left : HS_PIECE_BYTES;
      struct hs_record *r = hs_reserve(t, HS_EV_DATA, 0, (i64)(spans[i].at + at), 0, part);
      memcpy(HS_RECORD_DATA(r), spans[i].at + at, part);
      hs_publish(r);
    }
}

struct hs_record *hs_append(struct thread *t, u32 row, u32 object, i64 result, u64 check,
                            const struct span *spans, u32 nspans) {
  u64 bytes = 0;
  for (u32 i = 0; i < nspans; i++) bytes += spans[i].bytes;
  if (UNLIKELY(bytes > HS_PIECE_BYTES) && hs_mode == HS_MODE_RECORD) {
    append_ahead(t, spans, nspans);
    bytes = nspans = 0;
    row |= HS_METHOD_AHEAD;
  }
  struct hs_record *r = hs_reserve(t, row, object, result, check, bytes);
  u8 *data = HS_RECORD_DATA(r);
  for (u32 i = 0; i < nspans; i++) {
    memcpy(data, spans[i].at, spans[i].bytes);
    data += spans[i].bytes;
  }
  hs_publish(r);
  return r;
}

void hs_append_bytes(struct thread *t, u32 row, u32 object, i64 result, u64 check,
                     const void *data, u64 bytes) {
  struct span span = {(u8 *)data, bytes};
  hs_append(t, row, object, result, check, &span, bytes ? 1 : 0);
}
