/* memfd_create: a file without a name, sealed, mapped, and read by a child. */
#include "check.h"

int main(void) {
  int fd = (int)OK(memfd_create("memory", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  EXPECT_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
  EXPECT_EQ(ftruncate(fd, 8192), 0);
  char *map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  EXPECT(map != MAP_FAILED);
  memcpy(map + 4000, "over the page's end", 19);
  char text[32] = {0};
  EXPECT_EQ(pread(fd, text, 19, 4000), 19);
  fact("%s", text);
  EXPECT_EQ(pwrite(fd, "written", 7, 0), 7);
  EXPECT_MEM(map, "written", 7);
  char link[64] = {0};
  snprintf(text, sizeof text, "/proc/self/fd/%d", fd);
  EXPECT(readlink(text, link, sizeof link - 1) > 0);
  fact("link %s", link);

  pid_t child = fork();
  if (child == 0) {
    map[1] = 'W';
    _exit(pwrite(fd, "T", 1, 4) == 1 ? 0 : 1);
  }
  EXPECT_EQ(ended(child), 0);
  fact("after the child: %.7s", map);

  EXPECT_EQ(fcntl(fd, F_GET_SEALS), 0);
  EXPECT_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
  EXPECT_ERR(ftruncate(fd, 4096), EPERM);
  EXPECT_ERR(ftruncate(fd, 16384), EPERM);
  EXPECT_ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
  EXPECT_EQ(munmap(map, 8192), 0);
  EXPECT_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SEAL), 0);
  EXPECT_ERR(pwrite(fd, "x", 1, 0), EPERM);
  EXPECT(mmap(NULL, 8192, PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED && errno == EPERM);
  EXPECT_ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EPERM);
  fact("seals %x", fcntl(fd, F_GET_SEALS));
  EXPECT_ERR(memfd_create("x", 0xfff00), EINVAL);
  EXPECT_ERR(syscall(SYS_memfd_create, 8, 0), EFAULT);
  MAYBE_REFUSED(syscall(SYS_memfd_secret, 0));
  return finish();
}
