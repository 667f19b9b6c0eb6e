/* section.h: sections of objects, as ../../ordered.h describes them, and questions to the core.
 *
 * Everything here is inline and touches the program's stack as little as it can: what lies there
 * is compared by a replay too. The rule: between enter() and leave() nothing waits. */
#ifndef HS_SECTION_H
#define HS_SECTION_H

#include <stdint.h>
#include <time.h>
#include "../../ordered.h"
#include "../../ring.h"

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define NOINLINE __attribute__((noinline))
#define EXPORTED __attribute__((visibility("default")))

/* A question to the core: a system call that it takes for itself. */
static inline __attribute__((always_inline)) long ask(enum hs_ordered_call what, const volatile
                                                      void *a, long b, const void *c, long d) {
  long result;
  register const void *r8 __asm__("r8") = c;
  register long r10 __asm__("r10") = d;
  __asm__ volatile("mov %1, %%eax\n\tsyscall"
                   : "=&a"(result)
                   : "i"(HS_NR_ORDERED), "D"((long)what), "S"(a), "d"(b), "r"(r8), "r"(r10)
                   : "rcx", "r11", "memory");
  return result;
}

/* The dynamic linker and other constructors come here before ours would run. */
#pragma GCC visibility push(hidden)
extern int hs_order_state; /* 1 when the core has answered */
int hs_order_ask(void);    /* ends the process when it is not ordered in parallel */

#define FROM_THREAD(type, offset)                                                    \
  ({                                                                                 \
    type value_;                                                                     \
    __asm__ volatile("mov %%gs:%c1, %0" : "=r"(value_) : "i"(offset));               \
    value_;                                                                          \
  })
#define SECTIONS FROM_THREAD(struct hs_sections *, HS_GS_SECTIONS)
#define THREAD FROM_THREAD(unsigned, HS_GS_TID)

static inline int is_replay(void) {
  if (unlikely(!hs_order_state)) hs_order_ask();
  return HS_OBJECTS_HEAD->mode == HS_MODE_REPLAY;
}
/* The thread's next record may come before its next section. */
static inline int is_due(void) {
  return is_replay() && SECTIONS->made >= FROM_THREAD(unsigned long, HS_GS_ALLOWED);
}

static inline struct hs_object *object_at(const volatile void *address) {
  if (unlikely(!hs_order_state)) hs_order_ask();
  /* Neighbours in memory are neighbours here, on few pages; what is 1 MiB apart is not. */
  unsigned long key = (unsigned long)address, at = (key >> 2) + (key >> 20) * 0x9E3779B1ul;
  for (unsigned long tries = 0;; at++) {
    at &= HS_OBJECTS - 1;
    struct hs_object *e = &HS_OBJECT_TABLE[at];
    unsigned long found = e->address;
    if (likely(found == key)) return e;
    if (!found) {
      /* acquire and release: whoever finds the address finds the rest zero */
      if (__atomic_compare_exchange_n(&e->address, &found, key, 0, __ATOMIC_ACQ_REL,
                                      __ATOMIC_ACQUIRE) || found == key)
        return e;
    }
    if (++tries == HS_OBJECTS / 2) ask(HS_ORDERED_FULL, e, 0, 0, 0);
  }
}

static inline void lock_object(struct hs_object *e) {
  unsigned mine = HS_OBJECTS_HEAD->pid * 2, seen = 0, want = mine;
  /* acquire: what the section before this one wrote is seen */
  while (unlikely(!__atomic_compare_exchange_n(&e->lock, &seen, want, 0, __ATOMIC_ACQUIRE,
                                               __ATOMIC_RELAXED))) {
    if (seen >> 1 != mine >> 1) continue; /* free, or left behind by a fork */
    for (int i = 0; i < 100 && (seen = e->lock) >> 1 == mine >> 1; i++)
      __asm__ volatile("pause");
    if (seen >> 1 != mine >> 1) continue;
    ask(HS_ORDERED_LOCK, e, (long)seen, 0, 0);
    want = mine | 1; /* others may wait still */
    seen = 0;
  }
}

/* What is left in these registers tells whether the core was asked, and the dynamic linker lays
 * them on the stack when it binds a function. */
static inline void forget(void) {
  __asm__ volatile("xor %%eax,%%eax\n\txor %%ecx,%%ecx\n\txor %%edx,%%edx\n\t"
                   "xor %%esi,%%esi\n\txor %%edi,%%edi\n\t"
                   "xor %%r8d,%%r8d\n\txor %%r9d,%%r9d\n\txor %%r10d,%%r10d\n\txor %%r11d,%%r11d"
                   ::: "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "cc");
}

/* The section is made, by the only one who can make one of this object now. */
static inline __attribute__((always_inline)) void count(struct hs_object *e,
                                                        struct hs_sections *s, unsigned self) {
  unsigned mode = HS_OBJECTS_HEAD->mode;
  unsigned long made = s->made;
  if (mode == HS_MODE_RECORD &&
      unlikely(e->owner != self ||
               made - FROM_THREAD(unsigned long, HS_GS_RECORDED) >= HS_SECTIONS_UNSAID))
    ask(HS_ORDERED_RECORD, e, 0, 0, 0);
  e->owner = self;
  e->ownerCount = s->made = made + 1;
  if (likely(mode != HS_MODE_REPLAY)) {
    e->version++;
    return;
  }
  /* seq_cst: whoever sets `watched` reads the version after that, and we the other way round */
  __atomic_add_fetch(&e->version, 1, __ATOMIC_SEQ_CST);
  if (unlikely(e->watched)) ask(HS_ORDERED_REACHED, e, 0, 0, 0);
}

static inline struct hs_object *enter(const volatile void *address) {
  struct hs_object *e = object_at(address);
  struct hs_sections *s = SECTIONS;
  unsigned self = THREAD;
  if (unlikely(is_due())) ask(HS_ORDERED_TURN, e, 0, 0, 0);
  lock_object(e);
  count(e, s, self);
  forget();
  return e;
}

static inline void leave(struct hs_object *e) {
  /* seq_cst: release, and whoever reads `waiters` after this sees who began to wait before */
  if (unlikely(__atomic_exchange_n(&e->lock, 0, __ATOMIC_SEQ_CST) & 1))
    ask(HS_ORDERED_UNLOCK, e, 0, 0, 0);
  forget();
}

/* The object may be free for others. */
static inline void tell_change(struct hs_object *e) {
  if (likely(!e->waiters)) return;
  __atomic_add_fetch(&e->changes, 1, __ATOMIC_SEQ_CST);
  ask(HS_ORDERED_WAKE, &e->changes, 0, 0, 0);
  forget();
}
static inline void leave_changed(struct hs_object *e) {
  leave(e);
  tell_change(e);
}

/* Makes attempts (`make`: 0, EBUSY or another error) at an object until one does not say EBUSY, and
 * yields what it said, or ETIMEDOUT, or EINTR when a signal came and `ends_by_signal`. `held` is a
 * guess without a section: it only saves attempts, and a replay makes the same ones. `what` tells
 * the core how it is guessed. All of it is in the caller's frame, and all waiting in the core: so
 * the program's stack does not tell whether there was any. */
#define ATTEMPTS(object, what, held, clock, limit, ends_by_signal, make)                    \
  ({                                                                                        \
    struct hs_object *e_ = object_at(object);                                               \
    int result_ = EBUSY, failed_ = 0;                                                       \
    while (result_ == EBUSY) {                                                              \
      int replays_ = is_replay();                                                           \
      if (unlikely(replays_ ? is_due() : failed_ || (held))) {                              \
        long end_ = ask(HS_ORDERED_AWAIT, e_, failed_ ? HS_HELD_UNTIL_CHANGE : (what), limit, \
                        clock);                                                             \
        failed_ = 0;                                                                        \
        if (end_ == -ETIMEDOUT || (end_ == -EINTR && (ends_by_signal))) {                   \
          result_ = (int)-end_;                                                             \
          break;                                                                            \
        }                                                                                   \
        if (!replays_ || end_) continue;                                                    \
      }                                                                                     \
      enter(object);                                                                        \
      result_ = make;                                                                       \
      if (unlikely(result_ == EBUSY)) ask(HS_ORDERED_FAILED, e_, 0, 0, 0), failed_ = 1;     \
      leave(e_);                                                                            \
    }                                                                                       \
    forget();                                                                               \
    result_;                                                                                \
  })

#pragma GCC visibility pop
#endif
