/* wait4 and waitid with every option; what of a child's end is told, once and no more. */
#include "check.h"

static int go[2];

static pid_t child_exits(int status) {
  pid_t child = fork();
  if (child == 0) _exit(status);
  EXPECT(child > 0);
  return child;
}

/* Lives until it is told to go. */
static pid_t child_waits(int status) {
  pid_t child = fork();
  char byte;
  if (child == 0) _exit(read(go[0], &byte, 1) == 1 ? status : 99);
  EXPECT(child > 0);
  return child;
}

static void let_go(void) { EXPECT_EQ(write(go[1], "g", 1), 1); }

int main(void) {
  EXPECT_ERR(waitpid(-1, NULL, 0), ECHILD);
  int *status = (void *)guarded(sizeof *status);
  struct rusage *usage = (void *)guarded(sizeof *usage);
  OK(pipe(go));
  pid_t child = child_waits(200);
  EXPECT_EQ(wait4(child, status, WNOHANG, usage), 0);
  EXPECT(untouched((unsigned char *)status, 0) || *status == 0);
  let_go();
  EXPECT_EQ(wait4(child, status, 0, usage), child);
  EXPECT(untouched((unsigned char *)status, sizeof *status));
  EXPECT(untouched((unsigned char *)usage, sizeof *usage));
  EXPECT_EQ(WEXITSTATUS(*status), 200);
  EXPECT_ERR(wait4(child, status, 0, NULL), ECHILD);

  siginfo_t *info = (void *)guarded(sizeof *info);
  child = child_exits(7);
  EXPECT_EQ(waitid(P_PID, (id_t)child, info, WEXITED | WNOWAIT), 0);
  EXPECT(untouched((unsigned char *)info, sizeof *info));
  EXPECT(info->si_pid == child && info->si_status == 7 && info->si_code == CLD_EXITED);
  EXPECT_EQ(waitid(P_ALL, 0, info, WEXITED), 0);
  EXPECT_EQ(info->si_pid, child);
  EXPECT_ERR(waitid(P_ALL, 0, info, WEXITED), ECHILD);
  EXPECT_ERR(waitid(P_ALL, 0, info, 0), EINVAL);
  EXPECT_ERR(waitid(99, 0, info, WEXITED), EINVAL);
  fact("exits told");

  child = child_waits(3);
  memset(info, 0, sizeof *info);
  EXPECT_EQ(waitid(P_PID, (id_t)child, info, WEXITED | WNOHANG), 0);
  EXPECT_EQ(info->si_pid, 0);
  EXPECT_EQ(kill(child, SIGSTOP), 0);
  EXPECT_EQ(RAW(SYS_waitid, P_PID, child, info, WSTOPPED, usage), 0);
  EXPECT(info->si_code == CLD_STOPPED && info->si_status == SIGSTOP);
  EXPECT_EQ(kill(child, SIGCONT), 0);
  EXPECT_EQ(waitid(P_PID, (id_t)child, info, WCONTINUED), 0);
  EXPECT_EQ(info->si_code, CLD_CONTINUED);
  EXPECT_EQ(kill(child, SIGTERM), 0);
  EXPECT_EQ(waitid(P_PID, (id_t)child, info, WEXITED), 0);
  EXPECT(info->si_code == CLD_KILLED && info->si_status == SIGTERM);
  fact("stops told");

  /* By group. */
  pid_t first = child_waits(1);
  EXPECT_EQ(setpgid(first, first), 0);
  let_go();
  pid_t second = child_exits(2);
  EXPECT_EQ(waitpid(-first, status, 0), first);
  EXPECT_EQ(WEXITSTATUS(*status), 1);
  EXPECT_ERR(waitpid(-first, status, 0), ECHILD);
  EXPECT_EQ(waitpid(0, status, 0), second);

  child = child_exits(4);
  EXPECT_EQ(RAW(SYS_wait4, child, 0, 0, 0), child);
  EXPECT_ERR(syscall(SYS_wait4, -1, 0, 0x7777, 0), EINVAL);
  child = child_exits(5);
  EXPECT_EQ(waitpid(child, status, __WALL), child);

  /* Waited for by one thread, ended while the other works. */
  child = child_waits(6);
  int polls = 0;
  while (waitpid(child, status, WNOHANG) == 0) {
    if (polls++ == 5) let_go();
    sched_yield();
  }
  EXPECT_EQ(WEXITSTATUS(*status), 6);
  note("asked %d times", polls);
  return finish();
}
