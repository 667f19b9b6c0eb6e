/* open and its family: flags, modes, the lowest free number, and what is refused. */
#include "check.h"
#include <linux/openat2.h>

int main(void) {
  umask(022);
  EXPECT_EQ(umask(027), 022);
  int fd = (int)OK(open("new", O_RDWR | O_CREAT | O_EXCL, 0666));
  int first = fd;
  struct stat info;
  EXPECT_EQ(fstat(fd, &info), 0);
  fact("mode %o", info.st_mode & 07777);
  EXPECT_ERR(open("new", O_RDWR | O_CREAT | O_EXCL, 0666), EEXIST);
  EXPECT_ERR(open("absent", O_RDWR), ENOENT);
  EXPECT_ERR(open("new/below", O_RDWR), ENOTDIR);
  EXPECT_ERR(open("", O_RDONLY), ENOENT);
  EXPECT_ERR(open("new", O_RDONLY | O_DIRECTORY), ENOTDIR);
  EXPECT_ERR(open(".", O_RDWR), EISDIR);
  EXPECT_ERR(syscall(SYS_open, 8, O_RDONLY, 0), EFAULT);
  EXPECT_ERR(syscall(SYS_openat, AT_FDCWD, 8, O_RDONLY, 0), EFAULT);
  char longer[5000];
  memset(longer, 'x', sizeof longer);
  longer[4999] = 0;
  EXPECT_ERR(open(longer, O_RDONLY), ENAMETOOLONG);
  longer[300] = 0;
  EXPECT_ERR(open(longer, O_RDONLY), ENAMETOOLONG);

  EXPECT_EQ(open("new", O_RDONLY), first + 1);
  EXPECT_EQ(close(first), 0);
  EXPECT_EQ(open("new", O_WRONLY | O_CLOEXEC), first); /* the lowest number is used again */
  EXPECT_EQ(fcntl(first, F_GETFD), FD_CLOEXEC);
  EXPECT_EQ(fcntl(first, F_GETFL) & O_ACCMODE, O_WRONLY);
  char byte;
  EXPECT_ERR(read(first, &byte, 1), EBADF);
  EXPECT_ERR(write(first + 1, "x", 1), EBADF);
  EXPECT_EQ(write(first, "content", 7), 7);
  EXPECT_EQ(RAW(SYS_open, (long)"new", O_RDWR | O_TRUNC, 0), first + 2);
  EXPECT_EQ(fstat(first, &info), 0);
  EXPECT_EQ(info.st_size, 0);
  EXPECT_EQ(RAW(SYS_creat, (long)"created", 0600), first + 3);
  EXPECT_EQ(fcntl(first + 3, F_GETFL) & O_ACCMODE, O_WRONLY);

  int directory = (int)OK(open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  int below = (int)OK(openat(directory, "created", O_RDONLY | O_NOFOLLOW));
  EXPECT_ERR(openat(below, "x", O_RDONLY), ENOTDIR);
  EXPECT_ERR(openat(999, "x", O_RDONLY), EBADF);
  OK(symlink("created", "link"));
  EXPECT_ERR(open("link", O_RDONLY | O_NOFOLLOW), ELOOP);
  int path = (int)OK(open("link", O_PATH | O_NOFOLLOW));
  EXPECT_ERR(read(path, &byte, 1), EBADF);
  EXPECT_EQ(fstat(path, &info), 0);
  EXPECT(S_ISLNK(info.st_mode));

  struct open_how how = {.flags = O_RDWR | O_CREAT, .mode = 0640};
  int second = (int)OK(syscall(SYS_openat2, directory, "second", &how, sizeof how));
  EXPECT_EQ(write(second, "abc", 3), 3);
  how = (struct open_how){.flags = O_RDONLY, .resolve = RESOLVE_BENEATH};
  EXPECT_ERR(syscall(SYS_openat2, directory, "/etc/passwd", &how, sizeof how), EXDEV);
  EXPECT_ERR(syscall(SYS_openat2, directory, "second", &how, 3), EINVAL);
  how = (struct open_how){.flags = O_RDONLY, .mode = 0600};
  EXPECT_ERR(syscall(SYS_openat2, directory, "second", &how, sizeof how), EINVAL);

  long unnamed = open(".", O_TMPFILE | O_RDWR, 0600);
  if (unnamed >= 0) EXPECT_EQ(write((int)unnamed, "t", 1), 1);
  note("O_TMPFILE %s", unnamed >= 0 ? "works" : "is not there");
  EXPECT_EQ(close(second), 0);
  EXPECT_ERR(close(second), EBADF);
  EXPECT_ERR(close(-1), EBADF);
  return finish();
}
