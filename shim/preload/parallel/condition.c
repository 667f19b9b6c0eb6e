/* condition.c: condition variables: a queue of who waits, in the program's own pthread_cond_t.
 *
 * A waiter waits for its own word, which changes once: when a signal takes it off the queue. So
 * which wait a signal ends is a matter of order, and needs no record.
 * The rule: after its wait a thread enters a section once more, so that a replay knows whom it has
 * waited for. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "section.h"

struct waiter {
  struct waiter *next;
  volatile unsigned released;
};
struct condition {
  struct waiter *first, *last;
  unsigned clock;
};
_Static_assert(sizeof(struct condition) <= sizeof(pthread_cond_t), "it lies in there");
#define CONDITION(c) ((struct condition *)(c))

EXPORTED int pthread_cond_init(pthread_cond_t *c, const pthread_condattr_t *attributes) {
  clockid_t clock = CLOCK_REALTIME;
  if (attributes) pthread_condattr_getclock(attributes, &clock);
  memset(c, 0, sizeof *c);
  CONDITION(c)->clock = (unsigned)clock;
  return 0;
}
EXPORTED int pthread_cond_destroy(pthread_cond_t *c) { return (void)c, 0; }

static void unlink_waiter(struct condition *c, struct waiter *w) {
  struct waiter **at = &c->first, *before = 0;
  while (*at && *at != w) before = *at, at = &(*at)->next;
  if (!*at) return;
  *at = w->next;
  if (c->last == w) c->last = before;
}

static int wait_for(pthread_cond_t *c, pthread_mutex_t *m, clockid_t clock,
                    const struct timespec *limit) {
  struct waiter self = {0, 0};
  int result = 0;
  if (limit && (limit->tv_nsec < 0 || limit->tv_nsec >= 1000000000)) return EINVAL;
  struct hs_object *e = enter(c);
  struct condition *q = CONDITION(c);
  if (q->first)
    q->last->next = &self;
  else
    q->first = &self;
  q->last = &self;
  leave(e);
  result = pthread_mutex_unlock(m);
  long parked = result ? -ETIMEDOUT : 0;
  while (!result) {
    parked = ask(HS_ORDERED_PARK, &self.released, 0, limit, clock);
    if (parked == -ETIMEDOUT || (!parked && self.released)) break;
  }
  e = enter(c);
  if (!self.released) {
    unlink_waiter(q, &self);
    if (!result) result = ETIMEDOUT;
  }
  leave(e);
  if (!result || result == ETIMEDOUT) {
    int locked = pthread_mutex_lock(m);
    if (locked) result = locked;
  }
  return result;
}

static int wake(pthread_cond_t *c, int all) {
  struct hs_object *e = enter(c);
  struct condition *q = CONDITION(c);
  struct waiter *w = q->first;
  if (w) {
    if (all) {
      q->first = q->last = 0;
    } else {
      q->first = w->next;
      if (!w->next) q->last = 0;
      w->next = 0;
    }
  }
  while (w) { /* a waiter may be gone as soon as it is released; its word is only woken */
    struct waiter *next = w->next;
    __atomic_store_n(&w->released, 1, __ATOMIC_SEQ_CST);
    ask(HS_ORDERED_WAKE, &w->released, 0, 0, 0);
    w = next;
  }
  leave(e);
  return 0;
}

EXPORTED int pthread_cond_wait(pthread_cond_t *c, pthread_mutex_t *m) {
  return wait_for(c, m, CLOCK_REALTIME, 0);
}
EXPORTED int pthread_cond_timedwait(pthread_cond_t *c, pthread_mutex_t *m,
                                    const struct timespec *limit) {
  return wait_for(c, m, (clockid_t)CONDITION(c)->clock, limit);
}
EXPORTED int pthread_cond_clockwait(pthread_cond_t *c, pthread_mutex_t *m, clockid_t clock,
                                    const struct timespec *limit) {
  return wait_for(c, m, clock, limit);
}
EXPORTED int pthread_cond_signal(pthread_cond_t *c) { return wake(c, 0); }
EXPORTED int pthread_cond_broadcast(pthread_cond_t *c) { return wake(c, 1); }
