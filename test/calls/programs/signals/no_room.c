/* A handler whose frame has no room to stand: the process ends by SIGSEGV, unless the handler of
 * that has a stack of its own; and whoever waits goes on. */
#include "check.h"

static char stack[64 * 1024];
static void handler(int number) { fact("handler of %d", number), _exit(7); }

/* Runs with a stack that is none, and faults. */
static int run(int with_stack) {
  pid_t child = (pid_t)OK(fork());
  if (child == 0) {
    const stack_t other = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {.sa_handler = handler};
    EXPECT_EQ(sigaction(SIGILL, &action, NULL), 0);
    if (with_stack) EXPECT_EQ(sigaltstack(&other, NULL), 0);
    action.sa_flags = SA_ONSTACK;
    EXPECT_EQ(sigaction(SIGSEGV, &action, NULL), 0);
    __asm__ volatile("mov $4096, %rsp; ud2");
  }
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return status;
}

static void *end(void *page) {
  EXPECT_EQ(syscall(SYS_set_tid_address, page), gettid());
  return NULL;
}

int main(void) {
  fact("without a stack %x", run(0));
  fact("with one %x", run(1));
  /* a thread whose word is gone when it ends, told of by its own end only */
  void *page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  EXPECT(page != MAP_FAILED);
  EXPECT_EQ(munmap(page, 4096), 0);
  pthread_t thread;
  EXPECT_EQ(pthread_create(&thread, NULL, end, page), 0);
  int count = 0;
  for (int i = 0; i < 20000 && count != 3; i++) { /* dot, dot dot, this one */
    DIR *tasks = opendir("/proc/self/task");
    for (count = 0; readdir(tasks);) count++;
    closedir(tasks);
    sched_yield();
  }
  fact("%d threads", count - 2);
  return check_failures != 0;
}
