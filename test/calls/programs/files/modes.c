/* chmod, chown, utimes and extended attributes. */
#include "check.h"
#include <sys/xattr.h>
#include <utime.h>

static struct stat info_of(const char *path) {
  struct stat info = {0};
  EXPECT_EQ(lstat(path, &info), 0);
  return info;
}

static void times(int fd) {
  struct timespec stamps[2] = {{1000000000, 5}, {1100000000, 123456789}};
  EXPECT_EQ(utimensat(AT_FDCWD, "f", stamps, 0), 0);
  EXPECT_EQ(info_of("f").st_mtim.tv_nsec, 123456789);
  EXPECT_EQ(info_of("f").st_atime, 1000000000);
  stamps[0].tv_nsec = UTIME_OMIT;
  stamps[1].tv_nsec = UTIME_NOW;
  EXPECT_EQ(futimens(fd, stamps), 0);
  EXPECT_EQ(info_of("f").st_atime, 1000000000);
  EXPECT(info_of("f").st_mtime > 1500000000);
  note("now %ld.%09ld", (long)info_of("f").st_mtime, info_of("f").st_mtim.tv_nsec);
  struct timeval both[2] = {{1200000000, 0}, {1200000001, 500000}};
  EXPECT_EQ(RAW(SYS_utimes, (long)"f", both), 0);
  EXPECT_EQ(info_of("f").st_mtim.tv_nsec, 500000000);
  EXPECT_EQ(RAW(SYS_futimesat, AT_FDCWD, (long)"f", both), 0);
  struct utimbuf old = {1300000000, 1300000001};
  EXPECT_EQ(RAW(SYS_utime, (long)"f", &old), 0);
  EXPECT_EQ(info_of("f").st_mtime, 1300000001);
  stamps[0].tv_nsec = 2000000000;
  EXPECT_ERR(utimensat(AT_FDCWD, "f", stamps, 0), EINVAL);
  EXPECT_ERR(utimes("absent", both), ENOENT);
}

static void attributes(int fd) {
  if (setxattr("f", "user.colour", "blue", 4, 0) != 0) {
    EXPECT_EQ(errno, EOPNOTSUPP);
    note("no attributes here");
  }
  unsigned char *value = guarded(32);
  long len = getxattr("f", "user.colour", value, 32);
  if (len >= 0) {
    EXPECT_EQ(len, 4);
    EXPECT_MEM(value, "blue", 4);
    EXPECT(untouched(value, 4));
    EXPECT_EQ(getxattr("f", "user.colour", NULL, 0), 4);
    EXPECT_ERR(getxattr("f", "user.colour", value, 2), ERANGE);
    EXPECT_ERR(setxattr("f", "user.colour", "red", 3, XATTR_CREATE), EEXIST);
    EXPECT_EQ(fsetxattr(fd, "user.size", "12", 2, 0), 0);
    EXPECT_EQ(fgetxattr(fd, "user.size", value, 32), 2);
    unsigned char *names = guarded(64);
    len = listxattr("f", (char *)names, 64);
    EXPECT(len >= 22);
    EXPECT(untouched(names, (size_t)len));
    EXPECT_EQ(flistxattr(fd, NULL, 0), len);
    EXPECT_EQ(removexattr("f", "user.colour"), 0);
    EXPECT_EQ(fremovexattr(fd, "user.size"), 0);
  }
  EXPECT(getxattr("f", "user.absent", value, 32) == -1);
  EXPECT(lgetxattr("s", "user.absent", value, 32) == -1);
  EXPECT(lsetxattr("s", "user.absent", "x", 1, 0) == -1);
  EXPECT(llistxattr("s", NULL, 0) >= -1);
  EXPECT(lremovexattr("s", "user.absent") == -1);
  EXPECT(fremovexattr(fd, "user.absent") == -1);
  EXPECT(removexattr("f", "user.absent") == -1);
  EXPECT(fsetxattr(1000, "user.x", "x", 1, 0) == -1 && errno == EBADF);
  EXPECT_ERR(getxattr("absent", "user.x", value, 1), ENOENT);
}

int main(void) {
  int fd = file_of("f", "x");
  OK(symlink("f", "s"));
  EXPECT_EQ(RAW(SYS_chmod, (long)"f", 04751), 0);
  EXPECT_EQ(info_of("f").st_mode & 07777, 04751);
  EXPECT_EQ(RAW(SYS_fchmod, fd, 0600), 0);
  EXPECT_EQ(RAW(SYS_fchmodat, AT_FDCWD, (long)"s", 0640), 0);
  EXPECT_EQ(info_of("f").st_mode & 07777, 0640);
  MAYBE_REFUSED(syscall(452, AT_FDCWD, "f", 0644, 0)); /* fchmodat2, from Linux 6.6 */
  EXPECT_ERR(chmod("absent", 0600), ENOENT);
  EXPECT_ERR(fchmod(1000, 0600), EBADF);
  EXPECT_EQ(RAW(SYS_chown, (long)"f", -1, -1), 0);
  EXPECT_EQ(RAW(SYS_fchown, fd, getuid(), getgid()), 0);
  EXPECT_EQ(RAW(SYS_lchown, (long)"s", -1, -1), 0);
  EXPECT_EQ(fchownat(AT_FDCWD, "s", -1, -1, AT_SYMLINK_NOFOLLOW), 0);
  EXPECT_ERR(chown("absent", 0, 0), ENOENT);
  EXPECT_ERR(fchown(1000, 0, 0), EBADF);
  times(fd);
  attributes(fd);
  fact("mode %o", info_of("f").st_mode);
  return finish();
}
