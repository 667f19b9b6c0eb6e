/* A loop that counts, with no call and no pause, while others wait: what it had counted when they
 * ran is in the result. In threads, in a child over shared memory, and beside recursion. */
#include "check.h"
#include <math.h>

static volatile int stop;
static volatile unsigned long counted;

static void *count(void *unused) {
  double root = 0;
  while (!stop) {
    counted++;
    root += sqrt((double)counted);
  }
  note("root %a", root);
  return unused;
}

static unsigned long fibonacci(unsigned n) {
  return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

static void *recurse(void *unused) {
  note("fibonacci %lu", fibonacci(34));
  return unused;
}

static void *copy(void *unused) {
  size_t size = 1 << 20;
  char *from = malloc(size), *to = malloc(size);
  for (size_t i = 0; i < size; i++) from[i] = (char)(i * 7);
  for (int i = 0; i < 400; i++) {
    memcpy(to, from, size);
    memmove(from, to + 1, size - 1);
  }
  note("copied %d %d", to[12345], from[999]);
  free(from);
  free(to);
  return unused;
}

int main(void) {
  pthread_t thread;
  void *(*const bodies[])(void *) = {count, recurse, copy};
  for (size_t i = 0; i < LENGTH(bodies); i++) {
    stop = 0;
    EXPECT_EQ(pthread_create(&thread, NULL, bodies[i], NULL), 0);
    for (int turn = 0; turn < 4; turn++) {
      usleep(1000);
      note("turn %d: %lu", turn, counted);
    }
    stop = 1;
    EXPECT_EQ(pthread_join(thread, NULL), 0);
    fact("body %zu ended", i);
  }

  volatile unsigned long *shared =
      mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pid_t child = fork();
  if (child == 0) {
    while (!shared[1]) shared[0]++;
    _exit(3);
  }
  for (int turn = 0; turn < 3; turn++) {
    usleep(1000);
    note("child: %lu", shared[0]);
  }
  shared[1] = 1;
  EXPECT_EQ(ended(child), 3);
  fact("a child that counted");
  return finish();
}
