/* calls.c: what one call costs, by class of the call table. Prints one line per class:
 * "<class> <nanoseconds>". Run natively and recorded; the bench divides.
 * Usage: calls [COUNT] [cpu|wall]. `cpu` counts the processor time of this process, so that what
 * else the machine does is not counted; nor is then the time in which a call only waits. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static clockid_t stop_watch = CLOCK_MONOTONIC;

static double now(void) {
  struct timespec t;
  clock_gettime(stop_watch, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* A tenth beforehand warms the caches, and whatever is set up at a first call. */
#define MEASURE(name, n, call)                                  \
  do {                                                          \
    for (long i = 0; i < (n) / 10; i++) call;                   \
    double start = now();                                       \
    for (long i = 0; i < (n); i++) call;                        \
    printf("%s %.1f\n", name, (now() - start) / (double)(n));   \
  } while (0)

int main(int argc, char **argv) {
  long n = argc > 1 ? atol(argv[1]) : 200000;
  if (argc > 2 && strcmp(argv[2], "cpu") == 0) stop_watch = CLOCK_PROCESS_CPUTIME_ID;
  struct timespec t;
  char bytes[64] = {0};
  int zero = open("/dev/zero", O_RDONLY), null = open("/dev/null", O_WRONLY);
  int poll = epoll_create1(0);
  struct epoll_event event;
  /* Between neighbours it never equals: otherwise, depending on what happens to lie beside it,
   * the kernel would merge and split mappings in one of the two cases only. */
  char *guarded = mmap(NULL, 3 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  char *page = guarded + 4096;
  unsigned word = 0;
  MEASURE("time", n, clock_gettime(CLOCK_MONOTONIC, &t));
  MEASURE("result", n, syscall(SYS_getppid));
  MEASURE("input", n, (void)!read(zero, bytes, sizeof bytes));
  MEASURE("output", n, (void)!write(null, bytes, sizeof bytes));
  MEASURE("readiness", n, epoll_wait(poll, &event, 1, 0));
  MEASURE("memory", n / 4, mprotect(page, 4096, (i & 1) ? PROT_READ : PROT_READ | PROT_WRITE));
  MEASURE("order", n, syscall(SYS_futex, &word, 1, 1, NULL, NULL, 0));
  MEASURE("signals", n, syscall(SYS_rt_sigprocmask, 0, NULL, bytes, 8));
  return 0;
}
