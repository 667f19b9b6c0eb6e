/* Files mapped private and shared, and changed by calls while they are mapped. */
#include "check.h"

int main(void) {
  int fd = file_of("data", "0123456789");
  EXPECT_EQ(ftruncate(fd, 8192), 0);
  char *shared = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  char *private = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  char *second = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 4096);
  EXPECT(shared != MAP_FAILED && private != MAP_FAILED && second != MAP_FAILED);
  EXPECT_MEM(shared, "0123456789", 10);

  EXPECT_EQ(pwrite(fd, "write", 5, 2), 5);
  EXPECT_MEM(shared, "01write789", 10);
  shared[0] = 'S';
  char text[16] = {0};
  EXPECT_EQ(pread(fd, text, 10, 0), 10);
  fact("file: %s", text);
  private[1] = 'P';
  EXPECT_EQ(pread(fd, text, 10, 0), 10);
  EXPECT_EQ(text[1], '1');
  EXPECT_EQ(pwrite(fd, "at the second page", 18, 4096), 18);
  EXPECT_MEM(second, "at the second", 13);
  EXPECT_MEM(shared + 4096, "at the second", 13);
  fact("private: %.10s, second: %.6s", private, second);

  /* Read straight into a shared mapping, and write from it. */
  int source = file_of("source", "from another file");
  EXPECT_EQ(read(source, shared + 100, 17), 17);
  EXPECT_EQ(pread(fd, text, 12, 100), 12);
  EXPECT_MEM(text, "from another", 12);
  EXPECT_EQ(pwrite(source, shared, 10, 0), 10);
  EXPECT_EQ(pread(source, text, 10, 0), 10);
  EXPECT_MEM(text, "S1write789", 10);

  /* The mapping of a file that grows, shrinks and loses its name. */
  EXPECT_EQ(unlink("data"), 0);
  EXPECT_EQ(ftruncate(fd, 4096), 0);
  EXPECT_EQ(ftruncate(fd, 8192), 0);
  EXPECT_EQ(shared[4096], 0);
  EXPECT_EQ(close(fd), 0);
  shared[5000] = 'x';
  EXPECT_EQ(munmap(second, 4096), 0);
  EXPECT_EQ(munmap(private, 8192), 0);

  pid_t child = fork();
  if (child == 0) {
    shared[7] = 'C';
    _exit(0);
  }
  EXPECT_EQ(ended(child), 0);
  EXPECT_EQ(shared[7], 'C');
  fact("a child's store is seen: %.8s", shared);

  int reader = (int)OK(open("source", O_RDONLY));
  EXPECT(mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, reader, 0) == MAP_FAILED && errno == EACCES);
  EXPECT(mmap(NULL, 4096, PROT_READ, MAP_SHARED, 1000, 0) == MAP_FAILED && errno == EBADF);
  EXPECT(mmap(NULL, 4096, PROT_READ, MAP_SHARED, reader, 1) == MAP_FAILED && errno == EINVAL);
  int pair[2];
  OK(pipe(pair));
  EXPECT(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, pair[0], 0) == MAP_FAILED && errno == ENODEV);
  EXPECT(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, reader, 0) != MAP_FAILED);
  return finish();
}
