/* The process's memory as a file: what is written to /proc/self/mem is in memory, code included,
 * wherever the descriptor's offset is; what is read from it is what lies there. */
#include "check.h"

static volatile long word = 1;
static const long kept = 7;

int main(void) {
  int fd = (int)OK(open("/proc/self/mem", O_RDWR | O_CLOEXEC));
  long value = 2, got = 0;
  EXPECT_EQ(pwrite(fd, &value, sizeof value, (off_t)(uintptr_t)&word), sizeof value);
  EXPECT_EQ(word, 2);
  EXPECT_EQ(lseek(fd, (off_t)(uintptr_t)&word, SEEK_SET), (off_t)(uintptr_t)&word);
  value = 3;
  EXPECT_EQ(write(fd, &value, sizeof value), sizeof value);
  EXPECT_EQ(lseek(fd, 0, SEEK_CUR), (off_t)(uintptr_t)&word + 8);
  EXPECT_EQ(lseek(fd, -8, SEEK_CUR), (off_t)(uintptr_t)&word);
  EXPECT_EQ(read(fd, &got, sizeof got), sizeof got);
  EXPECT_EQ(got, 3);
  fact("word %ld", word);

  /* memory that the program itself cannot write */
  value = 8;
  EXPECT_EQ(pwrite(fd, &value, sizeof value, (off_t)(uintptr_t)&kept), sizeof value);
  fact("kept %ld", *(const volatile long *)&kept);
  static const unsigned char code[] = {0xb8, 42, 0, 0, 0, 0xc3}; /* mov $42, %eax; ret */
  void *space = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  EXPECT(space != MAP_FAILED);
  EXPECT_EQ(pwrite(fd, code, sizeof code, (off_t)(uintptr_t)space), sizeof code);
  fact("written code answers %d", ((int (*)(void))space)());

  /* a child has the memory of its parent in its hands */
  pid_t child = (pid_t)OK(fork());
  if (child == 0) {
    value = 4;
    _exit(pwrite(fd, &value, sizeof value, (off_t)(uintptr_t)&word) == 8 && word == 3 ? 0 : 1);
  }
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  fact("after the child %ld", word);

  char path[64];
  snprintf(path, sizeof path, "/proc/%d/mem", getpid());
  int second = (int)OK(open(path, O_WRONLY));
  value = 5;
  EXPECT_EQ(pwrite(second, &value, sizeof value, (off_t)(uintptr_t)&word), sizeof value);
  fact("by its number %ld", word);
  EXPECT_ERR(pwrite(second, &value, sizeof value, 4096), EIO);
  EXPECT_ERR(read(second, &got, sizeof got), EBADF);
  return check_failures != 0;
}
