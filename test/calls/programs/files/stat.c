/* The stat family, statx, statfs, access: the same file told the same by each. */
#include "check.h"
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>

static int same(const struct stat *a, const struct stat *b) {
  return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
         a->st_mode == b->st_mode && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

int main(void) {
  umask(022);
  int fd = file_of("file", "twelve bytes");
  OK(symlink("file", "link"));
  OK(mkdir("folder", 0755));
  struct stat *info = (void *)guarded(sizeof *info), other;
  EXPECT_EQ(RAW(SYS_stat, (long)"file", info), 0);
  EXPECT(untouched((unsigned char *)info, sizeof *info));
  fact("size %ld mode %o links %ld", (long)info->st_size, info->st_mode, (long)info->st_nlink);
  note("inode %lu device %lu modified %ld.%09ld", info->st_ino, info->st_dev,
       (long)info->st_mtim.tv_sec, info->st_mtim.tv_nsec);
  EXPECT_EQ(RAW(SYS_fstat, fd, &other), 0);
  EXPECT(same(info, &other));
  EXPECT_EQ(RAW(SYS_newfstatat, AT_FDCWD, (long)"link", &other, 0), 0);
  EXPECT(same(info, &other));
  EXPECT_EQ(fstatat(fd, "", &other, AT_EMPTY_PATH), 0);
  EXPECT(same(info, &other));
  EXPECT_EQ(RAW(SYS_lstat, (long)"link", &other), 0);
  EXPECT(S_ISLNK(other.st_mode) && other.st_size == 4);
  EXPECT_EQ(fstatat(AT_FDCWD, "link", info, AT_SYMLINK_NOFOLLOW), 0);
  EXPECT(same(info, &other));
  EXPECT_EQ(stat("/dev/null", &other), 0);
  EXPECT(S_ISCHR(other.st_mode) && major(other.st_rdev) == 1 && minor(other.st_rdev) == 3);
  EXPECT_EQ(stat("folder", &other), 0);
  EXPECT(S_ISDIR(other.st_mode));
  EXPECT_ERR(stat("absent", &other), ENOENT);
  EXPECT_ERR(stat("file/x", &other), ENOTDIR);
  EXPECT_ERR(fstat(99, &other), EBADF);
  EXPECT_ERR(syscall(SYS_stat, "file", 8), EFAULT);
  EXPECT_ERR(syscall(SYS_lstat, 8, &other), EFAULT);
  EXPECT_ERR(syscall(SYS_fstat, fd, 8), EFAULT);
  EXPECT_ERR(fstatat(AT_FDCWD, "file", &other, 0x8), EINVAL);

  struct statx *x = (void *)guarded(sizeof *x);
  EXPECT_EQ(statx(AT_FDCWD, "file", 0, STATX_BASIC_STATS | STATX_BTIME, x), 0);
  EXPECT(untouched((unsigned char *)x, sizeof *x));
  EXPECT_EQ(stat("file", &other), 0);
  EXPECT_EQ(x->stx_size, 12);
  EXPECT_EQ(x->stx_ino, other.st_ino);
  EXPECT_EQ(statx(fd, "", AT_EMPTY_PATH, STATX_SIZE, x), 0);
  EXPECT_EQ(x->stx_size, 12);
  EXPECT_ERR(statx(AT_FDCWD, "absent", 0, STATX_ALL, x), ENOENT);
  EXPECT_ERR(syscall(SYS_statx, AT_FDCWD, "file", 0, STATX_ALL, 8), EFAULT);

  struct statfs *system = (void *)guarded(sizeof *system), through;
  EXPECT_EQ(statfs(".", system), 0);
  EXPECT(untouched((unsigned char *)system, sizeof *system));
  EXPECT_EQ(fstatfs(fd, &through), 0);
  EXPECT_EQ(through.f_type, system->f_type);
  note("file system %lx, %lu blocks free", (long)system->f_type, (unsigned long)system->f_bfree);
  struct statvfs v;
  EXPECT_EQ(statvfs("/proc", &v), 0);
  EXPECT_ERR(statfs("absent", system), ENOENT);
  EXPECT_ERR(fstatfs(99, system), EBADF);
  char old[64];
  EXPECT_REFUSABLE(syscall(SYS_ustat, 0xffff, old), EINVAL, ENOSYS);

  EXPECT_EQ(access("file", R_OK | W_OK), 0);
  EXPECT_ERR(access("file", X_OK), EACCES);
  EXPECT_EQ(access("folder", X_OK), 0);
  EXPECT_ERR(access("absent", F_OK), ENOENT);
  EXPECT_ERR(access("file", 99), EINVAL);
  EXPECT_EQ(RAW(SYS_faccessat, AT_FDCWD, (long)"file", R_OK), 0);
  EXPECT_EQ(RAW(SYS_faccessat2, AT_FDCWD, (long)"link", F_OK, AT_SYMLINK_NOFOLLOW), 0);
  EXPECT_ERR(faccessat(99, "file", F_OK, 0), EBADF);
  return finish();
}
