/* others.c: read-write locks (libc's own attempts), and semaphores, barriers and once (their state
 * is ours, in the program's own objects).
 *
 * The rule: what is done once is never undone, so it is looked at without a section; whoever has
 * done it says so in the log. */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <string.h>

#include "section.h"

static inline int bad(const struct timespec *limit) {
  return limit && (limit->tv_nsec < 0 || limit->tv_nsec >= 1000000000);
}

/* ---- read-write locks ---- */

int real_tryrdlock(pthread_rwlock_t *);
int real_trywrlock(pthread_rwlock_t *);
int real_rwunlock(pthread_rwlock_t *);
__asm__(".symver real_tryrdlock,__pthread_rwlock_tryrdlock@GLIBC_2.2.5");
__asm__(".symver real_trywrlock,__pthread_rwlock_trywrlock@GLIBC_2.2.5");
__asm__(".symver real_rwunlock,__pthread_rwlock_unlock@GLIBC_2.2.5");

static inline int try_write(pthread_rwlock_t *l) {
  int r = real_trywrlock(l);
  return r == EBUSY && (unsigned)l->__data.__cur_writer == THREAD ? EDEADLK : r;
}

#define UNTIL(l, clock, limit, make)                                                 \
  return bad(limit) ? EINVAL                                                         \
                    : ATTEMPTS(l, HS_HELD_UNTIL_CHANGE, 0, clock, limit, 0, make)
#define AT_ONCE(l, make)           \
  struct hs_object *e = enter(l);  \
  int r = make;                    \
  leave(e);                        \
  return r

EXPORTED int pthread_rwlock_rdlock(pthread_rwlock_t *l) { UNTIL(l, 0, 0, real_tryrdlock(l)); }
EXPORTED int pthread_rwlock_wrlock(pthread_rwlock_t *l) { UNTIL(l, 0, 0, try_write(l)); }
EXPORTED int pthread_rwlock_tryrdlock(pthread_rwlock_t *l) { AT_ONCE(l, real_tryrdlock(l)); }
EXPORTED int pthread_rwlock_trywrlock(pthread_rwlock_t *l) { AT_ONCE(l, real_trywrlock(l)); }
EXPORTED int pthread_rwlock_timedrdlock(pthread_rwlock_t *l, const struct timespec *limit) {
  UNTIL(l, CLOCK_REALTIME, limit, real_tryrdlock(l));
}
EXPORTED int pthread_rwlock_timedwrlock(pthread_rwlock_t *l, const struct timespec *limit) {
  UNTIL(l, CLOCK_REALTIME, limit, try_write(l));
}
EXPORTED int pthread_rwlock_clockrdlock(pthread_rwlock_t *l, clockid_t clock,
                                        const struct timespec *limit) {
  UNTIL(l, clock, limit, real_tryrdlock(l));
}
EXPORTED int pthread_rwlock_clockwrlock(pthread_rwlock_t *l, clockid_t clock,
                                        const struct timespec *limit) {
  UNTIL(l, clock, limit, try_write(l));
}
EXPORTED int pthread_rwlock_unlock(pthread_rwlock_t *l) {
  struct hs_object *e = enter(l);
  int r = real_rwunlock(l);
  leave_changed(e);
  return r;
}

/* ---- semaphores: the value is the first word, as in libc's ---- */

#define VALUE(s) (*(volatile unsigned *)(s))

static inline int take(sem_t *s) {
  if (!VALUE(s)) return EBUSY;
  VALUE(s)--;
  return 0;
}
static int with_errno(int error) {
  if (!error) return 0;
  errno = error;
  return -1;
}

EXPORTED int sem_init(sem_t *s, int shared, unsigned value) {
  (void)shared;
  if (value > SEM_VALUE_MAX) return with_errno(EINVAL);
  memset(s, 0, sizeof *s);
  VALUE(s) = value;
  return 0;
}
EXPORTED int sem_destroy(sem_t *s) { return (void)s, 0; }
EXPORTED int sem_getvalue(sem_t *s, int *value) {
  struct hs_object *e = enter(s);
  *value = (int)VALUE(s);
  leave(e);
  return 0;
}
EXPORTED int sem_post(sem_t *s) {
  struct hs_object *e = enter(s);
  int full = VALUE(s) == SEM_VALUE_MAX;
  if (!full) VALUE(s)++;
  leave_changed(e);
  return with_errno(full ? EOVERFLOW : 0);
}
EXPORTED int sem_trywait(sem_t *s) {
  struct hs_object *e = enter(s);
  int r = take(s);
  leave(e);
  return with_errno(r ? EAGAIN : 0);
}
static inline int sem_wait_until(sem_t *s, clockid_t clock, const struct timespec *limit) {
  if (bad(limit)) return with_errno(EINVAL);
  return with_errno(ATTEMPTS(s, HS_HELD_0, VALUE(s) == 0, clock, limit, 1, take(s)));
}
EXPORTED int sem_clockwait(sem_t *s, clockid_t clock, const struct timespec *limit) {
  return sem_wait_until(s, clock, limit);
}
EXPORTED int sem_timedwait(sem_t *s, const struct timespec *limit) {
  return sem_wait_until(s, CLOCK_REALTIME, limit);
}
EXPORTED int sem_wait(sem_t *s) { return sem_wait_until(s, CLOCK_REALTIME, 0); }

/* ---- barriers ---- */

struct barrier {
  unsigned total, arrived;
  volatile unsigned round;
};
_Static_assert(sizeof(struct barrier) <= sizeof(pthread_barrier_t), "it lies in there");

EXPORTED int pthread_barrier_init(pthread_barrier_t *b, const pthread_barrierattr_t *attributes,
                                  unsigned total) {
  (void)attributes;
  if (!total || total > INT_MAX) return EINVAL;
  memset(b, 0, sizeof *b);
  ((struct barrier *)b)->total = total;
  return 0;
}
EXPORTED int pthread_barrier_destroy(pthread_barrier_t *b) {
  leave(enter(b)); /* after those who still leave it */
  return 0;
}
EXPORTED int pthread_barrier_wait(pthread_barrier_t *object) {
  struct barrier *b = (struct barrier *)object;
  struct hs_object *e = enter(b);
  unsigned round = b->round;
  int is_last = ++b->arrived == b->total;
  if (is_last) {
    b->arrived = 0;
    __atomic_store_n(&b->round, round + 1, __ATOMIC_SEQ_CST);
  }
  leave(e);
  if (is_last) {
    ask(HS_ORDERED_WAKE, &b->round, 0, 0, 0);
    return PTHREAD_BARRIER_SERIAL_THREAD;
  }
  do {
    ask(HS_ORDERED_PARK, &b->round, (long)round, 0, 0);
  } while (b->round == round);
  leave(enter(b)); /* a replay must know whom it waited for */
  return 0;
}

/* ---- once: 0 not yet, 1 under way, 2 done, as in libc ---- */

static int once(volatile unsigned *state, void (*run)(void)) {
  for (;;) {
    if (is_replay()) {
      if (!ask(HS_ORDERED_ONCE, object_at(state), (long)state, 0, 0)) {
        if (__atomic_load_n(state, __ATOMIC_ACQUIRE) == 2) break;
        continue;
      }
    } else if (__atomic_load_n(state, __ATOMIC_ACQUIRE) == 2) {
      break;
    }
    struct hs_object *e = enter(state);
    unsigned now = *state;
    if (!now) *state = 1;
    leave(e);
    if (now == 2) break;
    if (now == 1) {
      ask(HS_ORDERED_PARK, state, 1, 0, 0);
      continue;
    }
    run();
    e = enter(state);
    __atomic_store_n(state, 2, __ATOMIC_RELEASE);
    leave(e);
    ask(HS_ORDERED_SAY, 0, 0, 0, 0);
    ask(HS_ORDERED_WAKE, state, 0, 0, 0);
    break;
  }
  forget();
  return 0;
}

EXPORTED int pthread_once(pthread_once_t *control, void (*run)(void)) {
  return once((volatile unsigned *)control, run);
}
