/* exec after rights were given up: by fork, vfork and posix_spawn, from a folder the new user
 * cannot walk to; what the new program finds of itself; and files that would give rights. */
#include "check.h"
#include <grp.h>
#include <linux/capability.h>
#include <spawn.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/xattr.h>

extern char **environ;

static int is_own_file(const char *path) {
  struct stat own, st;
  return fstatat(AT_FDCWD, path, &st, 0) == 0 && fstat(3, &own) == 0 && st.st_ino == own.st_ino;
}

/* What is left of the first program: its file, open as descriptor 3. */
static int again(char **argv) {
  char path[PATH_MAX] = {0}, same[PATH_MAX] = {0}, proc[64];
  fact("%s: uid %d %d gid %d %d, told %lu %lu %lu %lu, secure %lu, dumpable %d", argv[1],
       getuid(), geteuid(), getgid(), getegid(), getauxval(AT_UID), getauxval(AT_EUID),
       getauxval(AT_GID), getauxval(AT_EGID), getauxval(AT_SECURE), prctl(PR_GET_DUMPABLE));
  EXPECT(readlink("/proc/self/exe", path, sizeof path - 1) > 0);
  EXPECT(strcmp(strrchr(path, '/'), "/dropped") == 0);
  snprintf(proc, sizeof proc, "/proc/%d/exe", getpid());
  EXPECT(readlink(proc, same, sizeof same - 1) > 0 && strcmp(path, same) == 0);
  EXPECT(readlinkat(AT_FDCWD, "/proc/thread-self/exe", same, 7) == 7);
  EXPECT_MEM(same, path, 7);
  EXPECT(is_own_file("/proc/self/exe"));
  int fd = (int)OK(open("/proc/self/exe", O_RDONLY));
  struct stat st, own;
  EXPECT(fstat(fd, &st) == 0 && fstat(3, &own) == 0 && st.st_ino == own.st_ino);
  close(fd);
  EXPECT(program_invocation_short_name && !strcmp(program_invocation_short_name, "dropped"));
  char comm[32] = {0};
  EXPECT_EQ(prctl(PR_GET_NAME, comm), 0);
  if (strstr(argv[1], "again")) fact("%s: named %s", argv[1], comm);
  if (argv[2] == NULL) return check_failures ? 1 : 7;
  char *once_more[] = {argv[0], argv[2], NULL};
  execv("/proc/self/exe", once_more);
  return 98;
}

static void become(uid_t uid) {
  gid_t groups[] = {uid, 4};
  EXPECT_EQ(setgroups(2, groups), 0);
  EXPECT_EQ(setresgid(uid, uid, uid), 0);
  EXPECT_EQ(setresuid(uid, uid, uid), 0);
}

static void by_fork(char *self) {
  char *arguments[] = {self, "forked", "forked again", NULL};
  become(65534);
  pid_t child = fork();
  if (child == 0) {
    syscall(SYS_execveat, 3, "", arguments, environ, AT_EMPTY_PATH);
    _exit(99);
  }
  EXPECT_EQ(ended(child), 7);
  child = vfork();
  if (child == 0) {
    syscall(SYS_execveat, 3, "", arguments, environ, AT_EMPTY_PATH);
    _exit(99);
  }
  EXPECT_EQ(ended(child), 7);
  char *words[] = {"sh", "-c", "id -u; id -g; id -G; exit 6", NULL};
  EXPECT_EQ(posix_spawnp(&child, "sh", NULL, NULL, words, environ), 0);
  EXPECT_EQ(ended(child), 6);
}

/* User 0 that keeps a foreign effective user over the exec, and one that has no capabilities. */
static void effective_only(char *self) {
  char *arguments[] = {self, "effective", NULL};
  EXPECT_EQ(setresuid(-1, 33, -1), 0);
  syscall(SYS_execveat, 3, "", arguments, environ, AT_EMPTY_PATH);
  _exit(99);
}
static void real_only(char *self) {
  char *arguments[] = {self, "real", "real again", NULL};
  EXPECT_EQ(setresuid(33, 0, 0), 0);
  syscall(SYS_execveat, 3, "", arguments, environ, AT_EMPTY_PATH);
  _exit(99);
}
static void bare_root(char *self) {
  char *arguments[] = {self, "bare root", "bare root again", NULL};
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2];
  memset(data, 0, sizeof data);
  EXPECT_EQ(syscall(SYS_capset, &header, data), 0);
  syscall(SYS_execveat, 3, "", arguments, environ, AT_EMPTY_PATH);
  _exit(99);
}

/* Natively it gets the file's user; recorded it is refused by name, and runs as it is where the
 * kernel would give nothing either. */
static void set_uid(char *self) {
  char *arguments[] = {"su", "--version", NULL};
  (void)self;
  become(33);
  for (int without_new_rights = 0; without_new_rights < 2; without_new_rights++) {
    if (without_new_rights) EXPECT_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    pid_t child = fork();
    if (child == 0) {
      execv("/usr/bin/su", arguments);
      _exit(errno == EPERM ? 1 : 99);
    }
    int status = ended(child);
    if (without_new_rights) EXPECT_EQ(status, 0);
    else EXPECT(status == 0 || status == 1);
  }
}

int main(int argc, char **argv) {
  static void (*const ways[])(char *) = {by_fork, effective_only, real_only, bare_root, set_uid};
  if (argc > 1) return again(argv);
  char *self = "dropped";
  if (getuid() != 0) {
    fact("only user 0 has rights to give up");
    return finish();
  }
  EXPECT_EQ(OK(open("/proc/self/exe", O_RDONLY)), 3);
  for (size_t i = 0; i < LENGTH(ways); i++) {
    pid_t child = fork();
    if (child == 0) {
      ways[i](self);
      _exit(check_failures ? 1 : 7);
    }
    EXPECT_EQ(ended(child), 7);
  }
  return finish();
}
