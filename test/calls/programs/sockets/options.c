/* setsockopt and getsockopt: values, lengths in and out, what is refused. */
#include "check.h"
#include <linux/tcp.h>
#include <netinet/in.h>

static int number(int fd, int level, int name) {
  unsigned char *value = guarded(8);
  socklen_t length = 8;
  EXPECT_EQ(getsockopt(fd, level, name, value, &length), 0);
  EXPECT_EQ(length, 4);
  EXPECT(untouched(value, 4));
  int got;
  memcpy(&got, value, 4);
  return got;
}

int main(void) {
  int fd = (int)OK(socket(AF_INET, SOCK_STREAM, 0)), on = 1;
  fact("type %d, domain %d, protocol %d", number(fd, SOL_SOCKET, SO_TYPE),
       number(fd, SOL_SOCKET, SO_DOMAIN), number(fd, SOL_SOCKET, SO_PROTOCOL));
  int plain[] = {SO_REUSEADDR, SO_KEEPALIVE, SO_REUSEPORT};
  for (size_t i = 0; i < LENGTH(plain); i++) {
    EXPECT_EQ(number(fd, SOL_SOCKET, plain[i]), 0);
    EXPECT_EQ(setsockopt(fd, SOL_SOCKET, plain[i], &on, sizeof on), 0);
    EXPECT_EQ(number(fd, SOL_SOCKET, plain[i]), 1);
  }
  int room = 20000;
  EXPECT_EQ(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room), 0);
  fact("buffer %d", number(fd, SOL_SOCKET, SO_RCVBUF)); /* the kernel doubles it */
  EXPECT_EQ(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room), 0);
  EXPECT_EQ(number(fd, SOL_SOCKET, SO_ERROR), 0);
  EXPECT_EQ(number(fd, SOL_SOCKET, SO_ACCEPTCONN), 0);

  int idle = 77;
  EXPECT_EQ(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), 0);
  EXPECT_EQ(setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle), 0);
  EXPECT_EQ(number(fd, IPPROTO_TCP, TCP_KEEPIDLE), 77);
  EXPECT_EQ(number(fd, IPPROTO_TCP, TCP_NODELAY), 1);
  note("segment %d", number(fd, IPPROTO_TCP, TCP_MAXSEG));
  unsigned char *name = guarded(32);
  socklen_t length = 16;
  EXPECT_EQ(getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &length), 0);
  EXPECT(length <= 16 && untouched(name, length));
  note("congestion control %s", (char *)name);
  struct tcp_info info;
  length = 4;
  EXPECT_EQ(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length), 0);
  EXPECT_EQ(length, 4);
  length = sizeof info;
  EXPECT_EQ(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length), 0);
  note("state %d, %u bytes of information", info.tcpi_state, length);

  struct linger linger = {1, 5}, back;
  EXPECT_EQ(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger), 0);
  length = sizeof back;
  EXPECT_EQ(getsockopt(fd, SOL_SOCKET, SO_LINGER, &back, &length), 0);
  EXPECT(length == sizeof back && back.l_onoff == 1 && back.l_linger == 5);
  struct timeval time = {.tv_usec = 4000};
  EXPECT_EQ(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time), 0);
  length = sizeof time;
  EXPECT_EQ(getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, &length), 0);
  fact("receive time-out %ld.%06ld", (long)time.tv_sec, (long)time.tv_usec);

  unsigned char *cut = guarded(8);
  length = 2;
  EXPECT_EQ(getsockopt(fd, SOL_SOCKET, SO_TYPE, cut, &length), 0);
  EXPECT_EQ(length, 2);
  EXPECT(untouched(cut, 2));
  length = 0;
  EXPECT_EQ(getsockopt(fd, SOL_SOCKET, SO_TYPE, cut, &length), 0);
  EXPECT_EQ(length, 0);
  length = (socklen_t)-1;
  EXPECT_ERR(getsockopt(fd, SOL_SOCKET, SO_TYPE, cut, &length), EINVAL);
  length = 4;
  EXPECT_ERR(getsockopt(fd, SOL_SOCKET, 9999, cut, &length), ENOPROTOOPT);
  EXPECT_ERR(setsockopt(fd, SOL_SOCKET, 9999, &on, sizeof on), ENOPROTOOPT);
  EXPECT_ERR(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, 2), EINVAL);
  EXPECT_ERR(syscall(SYS_setsockopt, fd, SOL_SOCKET, SO_REUSEADDR, 8, 4), EFAULT);
  EXPECT_ERR(syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_TYPE, cut, 8), EFAULT);
  EXPECT_ERR(setsockopt(0, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), ENOTSOCK);
  EXPECT_ERR(getsockopt(1000, SOL_SOCKET, SO_TYPE, cut, &length), EBADF);

  /* A time-out to receive: EAGAIN, not EINTR, not for ever. */
  int pair[2];
  OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  EXPECT_EQ(setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time), 0);
  EXPECT_ERR(recv(pair[0], cut, 1, 0), EAGAIN);
  EXPECT_ERR(read(pair[0], cut, 1), EAGAIN);
  return finish();
}
