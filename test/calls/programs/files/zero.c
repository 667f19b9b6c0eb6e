/* Memory made of /dev/zero: shared by processes, and private; read, and at its limits. */
#include "check.h"

int main(void) {
  int zero = (int)OK(open("/dev/zero", O_RDWR)), reader = (int)OK(open("/dev/zero", O_RDONLY));
  int *shared = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, zero, 0);
  int *private = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, reader, 0);
  EXPECT(shared != MAP_FAILED && private != MAP_FAILED);
  EXPECT(mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, reader, 0) == MAP_FAILED && errno == EACCES);
  int *shown = mmap(NULL, 4096, PROT_READ, MAP_SHARED, reader, 0);
  EXPECT(shown != MAP_FAILED);
  EXPECT_EQ(shown[0], 0);
  OK(close(zero));
  OK(close(reader));
  private[0] = 1;
  shared[0] = 1;
  for (int i = 1; i <= 3; i++) {
    pid_t child = (pid_t)OK(fork());
    if (child == 0) {
      shared[0] += i;
      shared[2000 * i] = getpid();
      private[0] = 5;
      _exit(0);
    }
    EXPECT_EQ(ended(child), 0);
    EXPECT_EQ(shared[2000 * i], child);
    note("child %d", shared[2000 * i]);
  }
  fact("shared: %d, private: %d", shared[0], private[0]);
  EXPECT_EQ(munmap(shared, 1 << 20), 0);
  return finish();
}
