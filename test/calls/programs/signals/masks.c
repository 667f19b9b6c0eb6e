/* Masks and pending signals, of process and thread, through fork and exec. */
#include "check.h"

static volatile sig_atomic_t taken;
static volatile pid_t taker;
static void handler(int number) { (void)number, taken++, taker = gettid(); }

static sigset_t only(int number) {
  sigset_t set;
  sigemptyset(&set);
  if (number) sigaddset(&set, number);
  return set;
}

static void *unblocked(void *ready) {
  sigset_t set = only(SIGUSR1);
  EXPECT_EQ(pthread_sigmask(SIG_UNBLOCK, &set, NULL), 0);
  __atomic_store_n((int *)ready, gettid(), __ATOMIC_SEQ_CST);
  while (!taken) usleep(200);
  return NULL;
}

int main(void) {
  struct sigaction action = {.sa_handler = handler};
  EXPECT_EQ(sigaction(SIGUSR1, &action, NULL), 0);
  sigset_t block = only(SIGUSR1), *old = (void *)guarded(sizeof *old), none = only(0), pending;
  EXPECT_EQ(RAW(SYS_rt_sigprocmask, SIG_BLOCK, &block, old, 8), 0);
  EXPECT(untouched((unsigned char *)old, 8)); /* the kernel's set is eight bytes */
  EXPECT_EQ(raise(SIGUSR1), 0);
  EXPECT_EQ(kill(getpid(), SIGUSR1), 0);
  EXPECT_EQ(taken, 0);
  EXPECT_EQ(sigpending(&pending), 0);
  EXPECT_EQ(sigismember(&pending, SIGUSR1), 1);
  unsigned char *bytes = guarded(16);
  EXPECT_EQ(RAW(SYS_rt_sigpending, bytes, 8), 0);
  EXPECT(untouched(bytes, 8));
  EXPECT_EQ(sigprocmask(SIG_UNBLOCK, &block, NULL), 0);
  EXPECT_EQ(taken, 2); /* one to the thread, one to the process */
  EXPECT_EQ(sigpending(&pending), 0);
  EXPECT_EQ(sigismember(&pending, SIGUSR1), 0);

  EXPECT_EQ(sigprocmask(SIG_BLOCK, &block, NULL), 0);
  EXPECT_EQ(raise(SIGUSR1), 0);
  EXPECT_ERR(sigsuspend(&none), EINTR);
  EXPECT_EQ(taken, 3);
  sigset_t now;
  EXPECT_EQ(sigprocmask(SIG_BLOCK, NULL, &now), 0);
  EXPECT_EQ(sigismember(&now, SIGUSR1), 1); /* the old mask is back */
  fact("blocked, pending, suspended");

  /* A pending signal is not inherited, the mask is. */
  EXPECT_EQ(raise(SIGUSR1), 0);
  pid_t child = fork();
  if (child == 0) {
    EXPECT_EQ(sigpending(&pending), 0);
    EXPECT_EQ(sigismember(&pending, SIGUSR1), 0);
    EXPECT_EQ(sigprocmask(SIG_BLOCK, NULL, &now), 0);
    EXPECT_EQ(sigismember(&now, SIGUSR1), 1);
    _exit(check_failures ? 1 : 0);
  }
  EXPECT_EQ(ended(child), 0);
  child = fork();
  if (child == 0) {
    execl("/bin/sh", "sh", "-c", "kill -USR1 $$; exit 5", NULL);
    _exit(99);
  }
  EXPECT_EQ(ended(child), 5); /* blocked over exec: it stays pending there for ever */
  EXPECT_ERR(sigsuspend(&none), EINTR);

  /* To the process: the thread that does not block it takes it. */
  taken = 0;
  int tid = 0;
  pthread_t thread;
  EXPECT_EQ(pthread_create(&thread, NULL, unblocked, &tid), 0);
  while (!__atomic_load_n(&tid, __ATOMIC_SEQ_CST)) sched_yield();
  EXPECT_EQ(kill(getpid(), SIGUSR1), 0);
  EXPECT_EQ(pthread_join(thread, NULL), 0);
  EXPECT_EQ(taken, 1);
  EXPECT_EQ(taker, tid);
  fact("a thread took it");

  sigset_t all;
  sigfillset(&all);
  EXPECT_EQ(sigprocmask(SIG_SETMASK, &all, NULL), 0);
  EXPECT_EQ(sigprocmask(SIG_SETMASK, NULL, &now), 0);
  EXPECT(sigismember(&now, SIGTERM) == 1);
  EXPECT(sigismember(&now, SIGKILL) == 0 && sigismember(&now, SIGSTOP) == 0);
  EXPECT_EQ(sigismember(&now, SIGSYS), 1);
  EXPECT_ERR(sigprocmask(9, &all, NULL), EINVAL);
  EXPECT_ERR(syscall(SYS_rt_sigprocmask, 0, 8, 0, 8), EFAULT);
  EXPECT_ERR(syscall(SYS_rt_sigprocmask, 0, 0, 0, 4), EINVAL);
  EXPECT_ERR(syscall(SYS_rt_sigpending, bytes, 999), EINVAL);
  EXPECT_ERR(syscall(SYS_rt_sigsuspend, bytes, 4), EINVAL);
  return finish();
}
