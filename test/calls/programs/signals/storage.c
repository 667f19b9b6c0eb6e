/* Storing is not ended by signals: fsync and its kin never say EINTR, however many alarms come. */
#include "check.h"

static volatile sig_atomic_t alarms;
static void on_alarm(int number) {
  (void)number;
  alarms++;
}

int main(void) {
  int fd = file_of("data", "some bytes");
  char *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  EXPECT(map != MAP_FAILED);
  struct sigaction action = {.sa_handler = on_alarm};
  EXPECT_EQ(sigaction(SIGALRM, &action, NULL), 0);
  struct itimerval timer = {.it_value = {.tv_usec = 300}, .it_interval = {.tv_usec = 300}};
  EXPECT_EQ(setitimer(ITIMER_REAL, &timer, NULL), 0);
  volatile unsigned work = 0;
  for (int i = 0; i < 20000 && !check_failures && alarms < 300; i++) {
    for (int j = 0; j < 20000; j++) work += (unsigned)j; /* time for a signal before the call */
    map[i % 100] = (char)i;
    EXPECT_EQ(fdatasync(fd), 0);
    EXPECT_EQ(fsync(fd), 0);
    EXPECT_EQ(msync(map, 4096, MS_SYNC), 0);
    EXPECT_EQ(sync_file_range(fd, 0, 10, SYNC_FILE_RANGE_WRITE), 0);
    EXPECT_EQ(fallocate(fd, 0, 0, 4096), 0);
    EXPECT_EQ(sched_yield(), 0);
  }
  EXPECT(alarms > 0);
  fact("stored");
  note("%d alarms", (int)alarms);
  return finish();
}
