/* execve of oneself with arguments and environment, fexecve, execveat, vfork, and failures. */
#include "check.h"

extern char **environ;

static int again(int argc, char **argv) {
  fact("again: %d arguments, the last is %s, COLOUR is %s", argc, argv[argc - 1],
       getenv("COLOUR") ? getenv("COLOUR") : "not set");
  EXPECT(strlen(argv[0]) > 0);
  char path[PATH_MAX] = {0};
  EXPECT(readlink("/proc/self/exe", path, sizeof path - 1) > 0);
  EXPECT(strcmp(strrchr(path, '/'), "/exec") == 0);
  return check_failures ? 1 : argc;
}

static int run(int kind, const char *self) {
  char *arguments[] = {"oneself", "x", "two words", "", "last", NULL};
  char *environment[] = {"COLOUR=green", "PATH=/usr/bin:/bin", NULL};
  char *none[] = {NULL};
  pid_t child = kind == 3 ? vfork() : fork();
  if (child == 0) {
    int fd = kind == 1 || kind == 2 ? open(self, O_RDONLY | (kind == 2 ? O_CLOEXEC : 0)) : -1;
    if (kind == 0) execve(self, arguments, environment);
    if (kind == 1) fexecve(fd, arguments, environ);
    if (kind == 2) syscall(SYS_execveat, fd, "", arguments, environment, AT_EMPTY_PATH);
    if (kind == 3) execve(self, arguments, none);
    _exit(99);
  }
  EXPECT(child > 0);
  return ended(child);
}

static void *exec_here(void *self) {
  char *arguments[] = {"oneself", "from", "a thread", NULL};
  execv(self, arguments);
  _exit(99);
}

int main(int argc, char **argv) {
  if (argc > 1) return again(argc, argv);
  char *self = realpath("/proc/self/exe", NULL);
  for (int kind = 0; kind < 4; kind++) EXPECT_EQ(run(kind, self), 5);

  char *arguments[] = {"x", NULL};
  EXPECT_ERR(execve("absent", arguments, environ), ENOENT);
  EXPECT_ERR(execve("./absent", arguments, environ), ENOENT);
  EXPECT_ERR(execve(".", arguments, environ), EACCES);
  close(file_of("plain", "just text\n"));
  EXPECT_ERR(execve("plain", arguments, environ), EACCES);
  OK(chmod("plain", 0755));
  EXPECT_ERR(execve("plain", arguments, environ), ENOEXEC);
  close(file_of("script", "#!/absent/interpreter\n"));
  OK(chmod("script", 0755));
  EXPECT_ERR(execve("script", arguments, environ), ENOENT);
  EXPECT_ERR(syscall(SYS_execve, 8, arguments, environ), EFAULT);
  EXPECT_ERR(syscall(SYS_execve, self, 8, environ), EFAULT);
  EXPECT_ERR(syscall(SYS_execveat, 1000, "x", arguments, environ, 0), EBADF);
  EXPECT_ERR(execvp("absent-program-of-no-name", arguments), ENOENT);
  fact("failures come back");

  /* vfork: the child's stores are the parent's, the parent waits. */
  volatile int shared = 1;
  pid_t child = vfork();
  if (child == 0) {
    shared = 7;
    _exit(3);
  }
  EXPECT_EQ(shared, 7);
  EXPECT_EQ(ended(child), 3);

  /* From a thread that is not the first: the new program has the process's id. */
  child = fork();
  if (child == 0) {
    pthread_t thread;
    pthread_create(&thread, NULL, exec_here, self);
    for (;;) pause();
  }
  EXPECT_EQ(ended(child), 3);
  return finish();
}
