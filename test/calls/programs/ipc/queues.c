/* POSIX message queues: right where they are there, refused as a whole where not. */
#include "check.h"
#include <mqueue.h>

int main(void) {
  char name[64];
  snprintf(name, sizeof name, "/hs-calls-%d", getpid());
  struct mq_attr attributes = {.mq_maxmsg = 4, .mq_msgsize = 32}, got;
  struct timespec limit = {.tv_sec = 1};
  errno = 0;
  mqd_t queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attributes);
  note("mq_open: %s", queue < 0 ? strerrorname_np(errno) : "allowed");
  if (queue < 0) {
    EXPECT_EQ(errno, ENOSYS);
    char byte;
    EXPECT_ERR(mq_unlink(name), ENOSYS);
    EXPECT_ERR(mq_timedsend(3, "x", 1, 0, &limit), ENOSYS);
    EXPECT_ERR(mq_timedreceive(3, &byte, 1, NULL, &limit), ENOSYS);
    EXPECT_ERR(mq_getattr(3, &got), ENOSYS);
    EXPECT_ERR(mq_notify(3, NULL), ENOSYS);
    fact("right or refused");
    return finish();
  }
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
  EXPECT_EQ(mq_close(queue), 0);
  fact("right or refused");
  return finish();
}
