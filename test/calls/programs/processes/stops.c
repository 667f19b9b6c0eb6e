/* Stopped and gone on: by another, by itself, by its group, as wait and /proc tell it. Who is
 * stopped holds up nobody else. */
#include "check.h"

static char state_of(pid_t pid) {
  char path[64], text[256] = "";
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  int fd = open(path, O_RDONLY);
  if (fd < 0) return '-';
  ssize_t n = read(fd, text, sizeof text - 1);
  close(fd);
  const char *at = n > 0 ? strrchr(text, ')') : NULL;
  return at ? at[2] : '?';
}

static void waits_for(pid_t pid, int flags, const char *what) {
  int status = 0;
  EXPECT_EQ(waitpid(pid, &status, flags), pid);
  if (WIFSTOPPED(status)) fact("%s: stopped by %d, %c", what, WSTOPSIG(status), state_of(pid));
  if (WIFCONTINUED(status)) fact("%s: goes on", what);
  if (WIFEXITED(status)) fact("%s: status %d", what, WEXITSTATUS(status));
  if (WIFSIGNALED(status)) fact("%s: ended by %d", what, WTERMSIG(status));
}

static void by_another(int computes) {
  pid_t pid = fork();
  if (pid == 0)
    for (volatile unsigned long i = 0;; i++)
      if (!computes) usleep(1000);
  usleep(3000);
  EXPECT_EQ(kill(pid, SIGSTOP), 0);
  waits_for(pid, WUNTRACED, "by another");
  for (int i = 0; i < 20; i++) usleep(100); /* everybody else goes on */
  siginfo_t info = {0};
  EXPECT_EQ(kill(pid, SIGCONT), 0);
  EXPECT_EQ(waitid(P_PID, (id_t)pid, &info, WCONTINUED), 0);
  fact("code %d, status %d", info.si_code, info.si_status);
  EXPECT_EQ(kill(pid, SIGTERM), 0);
  waits_for(pid, 0, "by another");
}

static void by_itself(int signal) {
  pid_t pid = fork();
  if (pid == 0) {
    EXPECT_EQ(setpgid(0, 0), 0); /* not an orphaned group: its parent is in the same session */
    EXPECT_EQ(raise(signal), 0);
    EXPECT_EQ(kill(0, signal), 0);
    _exit(7);
  }
  for (int i = 0; i < 2; i++) {
    waits_for(pid, WUNTRACED, "by itself");
    EXPECT_EQ(kill(pid, SIGCONT), 0);
    waits_for(pid, WCONTINUED, "by itself");
  }
  waits_for(pid, WUNTRACED, "by itself");
}

/* The number of any thread stands for its process. */
static void *stop_all(void *unused) {
  EXPECT_EQ(kill(gettid(), SIGSTOP), 0);
  return unused;
}
static void by_its_thread(void) {
  pid_t pid = fork();
  if (pid == 0) {
    pthread_t thread;
    EXPECT_EQ(pthread_create(&thread, NULL, stop_all, NULL), 0);
    EXPECT_EQ(pthread_join(thread, NULL), 0);
    _exit(8);
  }
  waits_for(pid, WUNTRACED, "by its thread");
  EXPECT_EQ(kill(pid, SIGCONT), 0);
  waits_for(pid, 0, "by its thread");
}

static void told_of_it(int signal) { (void)signal; }

static void by_a_stopped_childs_signal(void) {
  struct sigaction told = {.sa_handler = told_of_it, .sa_flags = SA_RESTART};
  sigaction(SIGCHLD, &told, NULL);
  by_itself(SIGSTOP);
  told.sa_flags |= SA_NOCLDSTOP;
  sigaction(SIGCHLD, &told, NULL);
  by_itself(SIGSTOP);
}

int main(void) {
  by_another(0);
  by_its_thread();
  by_another(1);
  by_itself(SIGSTOP);
  by_itself(SIGTSTP);
  by_itself(SIGTTIN);
  by_a_stopped_childs_signal();
  return finish();
}
