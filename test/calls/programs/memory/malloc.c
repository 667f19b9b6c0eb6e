/* malloc under load, by one thread and by eight, with its own arenas, trims and statistics. */
#include "check.h"
#include <malloc.h>

static unsigned next(unsigned *state) {
  *state = *state * 1664525u + 1013904223u;
  return *state >> 8;
}

static unsigned long churn(unsigned seed, int rounds) {
  enum { SLOTS = 256 };
  unsigned char *slots[SLOTS] = {0};
  size_t sizes[SLOTS] = {0};
  unsigned long addresses = 0;
  for (int i = 0; i < rounds; i++) {
    unsigned at = next(&seed) % SLOTS;
    if (slots[at]) {
      unsigned char mark = (unsigned char)at;
      EXPECT(slots[at][0] == mark && slots[at][sizes[at] - 1] == mark);
    }
    size_t size = next(&seed) % 50 ? 1 + next(&seed) % 2000 : 1 + next(&seed) % 300000;
    switch (next(&seed) % 3) {
      case 0: free(slots[at]), slots[at] = NULL; continue;
      case 1: slots[at] = realloc(slots[at], size); break;
      default: free(slots[at]), slots[at] = aligned_alloc(64, (size + 63) & ~63ul);
    }
    sizes[at] = size;
    slots[at][0] = slots[at][size - 1] = (unsigned char)at;
    addresses = addresses * 31 + (uintptr_t)slots[at];
  }
  for (int i = 0; i < SLOTS; i++) free(slots[i]);
  return addresses;
}

static unsigned long results[8];
static void *in_thread(void *number) {
  results[(long)number] = churn((unsigned)(long)number + 100, 4000);
  return NULL;
}

int main(void) {
  note("addresses %lx", churn(1, 20000));
  pthread_t threads[8];
  for (long i = 0; i < 8; i++)
    EXPECT_EQ(pthread_create(&threads[i], NULL, in_thread, (void *)i), 0);
  for (int i = 0; i < 8; i++) EXPECT_EQ(pthread_join(threads[i], NULL), 0);
  for (int i = 0; i < 8; i++) note("thread %d: %lx", i, results[i]);
  malloc_trim(0);
  struct mallinfo2 info = mallinfo2();
  note("in use %zu of %zu", info.uordblks, info.arena);
  char *zeroes = calloc(1000, 1000);
  EXPECT(zeroes && zeroes[999999] == 0);
  free(zeroes);
  volatile size_t huge = (size_t)-1 / 2;
  EXPECT(malloc(huge) == NULL && errno == ENOMEM);
  pid_t child = fork();
  if (child == 0) {
    churn(77, 2000);
    _exit(check_failures ? 1 : 0);
  }
  EXPECT_EQ(ended(child), 0);
  fact("malloc holds");
  return finish();
}
