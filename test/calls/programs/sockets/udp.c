/* Datagrams: addresses, boundaries, empty ones, connected and not, errors that come back. */
#include "check.h"
#include <arpa/inet.h>
#include <sys/ioctl.h>

static struct sockaddr_in bound(int fd) {
  struct sockaddr_in address = {.sin_family = AF_INET};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  EXPECT_EQ(bind(fd, (struct sockaddr *)&address, length), 0);
  EXPECT_EQ(getsockname(fd, (struct sockaddr *)&address, &length), 0);
  return address;
}

int main(void) {
  int a = (int)OK(socket(AF_INET, SOCK_DGRAM, 0)), b = (int)OK(socket(AF_INET, SOCK_DGRAM, 0));
  struct sockaddr_in at_a = bound(a), at_b = bound(b);
  unsigned char *text = guarded(64), *from = guarded(sizeof at_a);
  EXPECT_EQ(sendto(a, "datagram", 8, 0, (struct sockaddr *)&at_b, sizeof at_b), 8);
  socklen_t length = sizeof at_a;
  EXPECT_EQ(recvfrom(b, text, 64, 0, (struct sockaddr *)from, &length), 8);
  EXPECT_EQ(length, sizeof at_a);
  EXPECT(untouched(text, 8) && untouched(from, sizeof at_a));
  EXPECT_EQ(((struct sockaddr_in *)from)->sin_port, at_a.sin_port);

  EXPECT_EQ(sendto(a, "longer than room", 16, 0, (struct sockaddr *)&at_b, sizeof at_b), 16);
  unsigned char *cut = guarded(16);
  length = 6;
  EXPECT_EQ(recvfrom(b, text, 4, 0, (struct sockaddr *)cut, &length), 4);
  EXPECT_EQ(length, sizeof at_a);
  EXPECT(untouched(cut, 6));
  EXPECT_ERR(recvfrom(b, text, 4, MSG_DONTWAIT, NULL, NULL), EAGAIN);
  EXPECT_EQ(sendto(a, "", 0, 0, (struct sockaddr *)&at_b, sizeof at_b), 0);
  EXPECT_EQ(recvfrom(b, text, 4, 0, NULL, NULL), 0);
  EXPECT_EQ(sendto(a, "measured", 8, 0, (struct sockaddr *)&at_b, sizeof at_b), 8);
  int waiting;
  EXPECT_EQ(ioctl(b, FIONREAD, &waiting), 0);
  EXPECT_EQ(waiting, 8);
  EXPECT_EQ(recv(b, text, 2, MSG_PEEK | MSG_TRUNC), 8);
  EXPECT_EQ(read(b, text, 64), 8);
  fact("%.8s", text);

  EXPECT_EQ(connect(a, (struct sockaddr *)&at_b, sizeof at_b), 0);
  EXPECT_EQ(write(a, "connected", 9), 9);
  struct iovec parts[2] = {{text, 3}, {text + 3, 20}};
  EXPECT_EQ(readv(b, parts, 2), 9);
  EXPECT_MEM(text, "connected", 9);
  char *much = calloc(1, 70000);
  EXPECT_ERR(send(a, much, 70000, 0), EMSGSIZE);
  EXPECT_EQ(send(a, much, 60000, 0), 60000);
  EXPECT_EQ(recv(b, much, 70000, 0), 60000);
  EXPECT_EQ(close(b), 0);
  EXPECT_EQ(send(a, "nobody", 6, 0), 6);
  struct pollfd ready = {.fd = a, .events = POLLIN};
  EXPECT_EQ(poll(&ready, 1, 5000), 1);
  EXPECT_ERR(recv(a, text, 1, 0), ECONNREFUSED);
  struct sockaddr none = {.sa_family = AF_UNSPEC};
  EXPECT_EQ(connect(a, &none, sizeof none), 0);
  EXPECT_ERR(send(a, "x", 1, 0), EDESTADDRREQ);
  EXPECT_ERR(sendto(a, "x", 1, 0, (struct sockaddr *)&at_b, 3), EINVAL);
  EXPECT_ERR(syscall(SYS_sendto, a, 8, 5, 0, &at_b, sizeof at_b), EFAULT);
  EXPECT_ERR(syscall(SYS_sendto, 1000, "x", 1, 0, 0, 0), EBADF);
  EXPECT_ERR(syscall(SYS_recvfrom, 0, text, 1, 0, 0, 0), ENOTSOCK);
  return finish();
}
