/* A file that one process maps while another, in a loop without calls, will write to it. */
#include "gathered.h"

/* One maps a file to read it, while another, which computes without a call, is to write to it. */
int main(void) {
  int ready[2], status;
  char byte;
  OK(pipe(ready));
  int file = (int)OK(open("watched", O_RDWR | O_CREAT | O_TRUNC, 0600));
  OK(ftruncate(file, 4096));
  close(file);
  pid_t writer = (pid_t)OK(fork());
  if (!writer) {
    compute(3000000);
    EXPECT_EQ(read(ready[0], &byte, 1), 1);
    file = (int)OK(open("watched", O_WRONLY));
    for (int i = 1; i <= 20; i++) {
      EXPECT_EQ(pwrite(file, &i, sizeof i, 0), (int)sizeof i);
      sched_yield();
    }
    _exit(check_failures != 0);
  }
  file = (int)OK(open("watched", O_RDONLY));
  volatile int *seen = mmap(NULL, 4096, PROT_READ, MAP_SHARED, file, 0);
  EXPECT(seen != MAP_FAILED);
  EXPECT_EQ(write(ready[1], "x", 1), 1);
  unsigned changes = 0, rounds = 0;
  for (int last = 0; last < 20; rounds++)
    if (*seen != last) changes++, last = *seen;
  note("%u changes seen, %u looks", changes, rounds);
  EXPECT_EQ(OK(waitpid(writer, &status, 0)), writer);
  EXPECT_EQ(status, 0);
  fact("the file says %d", *seen);
  return check_failures != 0;
}
