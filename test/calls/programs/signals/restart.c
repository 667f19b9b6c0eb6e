/* SA_RESTART against EINTR: on read, write, poll, accept, futex, wait, flock. */
#include "check.h"
#include <linux/futex.h>
#include <sys/un.h>

static volatile sig_atomic_t alarms;
static int ends[2];
static volatile int feed;

/* With `feed` set an alarm after the first makes the blocked call succeed: that it lasted until
 * then shows that it was restarted. */
static void on_alarm(int number) {
  (void)number;
  alarms++;
  if (!feed || alarms < 2) return;
  EXPECT_EQ(write(feed, "x", 1), 1);
  feed = 0;
}

static void arm(int flags, int feeding) {
  struct sigaction action = {.sa_handler = on_alarm, .sa_flags = flags};
  EXPECT_EQ(sigaction(SIGALRM, &action, NULL), 0);
  alarms = 0, feed = feeding;
  struct itimerval timer = {.it_value = {.tv_usec = 2000}, .it_interval = {.tv_usec = 2000}};
  EXPECT_EQ(setitimer(ITIMER_REAL, &timer, NULL), 0);
}

static void disarm(void) {
  struct itimerval timer = {.it_value = {0, 0}};
  EXPECT_EQ(setitimer(ITIMER_REAL, &timer, NULL), 0);
}

int main(void) {
  char byte, block[70000];
  OK(pipe(ends));
  arm(0, 0);
  EXPECT_ERR(read(ends[0], &byte, 1), EINTR);
  arm(SA_RESTART, ends[1]);
  EXPECT_EQ(read(ends[0], &byte, 1), 1);
  EXPECT(alarms >= 2);
  fact("read restarts");

  arm(0, 0);
  EXPECT_EQ(write(ends[1], block, sizeof block), 65536); /* fills the pipe, then waits */
  EXPECT_ERR(write(ends[1], block, 10), EINTR);
  disarm();
  EXPECT_EQ(read(ends[0], block, 65536), 65536);

  int pair[2];
  OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  arm(0, 0);
  EXPECT_ERR(recv(pair[0], &byte, 1, 0), EINTR);
  arm(SA_RESTART, pair[1]);
  EXPECT_EQ(recv(pair[0], &byte, 1, 0), 1);
  arm(0, 0);
  EXPECT_ERR(recv(pair[0], block, 5, MSG_WAITALL), EINTR);

  struct pollfd set = {.fd = ends[0], .events = POLLIN};
  arm(SA_RESTART, 0);
  EXPECT_ERR(poll(&set, 1, 10000), EINTR); /* never restarted */
  int server = (int)OK(socket(AF_UNIX, SOCK_STREAM, 0));
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "s"};
  EXPECT_EQ(bind(server, (struct sockaddr *)&address, sizeof address), 0);
  EXPECT_EQ(listen(server, 1), 0);
  arm(0, 0);
  EXPECT_ERR(accept(server, NULL, NULL), EINTR);

  uint32_t word = 0;
  arm(0, 0);
  EXPECT_ERR(syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL, NULL, 0), EINTR);
  struct timespec time = {.tv_nsec = 500000000};
  arm(SA_RESTART, 0);
  /* With a time-out a handler ends the wait even so. */
  EXPECT_ERR(syscall(SYS_futex, &word, FUTEX_WAIT, 0, &time, NULL, 0), EINTR);
  disarm();

  int go[2];
  OK(pipe(go));
  pid_t child = fork();
  if (child == 0) _exit(read(go[0], &byte, 1) == 1 ? 3 : 4);
  int status;
  arm(0, 0);
  EXPECT_ERR(waitpid(child, &status, 0), EINTR);
  arm(SA_RESTART, go[1]);
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 3);
  EXPECT(alarms >= 2);
  arm(SA_RESTART, 0);
  EXPECT_ERR(pause(), EINTR);
  disarm();
  /* Nothing to restart. */
  EXPECT_REFUSABLE(syscall(SYS_restart_syscall), EINTR, ENOSYS);
  fact("EINTR where it belongs");
  return finish();
}
