/* POSIX message queues: priorities, limits, and a child that waits. */
#include "check.h"
#include <mqueue.h>

int main(void) {
  char name[64];
  snprintf(name, sizeof name, "/hs-calls-%d", getpid());
  struct mq_attr attributes = {.mq_maxmsg = 4, .mq_msgsize = 32}, got;
  struct timespec limit = {.tv_sec = 1};
  mqd_t queue = (mqd_t)OK(mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attributes));
  EXPECT_ERR(mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attributes), EEXIST);
  EXPECT_EQ(mq_unlink(name), 0);
  EXPECT_EQ(mq_send(queue, "low", 3, 1), 0);
  EXPECT_EQ(mq_send(queue, "high", 4, 9), 0);
  EXPECT_EQ(mq_getattr(queue, &got), 0);
  EXPECT(got.mq_curmsgs == 2 && got.mq_maxmsg == 4 && got.mq_msgsize == 32);
  unsigned priority = 0;
  unsigned char *text = guarded(32);
  EXPECT_EQ(mq_receive(queue, (char *)text, 32, &priority), 4);
  EXPECT_EQ(priority, 9);
  EXPECT_EQ(mq_receive(queue, (char *)text, 32, &priority), 3);
  EXPECT(untouched(text, 4));
  EXPECT_ERR(mq_timedreceive(queue, (char *)text, 32, NULL, &limit), ETIMEDOUT);
  EXPECT_ERR(mq_receive(queue, (char *)text, 3, NULL), EMSGSIZE);
  EXPECT_EQ(mq_notify(queue, NULL), 0);
  EXPECT_ERR(mq_send(queue, (char *)text, 33, 0), EMSGSIZE);

  pid_t child = fork();
  if (child == 0) {
    char numbers[32];
    for (int i = 0; i < 30; i++) {
      snprintf(numbers, sizeof numbers, "number %d", i);
      EXPECT_EQ(mq_send(queue, numbers, strlen(numbers) + 1, (unsigned)i % 3), 0);
    }
    _exit(check_failures);
  }
  unsigned sum = 0;
  for (int i = 0; i < 30; i++) {
    EXPECT(mq_receive(queue, (char *)text, 32, &priority) > 0);
    sum += (unsigned)atoi((char *)text + 7);
  }
  fact("sum %u", sum);
  note("the last had priority %u: %s", priority, text);
  EXPECT_EQ(ended(child), 0);
  struct mq_attr nonblocking = {.mq_flags = O_NONBLOCK}, old;
  EXPECT_EQ(mq_setattr(queue, &nonblocking, &old), 0);
  EXPECT_EQ(old.mq_flags, 0);
  EXPECT_ERR(mq_receive(queue, (char *)text, 32, NULL), EAGAIN);
  struct pollfd ready = {.fd = queue, .events = POLLIN | POLLOUT};
  EXPECT_EQ(poll(&ready, 1, 0), 1);
  EXPECT_EQ(ready.revents, POLLOUT);
  EXPECT_EQ(mq_close(queue), 0);
  fact("right");
  return finish();
}
