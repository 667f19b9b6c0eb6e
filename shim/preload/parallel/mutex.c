/* mutex.c: pthread mutexes of every kind: libc's own trylock and unlock in sections. Spin locks.
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

/* libc is called from one place, and as often, whatever the mode is, and no register tells there
 * what it is, or that an attempt was made before: libc lays those that it must preserve on the
 * stack. So an attempt that is known to have failed is made at a mutex that is never free. */
static pthread_mutex_t never_free = {.__data = {.__lock = 1}};
static __thread volatile int failed __attribute__((tls_model("initial-exec")));

#define CALL(what)                                                               \
  ({                                                                             \
    __asm__ volatile("xor %%ebx,%%ebx\n\txor %%ebp,%%ebp\n\txor %%r12d,%%r12d\n\t" \
                     "xor %%r13d,%%r13d\n\txor %%r14d,%%r14d\n\txor %%r15d,%%r15d"   \
                     ::: "rbx", "rbp", "r12", "r13", "r14", "r15", "cc");        \
    forget();                                                                    \
    what;                                                                        \
  })

static inline int plain_lock(pthread_mutex_t *m, clockid_t clock, const struct timespec *limit) {
  struct hs_object *e = object_at(m);
  for (int refused = 0;; refused = !is_replay()) { /* there its last holder is about to free it */
    if (unlikely(refused || is_due())) {
      long end = ask(HS_ORDERED_AWAIT, e, HS_HELD_NOT_0, limit, clock);
      refused = 0;
      failed = end == -ETIMEDOUT;
      if (end && !failed) continue;
      if (!failed && is_due()) ask(HS_ORDERED_TURN, e, 0, 0, 0);
    }
    if (likely(!CALL(real_trylock(unlikely(failed) ? &never_free : m)))) break;
    if (!failed) continue;
    failed = 0;
    forget();
    return ETIMEDOUT;
  }
  count(e, SECTIONS, THREAD);
  forget();
  return 0;
}

static inline int plain_trylock(pthread_mutex_t *m) {
  struct hs_object *e = object_at(m);
  int result = 0;
  failed = is_due() && ask(HS_ORDERED_REFUSED, e, 0, 0, 0);
  if (!failed && is_due()) ask(HS_ORDERED_TURN, e, 0, 0, 0);
  while (unlikely(CALL(real_trylock(unlikely(failed) ? &never_free : m)))) {
    result = failed;
    if (!failed && !is_replay()) result = (int)ask(HS_ORDERED_REFUSED, e, 0, 0, 0);
    failed = 0;
    if (result) break;
  }
  if (!result) count(e, SECTIONS, THREAD);
  forget();
  return result ? EBUSY : 0;
}

/* Counted while it is held; in a replay after that: nobody looks at it before it is counted. */
static inline int plain_unlock(pthread_mutex_t *m) {
  struct hs_object *e = object_at(m);
  if (unlikely(is_due())) ask(HS_ORDERED_TURN, e, 0, 0, 0);
  if (likely(!is_replay())) count(e, SECTIONS, THREAD);
  int r = CALL(real_unlock(m));
  if (unlikely(is_replay())) count(e, SECTIONS, THREAD);
  tell_change(e);
  forget();
  return r;
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
