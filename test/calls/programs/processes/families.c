/* Orphans, a daemon by double fork, groups and sessions, a sub-reaper. */
#include "check.h"
#include <sys/prctl.h>

static int report[2];

static void tell(int value) {
  if (write(report[1], &value, sizeof value) != sizeof value) _exit(98);
}

static int told(void) {
  int value = -1;
  EXPECT_EQ(read(report[0], &value, sizeof value), sizeof value);
  return value;
}

static void orphan(void) {
  pid_t middle = fork();
  if (middle == 0) {
    pid_t mother = getpid();
    if (fork() == 0) {
      while (getppid() == mother) usleep(200);
      tell(getppid());
      _exit(0);
    }
    _exit(0);
  }
  EXPECT_EQ(ended(middle), 0);
  int parent = told();
  EXPECT(parent != middle && parent != getpid());
  note("an orphan's parent is %d", parent);
}

static void daemon_like(void) {
  pid_t first = fork();
  if (first == 0) {
    EXPECT(setsid() == getpid());
    EXPECT_ERR(setsid(), EPERM);
    if (fork() > 0) _exit(check_failures ? 1 : 0);
    umask(0);
    if (chdir("/") != 0) _exit(97);
    int null = open("/dev/null", O_RDWR);
    dup2(null, 0), dup2(null, 2);
    tell(getsid(0) != getpid() && getpgrp() == getsid(0) ? 1 : 0);
    _exit(0);
  }
  EXPECT_EQ(ended(first), 0);
  EXPECT_EQ(told(), 1);
  fact("a daemon told");
}

int main(void) {
  OK(pipe(report));
  orphan();
  daemon_like();

  EXPECT_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  pid_t middle = fork();
  if (middle == 0) {
    pid_t mother = getpid(), grandchild = fork();
    if (grandchild == 0) {
      while (getppid() == mother) usleep(200);
      _exit(getppid() > 0 ? 21 : 22);
    }
    _exit(0);
  }
  EXPECT_EQ(ended(middle), 0);
  int status;
  EXPECT(waitpid(-1, &status, 0) > 0); /* the grandchild came to us */
  EXPECT_EQ(WEXITSTATUS(status), 21);
  EXPECT_EQ(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
  fact("a sub-reaper reaps");

  pid_t child = fork();
  if (child == 0) {
    EXPECT_EQ(setpgid(0, 0), 0);
    EXPECT_EQ(getpgrp(), getpid());
    pid_t grandchild = fork();
    if (grandchild == 0) for (;;) pause();
    EXPECT_EQ(getpgid(grandchild), getpid());
    signal(SIGTERM, SIG_IGN);
    EXPECT_EQ(kill(0, SIGTERM), 0); /* the group: the grandchild alone does not ignore it */
    EXPECT_EQ(ended(grandchild), 1000 + SIGTERM);
    EXPECT_ERR(setsid(), EPERM);
    _exit(check_failures ? 1 : 0);
  }
  EXPECT_EQ(ended(child), 0);
  EXPECT_ERR(setpgid(0x3ffffff, 0), ESRCH);
  EXPECT_ERR(setpgid(0, -5), EINVAL);
  child = fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    pid_t below = fork();
    if (below == 0) {
      if (setsid() < 0) _exit(1);
      long rc = syscall(SYS_vhangup); /* there is no terminal to hang up */
      _exit(rc == 0 || errno == EPERM || errno == ENOSYS ? 0 : 2);
    }
    _exit(ended(below));
  }
  EXPECT_EQ(ended(child), 0);
  return finish();
}
