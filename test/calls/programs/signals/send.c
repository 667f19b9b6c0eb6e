/* kill, tkill, tgkill, sigqueue and their thread forms: to oneself, to a thread, to a child. */
#include "check.h"

static volatile sig_atomic_t got[65], values;
static __thread volatile sig_atomic_t mine;

static void handler(int number, siginfo_t *info, void *context) {
  (void)context;
  got[number]++;
  mine++;
  if (info->si_code == SI_QUEUE) values += info->si_value.sival_int;
}

static volatile int running;
static void *target(void *tid) {
  __atomic_store_n((int *)tid, gettid(), __ATOMIC_SEQ_CST);
  while (mine < 4) usleep(200);
  __atomic_store_n(&running, (int)mine, __ATOMIC_SEQ_CST);
  return NULL;
}

int main(void) {
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART};
  int numbers[] = {SIGUSR1, SIGUSR2, SIGRTMIN, SIGTERM, SIGHUP, SIGWINCH};
  for (size_t i = 0; i < LENGTH(numbers); i++) EXPECT_EQ(sigaction(numbers[i], &action, NULL), 0);
  pid_t self = getpid();
  EXPECT_EQ(kill(self, SIGTERM), 0);
  EXPECT_EQ(RAW(SYS_tkill, gettid(), SIGHUP), 0);
  EXPECT_EQ(tgkill(self, gettid(), SIGWINCH), 0);
  siginfo_t info = {.si_code = SI_QUEUE};
  info.si_value.sival_int = 1000;
  EXPECT_EQ(RAW(SYS_rt_sigqueueinfo, self, SIGRTMIN, &info), 0);
  EXPECT_EQ(RAW(SYS_rt_tgsigqueueinfo, self, gettid(), SIGRTMIN, &info), 0);
  EXPECT(got[SIGTERM] == 1 && got[SIGHUP] == 1 && got[SIGWINCH] == 1 && got[SIGRTMIN] == 2);
  EXPECT_EQ(values, 2000);

  int tid = 0;
  pthread_t thread;
  EXPECT_EQ(pthread_create(&thread, NULL, target, &tid), 0);
  while (!__atomic_load_n(&tid, __ATOMIC_SEQ_CST)) sched_yield();
  for (int i = 0; i < 2; i++) {
    EXPECT_EQ(pthread_kill(thread, SIGRTMIN), 0);
    EXPECT_EQ(pthread_sigqueue(thread, SIGRTMIN, (union sigval){.sival_int = 10}), 0);
  }
  EXPECT_EQ(pthread_kill(thread, 0), 0);
  EXPECT_EQ(pthread_join(thread, NULL), 0);
  EXPECT_EQ(running, 4);
  EXPECT_EQ(values, 2020);
  fact("to a thread: %d", running);

  EXPECT_ERR(kill(self, 65), EINVAL);
  EXPECT_ERR(kill(0x3ffffff, 0), ESRCH);
  EXPECT_ERR(syscall(SYS_tkill, -1, 0), EINVAL);
  EXPECT_ERR(syscall(SYS_tkill, 0x3ffffff, 0), ESRCH);
  EXPECT_ERR(tgkill(self, 0x3ffffff, 0), ESRCH);
  EXPECT_ERR(tgkill(self, -1, 0), EINVAL);
  EXPECT_ERR(syscall(SYS_rt_sigqueueinfo, self, SIGUSR1, 8), EFAULT);

  /* A child that is stopped, goes on, and is asked to end. */
  int ends[2];
  OK(pipe(ends));
  pid_t child = fork();
  if (child == 0) {
    EXPECT_EQ(write(ends[1], "r", 1), 1);
    for (;;) pause();
  }
  char byte;
  EXPECT_EQ(read(ends[0], &byte, 1), 1);
  int status;
  EXPECT_EQ(kill(child, SIGSTOP), 0);
  EXPECT_EQ(waitpid(child, &status, WUNTRACED), child);
  EXPECT(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
  EXPECT_EQ(kill(child, SIGCONT), 0);
  EXPECT_EQ(waitpid(child, &status, WCONTINUED), child);
  EXPECT(WIFCONTINUED(status));
  EXPECT_EQ(kill(child, SIGINT), 0);
  EXPECT_EQ(ended(child), 1000 + SIGINT);
  fact("to a child");
  return finish();
}
