/* Directories: made, listed by both getdents, walked, left and removed. */
#include "check.h"
#include <ftw.h>
#include <glob.h>

struct linux_dirent {
  unsigned long ino, offset;
  unsigned short reclen;
  char name[];
};

static int compare(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

int main(void) {
  umask(022);
  OK(mkdir("d", 0777));
  EXPECT_ERR(mkdir("d", 0777), EEXIST);
  EXPECT_ERR(mkdir("absent/d", 0777), ENOENT);
  EXPECT_EQ(RAW(SYS_mkdirat, AT_FDCWD, (long)"d/sub", 0700), 0);
  char name[32];
  for (int i = 0; i < 60; i++) {
    snprintf(name, sizeof name, "d/file-%02d", i);
    EXPECT_EQ(close((int)OK(open(name, O_CREAT | O_WRONLY, 0600))), 0);
  }

  int fd = (int)OK(open("d", O_RDONLY | O_DIRECTORY));
  unsigned char *buffer = guarded(512);
  int count = 0;
  long got;
  while ((got = OK(syscall(SYS_getdents64, fd, buffer, 512))) > 0) {
    for (long at = 0; at < got; count++) at += ((struct dirent64 *)(buffer + at))->d_reclen;
    EXPECT(untouched(buffer, 512));
  }
  EXPECT_EQ(count, 63);
  EXPECT_EQ(lseek(fd, 0, SEEK_SET), 0);
  count = 0;
  while ((got = OK(syscall(SYS_getdents, fd, buffer, 512))) > 0)
    for (long at = 0; at < got; count++) at += ((struct linux_dirent *)(buffer + at))->reclen;
  EXPECT_EQ(count, 63);
  EXPECT_EQ(lseek(fd, 0, SEEK_SET), 0);
  EXPECT_ERR(syscall(SYS_getdents64, fd, buffer, 4), EINVAL);
  EXPECT_ERR(syscall(SYS_getdents64, fd, 8, 512), EFAULT);
  EXPECT_ERR(syscall(SYS_getdents64, 1000, buffer, 512), EBADF);
  EXPECT_ERR(syscall(SYS_getdents64, file_of("plain", "x"), buffer, 512), ENOTDIR);

  DIR *directory = opendir("d");
  struct dirent *entry;
  char *names[80];
  int listed = 0;
  while ((entry = readdir(directory))) names[listed++] = strdup(entry->d_name);
  closedir(directory);
  qsort(names, (size_t)listed, sizeof *names, compare);
  fact("%d names from %s to %s", listed, names[0], names[listed - 1]);
  glob_t matches;
  EXPECT_EQ(glob("d/file-5*", 0, NULL, &matches), 0);
  fact("%zu match, the last is %s", matches.gl_pathc, matches.gl_pathv[matches.gl_pathc - 1]);

  unsigned char *where = guarded(PATH_MAX);
  char before[PATH_MAX];
  long len = RAW(SYS_getcwd, where, PATH_MAX);
  EXPECT(len > 1 && where[len - 1] == 0);
  EXPECT(untouched(where, (size_t)len));
  EXPECT_EQ(strlen((char *)where) + 1, len);
  strcpy(before, (char *)where);
  EXPECT_EQ(chdir("d"), 0);
  EXPECT_EQ(access("file-00", F_OK), 0);
  EXPECT_EQ(fchdir(fd), 0);
  EXPECT(getcwd(name, sizeof name) == NULL || strlen(name) > 1);
  EXPECT_ERR(syscall(SYS_getcwd, name, 2), ERANGE);
  EXPECT_EQ(chdir(".."), 0);
  EXPECT(getcwd((char *)where, PATH_MAX) != NULL);
  EXPECT_EQ(strcmp((char *)where, before), 0);
  EXPECT_ERR(chdir("plain"), ENOTDIR);
  EXPECT_ERR(chdir("absent"), ENOENT);
  EXPECT_ERR(fchdir(0), ENOTDIR);
  EXPECT_ERR(fchdir(1000), EBADF);

  EXPECT_ERR(rmdir("d"), ENOTEMPTY);
  EXPECT_ERR(rmdir("plain"), ENOTDIR);
  EXPECT_EQ(rmdir("d/sub"), 0);
  for (int i = 0; i < 60; i++) {
    snprintf(name, sizeof name, "d/file-%02d", i);
    EXPECT_EQ(unlink(name), 0);
  }
  EXPECT_EQ(RAW(SYS_unlinkat, AT_FDCWD, (long)"d", AT_REMOVEDIR), 0);
  EXPECT_ERR(rmdir("d"), ENOENT);
  EXPECT_ERR(rmdir("."), EINVAL);
  return finish();
}
