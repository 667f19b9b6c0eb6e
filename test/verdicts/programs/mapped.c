/* mapped.c: a file is written to and mapped shared.
 * Expected: replicable */
#include "small.h"

int main(void) {
  char name[] = "/tmp/hs-verdict-XXXXXX";
  int fd = (int)NEED(mkstemp(name));
  NEED(unlink(name));
  NEED(ftruncate(fd, 4096));
  unsigned long *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) return 1;
  unsigned long own = (unsigned long)getpid(), back = 0;
  NEED(pwrite(fd, &own, sizeof own, 0));
  memory[1] = memory[0] + 1;
  NEED(pread(fd, &back, sizeof back, 8));
  tell("back", back);
  return back != own + 1;
}
