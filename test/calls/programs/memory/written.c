/* A file in memory that is mapped shared and written by call: others see the bytes where that call
 * is recorded, and no sooner, however long the kernel takes for them. */
#include "check.h"

enum { BYTES = 1 << 20, ROUNDS = 60 };

static unsigned char source[BYTES];

/* What it finds in program code, between two calls, is told: a replay must find the same. */
static void watch(const volatile unsigned char *at) {
  unsigned long found = 0;
  for (unsigned i = 0; at[0] != 255 && i < 20000; i++) {
    for (unsigned place = 0; place < BYTES; place += 65536) found = found * 31 + at[place];
    getppid();
  }
  note("found %lx", found);
  _exit(0);
}

int main(void) {
  int fd = memfd_create("written", 0), status = -1;
  if (fd < 0 || ftruncate(fd, BYTES)) return 1;
  unsigned char *at = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  pid_t child = fork();
  if (child == 0) watch(at);
  for (unsigned i = 1; i <= ROUNDS; i++) {
    memset(source, i == ROUNDS ? 255 : (int)i, BYTES);
    if (pwrite(fd, source, BYTES, 0) != BYTES) return 2;
    sched_yield();
  }
  waitpid(child, &status, 0);
  fact("status %d, %u at the end", status, at[BYTES - 1]);
  return 0;
}
