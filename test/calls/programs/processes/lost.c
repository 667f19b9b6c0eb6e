/* Children that are killed and that nobody waits for: one that sleeps, one that computes, one whose
 * end is ignored, and a grandchild that has become init's. A copy must end them, too. */
#include "check.h"
#include <sys/prctl.h>

static int is_gone(pid_t pid) {
  char path[64], text[256] = "";
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  int fd = open(path, O_RDONLY);
  if (fd < 0) return 1;
  ssize_t n = read(fd, text, sizeof text - 1);
  close(fd);
  const char *state = n > 0 ? strrchr(text, ')') : NULL;
  return !state || state[2] == 'Z' || state[2] == 'X';
}

static void loses(const char *how, pid_t pid) {
  struct timespec nap = {0, 10000000};
  EXPECT_EQ(kill(pid, SIGKILL), 0);
  for (int i = 0; i < 500 && !is_gone(pid); i++) nanosleep(&nap, NULL);
  EXPECT(is_gone(pid));
  fact("%s: gone", how);
}

static pid_t child(int computes) {
  static volatile unsigned long sum;
  pid_t pid = fork();
  if (pid) return pid;
  for (;;) {
    sum = sum * 3 + 1;
    if (!computes) usleep(2000);
  }
}

static pid_t grandchild(void) {
  int ends[2];
  pid_t pid = -1;
  if (pipe(ends)) return -1;
  pid_t parent = fork();
  if (parent == 0) {
    pid = child(0);
    _exit(write(ends[1], &pid, sizeof pid) != sizeof pid);
  }
  EXPECT_EQ(read(ends[0], &pid, sizeof pid), sizeof pid);
  EXPECT_EQ(ended(parent), 0);
  close(ends[0]), close(ends[1]);
  return pid;
}

int main(void) {
  struct timespec nap = {0, 5000000};
  pid_t sleeps = child(0), computes = child(1), others = grandchild();
  nanosleep(&nap, NULL);
  loses("one that sleeps", sleeps);
  loses("one that computes", computes);
  loses("a grandchild", others);
  signal(SIGCHLD, SIG_IGN);
  loses("one whose end is ignored", child(0));
  for (int i = 0; i < 60; i++) nanosleep(&nap, NULL); /* calls while they are found */
  EXPECT_EQ(waitpid(sleeps, NULL, 0), sleeps);
  return finish();
}
