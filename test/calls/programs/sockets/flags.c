/* MSG_PEEK, MSG_TRUNC, MSG_WAITALL, MSG_DONTWAIT, MSG_OOB, MSG_NOSIGNAL, MSG_MORE over TCP. */
#include "check.h"
#include <arpa/inet.h>
#include <sys/ioctl.h>

static void tcp_pair(int pair[2]) {
  int server = (int)OK(socket(AF_INET, SOCK_STREAM, 0));
  struct sockaddr_in address = {.sin_family = AF_INET};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  EXPECT_EQ(bind(server, (struct sockaddr *)&address, length), 0);
  EXPECT_EQ(listen(server, 1), 0);
  EXPECT_EQ(getsockname(server, (struct sockaddr *)&address, &length), 0);
  pair[0] = (int)OK(socket(AF_INET, SOCK_STREAM, 0));
  EXPECT_EQ(connect(pair[0], (struct sockaddr *)&address, length), 0);
  pair[1] = (int)OK(accept(server, NULL, NULL));
  EXPECT_EQ(close(server), 0);
}

static void *slow_writer(void *fd) {
  usleep(2000);
  EXPECT_EQ(send(*(int *)fd, "second", 6, 0), 6);
  return NULL;
}

static void wait_for(int fd, short events) {
  struct pollfd ready = {.fd = fd, .events = events};
  EXPECT_EQ(poll(&ready, 1, 5000), 1);
}

int main(void) {
  int pair[2], waiting = 0;
  tcp_pair(pair);
  unsigned char *text = guarded(32);
  EXPECT_ERR(recv(pair[1], text, 32, MSG_DONTWAIT), EAGAIN);
  EXPECT_EQ(send(pair[0], "first ", 6, 0), 6);
  wait_for(pair[1], POLLIN);
  EXPECT_EQ(ioctl(pair[1], FIONREAD, &waiting), 0);
  EXPECT_EQ(waiting, 6);
  EXPECT_EQ(recv(pair[1], text, 32, MSG_PEEK), 6);
  EXPECT(untouched(text, 6));
  EXPECT_EQ(recv(pair[1], text, 3, MSG_PEEK), 3);
  pthread_t thread;
  EXPECT_EQ(pthread_create(&thread, NULL, slow_writer, &pair[0]), 0);
  EXPECT_EQ(recv(pair[1], text, 12, MSG_WAITALL), 12);
  fact("%.12s", text);
  EXPECT_EQ(pthread_join(thread, NULL), 0);
  EXPECT_EQ(send(pair[0], "thrown away", 11, 0), 11);
  wait_for(pair[1], POLLIN);
  EXPECT_EQ(recv(pair[1], NULL, 6, MSG_TRUNC), 6); /* TCP discards without a copy */
  EXPECT_EQ(recv(pair[1], text, 32, 0), 5);
  EXPECT_MEM(text, " away", 5);

  EXPECT_EQ(send(pair[0], "ab", 2, MSG_MORE), 2);
  EXPECT_EQ(send(pair[0], "cd", 2, MSG_NOSIGNAL), 2);
  EXPECT_EQ(recv(pair[1], text, 4, MSG_WAITALL), 4);
  EXPECT_EQ(send(pair[0], "!", 1, MSG_OOB), 1);
  wait_for(pair[1], POLLPRI);
  EXPECT_EQ(recv(pair[1], text, 1, MSG_OOB), 1);
  EXPECT_EQ(text[0], '!');
  EXPECT_EQ(sockatmark(pair[1]), 1);
  EXPECT_ERR(recv(pair[1], text, 1, MSG_OOB), EINVAL);

  /* recvfrom on a connected stream leaves the address alone and says length 0. */
  EXPECT_EQ(send(pair[0], "x", 1, 0), 1);
  unsigned char *address = guarded(16);
  socklen_t length = 16;
  EXPECT_EQ(recvfrom(pair[1], text, 1, 0, (struct sockaddr *)address, &length), 1);
  EXPECT_EQ(length, 0);
  EXPECT(untouched(address, 0));
  EXPECT_EQ(recv(pair[1], text, 0, MSG_DONTWAIT), -1);

  EXPECT_EQ(shutdown(pair[0], SHUT_WR), 0);
  EXPECT_EQ(recv(pair[1], text, 32, 0), 0);
  EXPECT_EQ(send(pair[1], "still open", 10, 0), 10);
  EXPECT_EQ(recv(pair[0], text, 10, MSG_WAITALL), 10);
  EXPECT_ERR(send(pair[0], "x", 1, MSG_NOSIGNAL), EPIPE);
  EXPECT_EQ(close(pair[1]), 0);
  wait_for(pair[0], POLLIN);
  EXPECT_EQ(recv(pair[0], text, 1, 0), 0);
  EXPECT_ERR(shutdown(1000, SHUT_RD), EBADF);
  EXPECT_ERR(shutdown(0, SHUT_RD), ENOTSOCK);
  EXPECT_ERR(shutdown(pair[0], 9), EINVAL);

  /* A reset: closed with bytes unread. */
  tcp_pair(pair);
  EXPECT_EQ(send(pair[0], "unread", 6, 0), 6);
  wait_for(pair[1], POLLIN);
  EXPECT_EQ(close(pair[1]), 0);
  wait_for(pair[0], POLLIN);
  EXPECT_ERR(recv(pair[0], text, 1, 0), ECONNRESET);
  EXPECT_ERR(send(pair[0], "x", 1, MSG_NOSIGNAL), EPIPE);
  return finish();
}
