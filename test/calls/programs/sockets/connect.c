/* connect: refused, in progress, then told by SO_ERROR; interrupted; to what is no address. */
#include "check.h"
#include <arpa/inet.h>

static int error_of(int fd) {
  int value = -1;
  socklen_t length = sizeof value;
  EXPECT_EQ(getsockopt(fd, SOL_SOCKET, SO_ERROR, &value, &length), 0);
  EXPECT_EQ(length, sizeof value);
  return value;
}

int main(void) {
  int server = (int)OK(socket(AF_INET, SOCK_STREAM, 0));
  struct sockaddr_in address = {.sin_family = AF_INET}, nobody;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  EXPECT_EQ(bind(server, (struct sockaddr *)&address, length), 0);
  EXPECT_EQ(getsockname(server, (struct sockaddr *)&address, &length), 0);
  nobody = address;
  int fd = (int)OK(socket(AF_INET, SOCK_STREAM, 0));
  EXPECT_ERR(connect(fd, (struct sockaddr *)&nobody, length), ECONNREFUSED);
  EXPECT_EQ(error_of(fd), 0);
  EXPECT_EQ(close(fd), 0);

  fd = (int)OK(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
  long rc = connect(fd, (struct sockaddr *)&nobody, length);
  int code = errno;
  EXPECT(rc == -1 && (code == EINPROGRESS || code == ECONNREFUSED));
  struct pollfd ready = {.fd = fd, .events = POLLOUT};
  EXPECT_EQ(poll(&ready, 1, 5000), 1);
  EXPECT(ready.revents & (POLLERR | POLLHUP));
  EXPECT_EQ(error_of(fd), code == EINPROGRESS ? ECONNREFUSED : 0);
  EXPECT_EQ(error_of(fd), 0); /* asking takes it away */
  note("connect said %s", strerrorname_np(code));
  EXPECT_EQ(close(fd), 0);
  fact("refused is told");

  EXPECT_EQ(listen(server, 8), 0);
  fd = (int)OK(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
  rc = connect(fd, (struct sockaddr *)&address, length);
  EXPECT(rc == 0 || errno == EINPROGRESS);
  ready.fd = fd;
  EXPECT_EQ(poll(&ready, 1, 5000), 1);
  EXPECT_EQ(ready.revents, POLLOUT);
  EXPECT_EQ(error_of(fd), 0);
  rc = connect(fd, (struct sockaddr *)&address, length);
  EXPECT(rc == 0 || errno == EISCONN);
  EXPECT_ERR(connect(fd, (struct sockaddr *)&address, length), EISCONN);
  int peer = (int)OK(accept(server, NULL, NULL));
  EXPECT_EQ(write(peer, "in progress, then there", 23), 23);
  char text[32];
  ready.events = POLLIN;
  EXPECT_EQ(poll(&ready, 1, 5000), 1);
  EXPECT_EQ(read(fd, text, sizeof text), 23);
  fact("%.23s", text);

  EXPECT_ERR(connect(1000, (struct sockaddr *)&address, length), EBADF);
  EXPECT_ERR(connect(0, (struct sockaddr *)&address, length), ENOTSOCK);
  int fresh = (int)OK(socket(AF_INET, SOCK_STREAM, 0));
  EXPECT_ERR(connect(fresh, (struct sockaddr *)&address, 3), EINVAL);
  EXPECT_ERR(syscall(SYS_connect, fresh, 8, length), EFAULT);
  address.sin_family = 77;
  EXPECT_ERR(connect(fresh, (struct sockaddr *)&address, length), EAFNOSUPPORT);
  EXPECT_ERR(send(fresh, "x", 1, MSG_NOSIGNAL), EPIPE);
  EXPECT_ERR(recv(fresh, text, 1, 0), ENOTCONN);
  EXPECT_ERR(shutdown(fresh, SHUT_RDWR), ENOTCONN);
  return finish();
}
