/* threads.c: what order costs threads: a mutex and a short system call, by one thread while others
 * sleep ("free") and by four at once ("contended"). Prints "<name> <nanoseconds>" for each: time
 * that has passed, divided by all that was done in it. Run natively and recorded.
 * Usage: threads COUNT. The rule: what is measured is done COUNT times whoever does it. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define THREADS 4

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long each, shared;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void *lock_often(void *nothing) {
  (void)nothing;
  for (long i = 0; i < each; i++) {
    pthread_mutex_lock(&lock);
    shared++;
    pthread_mutex_unlock(&lock);
  }
  return NULL;
}

static void *call_often(void *nothing) {
  (void)nothing;
  for (long i = 0; i < each; i++) syscall(SYS_getppid);
  return NULL;
}

static void *sleep_on(void *end) {
  char byte;
  (void)!read(*(int *)end, &byte, 1);
  return NULL;
}

/* COUNT times, by `n` threads; another one sleeps all the while. */
static void measure(const char *name, void *(*body)(void *), long count, int n) {
  pthread_t all[THREADS];
  each = count / 10;
  body(NULL);
  each = count / n;
  double start = now();
  if (n == 1) {
    body(NULL);
  } else {
    for (int i = 0; i < n; i++)
      if (pthread_create(&all[i], NULL, body, NULL)) exit(1);
    for (int i = 0; i < n; i++) pthread_join(all[i], NULL);
  }
  printf("%s %.1f\n", name, (now() - start) / (double)count);
}

int main(int argc, char **argv) {
  long count = argc > 1 ? atol(argv[1]) : 200000;
  int ends[2];
  pthread_t sleeper;
  if (pipe(ends) || pthread_create(&sleeper, NULL, sleep_on, &ends[0])) return 1;
  measure("lock_free", lock_often, count * 4, 1);
  measure("lock_contended", lock_often, count, THREADS);
  measure("call_free", call_often, count, 1);
  measure("call_contended", call_often, count, THREADS);
  if (write(ends[1], "", 1) != 1) return 1;
  pthread_join(sleeper, NULL);
  return shared ? 0 : 1;
}
