/* rename, link, symlink, readlink, unlink and mknod, with and without a directory descriptor. */
#include "check.h"
#include <sys/sysmacros.h>

static long links(const char *path) {
  struct stat info;
  EXPECT_EQ(lstat(path, &info), 0);
  return (long)info.st_nlink;
}

int main(void) {
  int fd = file_of("a", "content of a");
  close(file_of("b", "content of b"));
  EXPECT_EQ(RAW(SYS_link, (long)"a", (long)"a2"), 0);
  EXPECT_EQ(RAW(SYS_linkat, AT_FDCWD, (long)"a", AT_FDCWD, (long)"a3", 0), 0);
  EXPECT_EQ(links("a"), 3);
  EXPECT_ERR(link("a", "b"), EEXIST);
  EXPECT_ERR(link("absent", "c"), ENOENT);
  EXPECT_ERR(link(".", "c"), EPERM);
  EXPECT_EQ(RAW(SYS_unlink, (long)"a2"), 0);
  EXPECT_EQ(unlinkat(AT_FDCWD, "a3", 0), 0);
  EXPECT_EQ(links("a"), 1);
  EXPECT_ERR(unlink("absent"), ENOENT);
  EXPECT_ERR(unlink("."), EISDIR);
  EXPECT_ERR(unlinkat(AT_FDCWD, "a", AT_REMOVEDIR), ENOTDIR);

  EXPECT_EQ(RAW(SYS_rename, (long)"a", (long)"c"), 0);
  EXPECT_ERR(rename("a", "d"), ENOENT);
  EXPECT_EQ(RAW(SYS_renameat, AT_FDCWD, (long)"c", AT_FDCWD, (long)"b"), 0);
  char text[64] = {0};
  EXPECT_EQ(read((int)OK(open("b", O_RDONLY)), text, 63), 12);
  fact("b holds: %s", text);
  close(file_of("e", "e"));
  EXPECT_ERR(renameat2(AT_FDCWD, "b", AT_FDCWD, "e", RENAME_NOREPLACE), EEXIST);
  long swap = renameat2(AT_FDCWD, "b", AT_FDCWD, "e", RENAME_EXCHANGE);
  EXPECT(swap == 0 || errno == EINVAL);
  if (swap == 0) EXPECT_EQ(renameat2(AT_FDCWD, "b", AT_FDCWD, "e", RENAME_EXCHANGE), 0);
  EXPECT_ERR(renameat2(AT_FDCWD, "b", AT_FDCWD, "e", 99), EINVAL);
  OK(mkdir("d", 0755));
  EXPECT_ERR(rename("b", "d"), EISDIR);
  EXPECT_ERR(rename("d", "b"), ENOTDIR);
  EXPECT_ERR(rename("d", "d/below"), EINVAL);
  EXPECT_EQ(rename("b", "d/b"), 0);

  EXPECT_EQ(RAW(SYS_symlink, (long)"d/b", (long)"s"), 0);
  EXPECT_EQ(symlinkat("loop", AT_FDCWD, "loop"), 0);
  EXPECT_ERR(open("loop", O_RDONLY), ELOOP);
  EXPECT_ERR(symlink("x", "s"), EEXIST);
  unsigned char *target = guarded(64);
  EXPECT_EQ(RAW(SYS_readlink, (long)"s", target, 64), 3);
  EXPECT_MEM(target, "d/b", 3);
  EXPECT(untouched(target, 3)); /* readlink writes no zero */
  target[0] = target[1] = target[2] = 0xa5;
  EXPECT_EQ(RAW(SYS_readlinkat, AT_FDCWD, (long)"s", target, 2), 2);
  EXPECT(untouched(target, 2));
  EXPECT_ERR(readlink("d/b", text, sizeof text), EINVAL);
  EXPECT_ERR(readlink("s", text, 0), EINVAL);
  EXPECT_ERR(readlinkat(1000, "s", text, 9), EBADF);

  /* An open file lives on without a name. */
  EXPECT_EQ(unlink("d/b"), 0);
  EXPECT_EQ(pread(fd, text, 12, 0), 12);
  struct stat info;
  EXPECT_EQ(fstat(fd, &info), 0);
  EXPECT_EQ(info.st_nlink, 0);
  EXPECT_ERR(open("s", O_RDONLY), ENOENT);

  EXPECT_EQ(RAW(SYS_mknod, (long)"queue", S_IFIFO | 0600, 0), 0);
  EXPECT_EQ(mknodat(AT_FDCWD, "regular", S_IFREG | 0600, 0), 0);
  EXPECT_EQ(mkfifo("queue2", 0600), 0);
  EXPECT_ERR(mkfifo("queue", 0600), EEXIST);
  EXPECT_ERR(mknod("odd", S_IFDIR | 0700, 0), EPERM);
  EXPECT_EQ(stat("queue", &info), 0);
  EXPECT(S_ISFIFO(info.st_mode));
  EXPECT_ERR(open("queue", O_WRONLY | O_NONBLOCK), ENXIO);
  int reader = (int)OK(open("queue", O_RDONLY | O_NONBLOCK));
  int writer = (int)OK(open("queue", O_WRONLY));
  EXPECT_EQ(write(writer, "through a fifo", 14), 14);
  EXPECT_EQ(read(reader, text, sizeof text), 14);
  return finish();
}
