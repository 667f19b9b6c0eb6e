/* threads.c: the making, joining and ending of threads, and fork: libc keeps lists and stacks of
 * threads that it looks at without a call.
 *
 * A thread that ends holds the lists, and the allocator, until the core has recorded its end. The
 * rule: whoever takes both takes the lists first. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <threads.h>
#include <unistd.h>

#include "allocator.h"
#include "section.h"

int real_fork(void);
__asm__(".symver real_fork,__fork@GLIBC_2.2.5");

static char lists; /* its address stands for them */

struct start {
  void *(*run)(void *);
  void *argument;
};

static void end(void *nothing) {
  (void)nothing;
  struct hs_object *e = enter(&lists), *allocator = hs_allocator_enter();
  hs_allocator_is_held = 1;
  ask(HS_ORDERED_LEAVING, e, (long)allocator, 0, 0);
}

static void *begin(void *argument) {
  struct start start = *(struct start *)argument;
  void *result;
  free(argument);
  pthread_cleanup_push(end, 0);
  result = start.run(start.argument);
  pthread_cleanup_pop(1);
  return result;
}

EXPORTED int pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                            void *(*run)(void *), void *argument) {
  static int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
  if (!real) *(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
  struct start *start = malloc(sizeof *start);
  if (!start) return EAGAIN;
  start->run = run;
  start->argument = argument;
  struct hs_object *e = enter(&lists);
  int r = real(thread, attributes, begin, start);
  leave(e);
  if (r) free(start);
  return r;
}

EXPORTED int pthread_join(pthread_t thread, void **result) {
  static int (*real)(pthread_t, void **);
  if (!real) *(void **)&real = dlsym(RTLD_NEXT, "pthread_join");
  if (thread == pthread_self()) return EDEADLK;
  while (ask(HS_ORDERED_JOIN, (void *)thread, 0, 0, 0) == -EINTR);
  struct hs_object *e = enter(&lists);
  int r = real(thread, result);
  leave(e);
  return r;
}

EXPORTED int pthread_detach(pthread_t thread) {
  static int (*real)(pthread_t);
  if (!real) *(void **)&real = dlsym(RTLD_NEXT, "pthread_detach");
  struct hs_object *e = enter(&lists);
  int r = real(thread);
  leave(e);
  return r;
}

/* No other thread is in the middle of what the child finds. */
EXPORTED pid_t fork(void) {
  struct hs_object *e = enter(&lists), *allocator = hs_allocator_enter();
  int error = errno;
  hs_allocator_is_held = 1;
  pid_t pid = real_fork();
  if (pid < 0) error = errno;
  hs_allocator_is_held = 0;
  leave(allocator);
  leave(e);
  errno = error;
  return pid;
}

/* ---- C11: the same under other names ---- */

struct c11_start {
  thrd_start_t run;
  void *argument;
};

static void *c11_begin(void *argument) {
  struct c11_start start = *(struct c11_start *)argument;
  free(argument);
  return (void *)(intptr_t)start.run(start.argument);
}

static int c11(int error) {
  switch (error) {
    case 0: return thrd_success;
    case EBUSY: return thrd_busy;
    case ETIMEDOUT: return thrd_timedout;
    case ENOMEM: case EAGAIN: return thrd_nomem;
    default: return thrd_error;
  }
}

EXPORTED int thrd_create(thrd_t *thread, thrd_start_t run, void *argument) {
  struct c11_start *start = malloc(sizeof *start);
  if (!start) return thrd_nomem;
  start->run = run;
  start->argument = argument;
  int r = pthread_create(thread, 0, c11_begin, start);
  if (r) free(start);
  return c11(r);
}
EXPORTED int thrd_join(thrd_t thread, int *result) {
  void *value = 0;
  int r = pthread_join(thread, &value);
  if (!r && result) *result = (int)(intptr_t)value;
  return c11(r);
}
EXPORTED int thrd_detach(thrd_t thread) { return c11(pthread_detach(thread)); }
EXPORTED _Noreturn void thrd_exit(int result) { pthread_exit((void *)(intptr_t)result); }

#define MUTEX(m) ((pthread_mutex_t *)(m))
#define CONDITION(c) ((pthread_cond_t *)(c))
EXPORTED int mtx_lock(mtx_t *m) { return c11(pthread_mutex_lock(MUTEX(m))); }
EXPORTED int mtx_trylock(mtx_t *m) { return c11(pthread_mutex_trylock(MUTEX(m))); }
EXPORTED int mtx_timedlock(mtx_t *restrict m, const struct timespec *restrict limit) {
  return c11(pthread_mutex_timedlock(MUTEX(m), limit));
}
EXPORTED int mtx_unlock(mtx_t *m) { return c11(pthread_mutex_unlock(MUTEX(m))); }
EXPORTED int cnd_init(cnd_t *c) { return c11(pthread_cond_init(CONDITION(c), 0)); }
EXPORTED void cnd_destroy(cnd_t *c) { (void)c; }
EXPORTED int cnd_signal(cnd_t *c) { return c11(pthread_cond_signal(CONDITION(c))); }
EXPORTED int cnd_broadcast(cnd_t *c) { return c11(pthread_cond_broadcast(CONDITION(c))); }
EXPORTED int cnd_wait(cnd_t *c, mtx_t *m) {
  return c11(pthread_cond_wait(CONDITION(c), MUTEX(m)));
}
EXPORTED int cnd_timedwait(cnd_t *restrict c, mtx_t *restrict m,
                           const struct timespec *restrict limit) {
  return c11(pthread_cond_timedwait(CONDITION(c), MUTEX(m), limit));
}
EXPORTED void call_once(once_flag *flag, void (*run)(void)) {
  pthread_once((pthread_once_t *)flag, run);
}
