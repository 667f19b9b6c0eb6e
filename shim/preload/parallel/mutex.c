/* mutex.c: pthread mutexes of every kind: libc's own trylock and unlock in sections, and for plain
 * ones what these do, done here. Spin locks.
 *
 * The rule: libc's lock word never says that somebody waits: who waits does so here. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>

#include "section.h"

/* Names that libc keeps for itself: not ours, so they cannot lead back here. */
int real_lock(pthread_mutex_t *);
int real_trylock(pthread_mutex_t *);
int real_unlock(pthread_mutex_t *);
__asm__(".symver real_lock,__pthread_mutex_lock@GLIBC_2.2.5");
__asm__(".symver real_trylock,__pthread_mutex_trylock@GLIBC_2.2.5");
__asm__(".symver real_unlock,__pthread_mutex_unlock@GLIBC_2.2.5");

#define KIND(m) ((m)->__data.__kind)
#define KIND_MASK 3
#define KIND_ROBUST 16
#define WORD_OWNER 0x3fffffff /* of robust mutexes the word is the owner's id */
#define WORD_OWNER_DIED 0x40000000

static inline int is_held(const volatile pthread_mutex_t *m) {
  int word = m->__data.__lock;
  if (word & WORD_OWNER_DIED) return 0;
  return (word & WORD_OWNER) && (unsigned)m->__data.__owner != THREAD;
}

static inline int try(pthread_mutex_t *m) {
  int kind = KIND(m) & KIND_MASK;
  /* these two do not wait for themselves: libc says at once what it has to say */
  if ((kind == PTHREAD_MUTEX_ERRORCHECK_NP || kind == PTHREAD_MUTEX_RECURSIVE_NP) &&
      (unsigned)m->__data.__owner == THREAD)
    return real_lock(m);
  return real_trylock(m);
}

static inline clockid_t look_again(pthread_mutex_t *m, clockid_t clock) {
  return KIND(m) & KIND_ROBUST ? clock | HS_ORDERED_ROBUST : clock;
}

/* ---- plain ones: who makes a section holds the mutex, so its entry needs no lock ---- */

static inline int is_plain(const pthread_mutex_t *m) {
  int kind = KIND(m) & 0xff;
  return kind == PTHREAD_MUTEX_TIMED_NP || kind == PTHREAD_MUTEX_ADAPTIVE_NP;
}

/* What libc's own trylock and unlock do with these, without its frames on the program's stack. */
static inline int take(pthread_mutex_t *m) {
  int unheld = 0;
  /* acquire: what the last holder wrote is seen */
  if (!__atomic_compare_exchange_n(&m->__data.__lock, &unheld, 1, 0, __ATOMIC_ACQUIRE,
                                   __ATOMIC_RELAXED))
    return 0;
  m->__data.__owner = (int)THREAD;
  m->__data.__nusers++;
  return 1;
}

static inline void give(pthread_mutex_t *m) {
  m->__data.__owner = 0;
  m->__data.__nusers--;
  /* seq_cst: release, and whoever reads `waiters` after this sees who began to wait before */
  (void)__atomic_exchange_n(&m->__data.__lock, 0, __ATOMIC_SEQ_CST);
}

static inline int plain_lock(pthread_mutex_t *m, clockid_t clock, const struct timespec *limit) {
  struct hs_object *e = object_at(m);
  for (int refused = 0;; refused = !is_replay()) { /* there its last holder is about to free it */
    if (unlikely(refused || is_due())) {
      long end = ask(HS_ORDERED_AWAIT, e, HS_HELD_NOT_0, limit, clock);
      refused = 0;
      if (end == -ETIMEDOUT) {
        forget();
        return ETIMEDOUT;
      }
      if (end) continue;
      if (is_due()) ask(HS_ORDERED_TURN, e, 0, 0, 0);
    }
    if (likely(take(m))) break;
  }
  count(e, SECTIONS, THREAD);
  forget();
  return 0;
}

static inline int plain_trylock(pthread_mutex_t *m) {
  struct hs_object *e = object_at(m);
  int result = is_due() && ask(HS_ORDERED_REFUSED, e, 0, 0, 0) ? EBUSY : 0;
  if (!result && is_due()) ask(HS_ORDERED_TURN, e, 0, 0, 0);
  while (!result && unlikely(!take(m)))
    if (!is_replay() && ask(HS_ORDERED_REFUSED, e, 0, 0, 0)) result = EBUSY;
  if (!result) count(e, SECTIONS, THREAD);
  forget();
  return result;
}

/* Counted while it is held; in a replay after that: nobody looks at it before it is counted. */
static inline int plain_unlock(pthread_mutex_t *m) {
  struct hs_object *e = object_at(m);
  if (unlikely(is_due())) ask(HS_ORDERED_TURN, e, 0, 0, 0);
  int replays = is_replay();
  if (likely(!replays)) count(e, SECTIONS, THREAD);
  give(m);
  if (unlikely(replays)) count(e, SECTIONS, THREAD);
  tell_change(e);
  forget();
  return 0;
}

/* Functions of their own: together they would not do with registers, and keep on the stack what
 * tells the mode. */
static NOINLINE int careful_lock(pthread_mutex_t *m) {
  return ATTEMPTS(m, HS_HELD_MUTEX, is_held(m), look_again(m, 0), 0, 0, try(m));
}
static NOINLINE int careful_clocklock(pthread_mutex_t *m, clockid_t clock,
                                      const struct timespec *limit) {
  return ATTEMPTS(m, HS_HELD_MUTEX, is_held(m), look_again(m, clock), limit, 0, try(m));
}

EXPORTED int pthread_mutex_lock(pthread_mutex_t *m) {
  if (is_plain(m)) return plain_lock(m, 0, 0);
  return careful_lock(m);
}

EXPORTED int pthread_mutex_trylock(pthread_mutex_t *m) {
  if (is_plain(m)) return plain_trylock(m);
  struct hs_object *e = enter(m);
  int r = real_trylock(m);
  leave(e);
  return r;
}

static int bad(const struct timespec *limit) {
  return limit->tv_nsec < 0 || limit->tv_nsec >= 1000000000;
}

EXPORTED int pthread_mutex_clocklock(pthread_mutex_t *m, clockid_t clock,
                                     const struct timespec *limit) {
  int r = pthread_mutex_trylock(m);
  if (r != EBUSY) return r;
  if (bad(limit)) return EINVAL;
  if (is_plain(m)) return plain_lock(m, clock, limit);
  return careful_clocklock(m, clock, limit);
}

EXPORTED int pthread_mutex_timedlock(pthread_mutex_t *m, const struct timespec *limit) {
  return pthread_mutex_clocklock(m, CLOCK_REALTIME, limit);
}

EXPORTED int pthread_mutex_unlock(pthread_mutex_t *m) {
  if (is_plain(m)) return plain_unlock(m);
  struct hs_object *e = enter(m);
  int r = real_unlock(m);
  leave_changed(e);
  return r;
}

/* ---- spin locks: 0 free, 1 held ---- */

static inline int spin_try(volatile int *word) {
  if (*word) return EBUSY;
  *word = 1;
  return 0;
}

EXPORTED int pthread_spin_init(pthread_spinlock_t *s, int shared) {
  (void)shared;
  *s = 0;
  return 0;
}
EXPORTED int pthread_spin_destroy(pthread_spinlock_t *s) { return (void)s, 0; }

EXPORTED int pthread_spin_lock(pthread_spinlock_t *s) {
  return ATTEMPTS(s, HS_HELD_NOT_0, *s, 0, 0, 0, spin_try(s));
}
EXPORTED int pthread_spin_trylock(pthread_spinlock_t *s) {
  struct hs_object *e = enter(s);
  int r = spin_try(s);
  leave(e);
  return r;
}
EXPORTED int pthread_spin_unlock(pthread_spinlock_t *s) {
  struct hs_object *e = enter(s);
  *s = 0;
  leave_changed(e);
  return 0;
}
