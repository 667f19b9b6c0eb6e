/* select and pselect: sets written back whole, the remaining time, signals let in. */
#include "check.h"
#include <sys/select.h>

static volatile sig_atomic_t alarms;
static void on_alarm(int number) { (void)number, alarms++; }

int main(void) {
  int a[2], b[2];
  OK(pipe(a));
  OK(pipe(b));
  int limit = b[1] + 1;
  fd_set read_set, write_set;
  FD_ZERO(&read_set);
  FD_ZERO(&write_set);
  FD_SET(a[0], &read_set);
  FD_SET(b[0], &read_set);
  FD_SET(a[1], &write_set);
  struct timeval time = {.tv_sec = 20};
  EXPECT_EQ(select(limit, &read_set, &write_set, NULL, &time), 1);
  EXPECT(!FD_ISSET(a[0], &read_set) && FD_ISSET(a[1], &write_set));
  EXPECT(time.tv_sec == 19 || time.tv_sec == 20); /* what is left is written back */
  note("left %ld.%06ld", (long)time.tv_sec, (long)time.tv_usec);

  FD_SET(a[0], &read_set);
  time = (struct timeval){.tv_usec = 4000};
  EXPECT_EQ(select(limit, &read_set, NULL, NULL, &time), 0);
  EXPECT_EQ(time.tv_sec * 1000000 + time.tv_usec, 0);
  EXPECT(!FD_ISSET(a[0], &read_set));
  EXPECT_EQ(write(b[1], "x", 1), 1);
  FD_SET(a[0], &read_set);
  FD_SET(b[0], &read_set);
  EXPECT_EQ(select(limit, &read_set, NULL, NULL, NULL), 1);
  EXPECT(FD_ISSET(b[0], &read_set));
  time = (struct timeval){.tv_usec = 1000};
  EXPECT_EQ(select(0, NULL, NULL, NULL, &time), 0);
  fact("select tells what is ready");

  /* Only the words that hold numbers below the limit are written. */
  unsigned char *words = guarded(32);
  memset(words, 0, 8);
  FD_SET(b[0], (fd_set *)words);
  EXPECT_EQ(RAW(SYS_select, limit, words, 0, 0, 0), 1);
  EXPECT(untouched(words, 8));

  FD_ZERO(&read_set);
  FD_SET(60, &read_set);
  EXPECT_ERR(select(61, &read_set, NULL, NULL, NULL), EBADF);
  EXPECT_ERR(select(-1, NULL, NULL, NULL, NULL), EINVAL);
  time = (struct timeval){.tv_sec = -1};
  EXPECT_ERR(select(0, NULL, NULL, NULL, &time), EINVAL);
  EXPECT_ERR(syscall(SYS_select, 10, 8, 0, 0, 0), EFAULT);

  struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
  EXPECT_EQ(sigaction(SIGALRM, &action, NULL), 0);
  struct itimerval timer = {{.tv_usec = 3000}, {.tv_usec = 3000}}, never = {{0, 0}, {0, 0}};
  FD_ZERO(&read_set);
  FD_SET(a[0], &read_set);
  EXPECT_EQ(setitimer(ITIMER_REAL, &timer, NULL), 0);
  EXPECT_ERR(select(limit, &read_set, NULL, NULL, NULL), EINTR); /* never restarted */
  EXPECT(FD_ISSET(a[0], &read_set)); /* sets stay as they were */
  EXPECT_EQ(setitimer(ITIMER_REAL, &never, NULL), 0);
  EXPECT(alarms >= 1);
  alarms = 1;
  timer.it_interval.tv_usec = 0;

  sigset_t block, empty;
  sigemptyset(&empty);
  sigemptyset(&block);
  sigaddset(&block, SIGALRM);
  EXPECT_EQ(sigprocmask(SIG_BLOCK, &block, NULL), 0);
  EXPECT_EQ(setitimer(ITIMER_REAL, &timer, NULL), 0);
  EXPECT_ERR(pselect(limit, &read_set, NULL, NULL, NULL, &empty), EINTR);
  EXPECT_EQ(alarms, 2);
  struct timespec precise = {.tv_nsec = 2000000};
  EXPECT_EQ(pselect(limit, &read_set, NULL, NULL, &precise, &empty), 0);
  EXPECT_EQ(precise.tv_nsec, 2000000);
  struct { void *mask; size_t size; } sixth = {NULL, 8};
  FD_SET(b[0], &read_set);
  precise = (struct timespec){.tv_sec = 9};
  EXPECT_EQ(RAW(SYS_pselect6, limit, &read_set, 0, 0, &precise, &sixth), 1);
  EXPECT(precise.tv_sec == 8 || precise.tv_nsec == 0);
  fact("alarms %d", (int)alarms);
  return finish();
}
