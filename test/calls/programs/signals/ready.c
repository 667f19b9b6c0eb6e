/* A call that has nothing to wait for is not ended by a signal that came before it: reading what
 * is there, writing where there is room, and asking what is ready never say EINTR. */
#include "check.h"
#include <poll.h>
#include <sys/epoll.h>

static volatile sig_atomic_t alarms;
static void on_alarm(int number) {
  (void)number;
  alarms++;
}

int main(void) {
  int pipes[2], pair[2], epoll = epoll_create1(0);
  char bytes[16] = "0123456789";
  EXPECT_EQ(pipe(pipes), 0);
  EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  struct epoll_event event = {.events = EPOLLIN};
  EXPECT_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, pair[0], &event), 0);
  struct pollfd ready = {pair[0], POLLIN, 0};
  struct sigaction action = {.sa_handler = on_alarm};
  EXPECT_EQ(sigaction(SIGALRM, &action, NULL), 0);
  struct itimerval timer = {.it_value = {.tv_usec = 300}, .it_interval = {.tv_usec = 300}};
  EXPECT_EQ(setitimer(ITIMER_REAL, &timer, NULL), 0);
  volatile unsigned work = 0;
  for (int i = 0; i < 20000 && !check_failures && alarms < 300; i++) {
    for (int j = 0; j < 20000; j++) work += (unsigned)j; /* time for a signal before the call */
    EXPECT_EQ(write(pipes[1], bytes, 10), 10);
    EXPECT_EQ(read(pipes[0], bytes, 10), 10);
    EXPECT_EQ(send(pair[1], bytes, 10, 0), 10);
    EXPECT_EQ(epoll_wait(epoll, &event, 1, 1000), 1);
    EXPECT_EQ(poll(&ready, 1, 1000), 1);
    EXPECT_EQ(recv(pair[0], bytes, 10, 0), 10);
    EXPECT_EQ(write(1, "", 0), 0);
  }
  timer = (struct itimerval){.it_value = {0, 0}};
  EXPECT_EQ(setitimer(ITIMER_REAL, &timer, NULL), 0);
  EXPECT(alarms > 0);
  fact("nothing waited");
  note("%d alarms", (int)alarms);
  return finish();
}
