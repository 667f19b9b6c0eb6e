/* Who a process is: ids agree with each other, in the process, its thread and its child. */
#include "check.h"

static void *in_thread(void *unused) {
  (void)unused;
  EXPECT(RAW(SYS_gettid) != RAW(SYS_getpid));
  note("thread %ld of %ld", RAW(SYS_gettid), RAW(SYS_getpid));
  return NULL;
}

int main(void) {
  pid_t pid = getpid();
  EXPECT(pid > 0);
  EXPECT_EQ(RAW(SYS_getpid), pid);
  EXPECT_EQ(gettid(), pid);
  EXPECT_EQ(RAW(SYS_gettid), pid);
  EXPECT_EQ(RAW(SYS_getppid), getppid());
  EXPECT_EQ(getpgid(0), getpgrp());
  EXPECT_EQ(RAW(SYS_getpgrp), getpgid(pid));
  EXPECT(getsid(0) >= 0);
  EXPECT_ERR(getpgid(-5), ESRCH);
  EXPECT_ERR(getsid(0x3ffffff), ESRCH);
  EXPECT_EQ(kill(pid, 0), 0);
  note("pid %d parent %d group %d session %d", pid, getppid(), getpgrp(), getsid(0));

  pthread_t thread;
  EXPECT_EQ(pthread_create(&thread, NULL, in_thread, NULL), 0);
  EXPECT_EQ(pthread_join(thread, NULL), 0);

  pid_t child = fork();
  if (child == 0) {
    EXPECT(getpid() != pid);
    EXPECT_EQ(getppid(), pid);
    EXPECT_EQ(gettid(), getpid());
    note("child %d", getpid());
    _exit(check_failures ? 1 : 7);
  }
  EXPECT(child > 0 && child != pid);
  EXPECT_EQ(ended(child), 7);
  fact("child ended with 7");

  uint32_t cpu = 9999, node = 9999;
  EXPECT_EQ(RAW(SYS_getcpu, &cpu, &node, 0), 0);
  EXPECT(cpu < 4096);
  EXPECT(sched_getcpu() >= 0);
  EXPECT_EQ(RAW(SYS_getcpu, 0, 0, 0), 0);
  note("cpu %u node %u", cpu, node);

  int word = 5;
  EXPECT_EQ(RAW(SYS_set_tid_address, &word), pid);
  EXPECT_EQ(word, 5);
  return finish();
}
