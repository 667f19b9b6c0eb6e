/* bind, getsockname, getpeername: every family's address, cut short and with room to spare. */
#include "check.h"
#include <arpa/inet.h>
#include <sys/un.h>

static void lengths(int fd, socklen_t whole, int (*ask)(int, __SOCKADDR_ARG, socklen_t *)) {
  socklen_t rooms[] = {0, 1, 2, 7, whole, whole + 20};
  for (size_t i = 0; i < LENGTH(rooms); i++) {
    unsigned char *bytes = guarded(200);
    socklen_t *length = (void *)guarded(sizeof *length);
    *length = rooms[i];
    EXPECT_EQ(ask(fd, (struct sockaddr *)bytes, length), 0);
    EXPECT_EQ(*length, whole);
    EXPECT(untouched(bytes, rooms[i] < whole ? rooms[i] : whole));
    EXPECT(untouched((unsigned char *)length, sizeof *length));
  }
  socklen_t none = 0; /* how long it is, told without room for any of it */
  EXPECT_EQ(ask(fd, NULL, &none), 0);
  EXPECT_EQ(none, whole);
  EXPECT_ERR(ask(fd, (struct sockaddr *)-1, &none), EFAULT);
  socklen_t negative = (socklen_t)-1;
  struct sockaddr_storage any;
  EXPECT_ERR(ask(fd, (struct sockaddr *)&any, &negative), EINVAL);
}

int main(void) {
  int four = (int)OK(socket(AF_INET, SOCK_STREAM, 0));
  struct sockaddr_in address = {.sin_family = AF_INET};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(bind(four, (struct sockaddr *)&address, sizeof address), 0);
  lengths(four, sizeof address, getsockname);
  struct sockaddr_storage peer;
  socklen_t length = sizeof peer;
  EXPECT_ERR(getpeername(four, (struct sockaddr *)&peer, &length), ENOTCONN);
  EXPECT_ERR(bind(four, (struct sockaddr *)&address, sizeof address), EINVAL);
  EXPECT_ERR(bind(four, (struct sockaddr *)&address, 3), EINVAL);
  EXPECT_EQ(listen(four, 1), 0);
  length = sizeof address;
  EXPECT_EQ(getsockname(four, (struct sockaddr *)&address, &length), 0);
  int other = (int)OK(socket(AF_INET, SOCK_STREAM, 0));
  EXPECT_ERR(bind(other, (struct sockaddr *)&address, sizeof address), EADDRINUSE);
  EXPECT_EQ(connect(other, (struct sockaddr *)&address, sizeof address), 0);
  lengths(other, sizeof address, getpeername);
  EXPECT_ERR(connect(other, (struct sockaddr *)&address, sizeof address), EISCONN);
  struct sockaddr_in away = {.sin_family = AF_INET, .sin_addr.s_addr = inet_addr("192.0.2.77")};
  EXPECT_ERR(bind((int)OK(socket(AF_INET, SOCK_STREAM, 0)), (void *)&away, sizeof away),
             EADDRNOTAVAIL);

  int six = socket(AF_INET6, SOCK_DGRAM, 0);
  struct sockaddr_in6 wide = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
  if (six >= 0 && bind(six, (struct sockaddr *)&wide, sizeof wide) == 0)
    lengths(six, sizeof wide, getsockname);
  else
    note("no IPv6: %s", strerrorname_np(errno));

  int local = (int)OK(socket(AF_UNIX, SOCK_STREAM, 0));
  lengths(local, sizeof(sa_family_t), getsockname); /* unnamed */
  struct sockaddr_un path = {.sun_family = AF_UNIX, .sun_path = "./a-socket"};
  socklen_t size = offsetof(struct sockaddr_un, sun_path) + 11;
  EXPECT_EQ(bind(local, (struct sockaddr *)&path, size), 0);
  lengths(local, size, getsockname);
  EXPECT_ERR(bind((int)OK(socket(AF_UNIX, SOCK_STREAM, 0)), (void *)&path, size), EADDRINUSE);
  EXPECT_EQ(listen(local, 1), 0);
  int visitor = (int)OK(socket(AF_UNIX, SOCK_STREAM, 0));
  EXPECT_EQ(connect(visitor, (struct sockaddr *)&path, size), 0);
  lengths(visitor, size, getpeername);
  int host = (int)OK(accept(local, (struct sockaddr *)&peer, &(socklen_t){sizeof peer}));
  lengths(host, sizeof(sa_family_t), getpeername);

  int hidden = (int)OK(socket(AF_UNIX, SOCK_DGRAM, 0));
  memset(&path, 0, sizeof path);
  path.sun_family = AF_UNIX;
  int len = snprintf(path.sun_path + 1, 60, "hs-calls-names-%d", getpid());
  size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len);
  EXPECT_EQ(bind(hidden, (struct sockaddr *)&path, size), 0);
  lengths(hidden, size, getsockname);

  EXPECT_ERR(getsockname(0, (struct sockaddr *)&peer, &length), ENOTSOCK);
  EXPECT_ERR(getsockname(1000, (struct sockaddr *)&peer, &length), EBADF);
  EXPECT_ERR(syscall(SYS_getsockname, four, &peer, 8), EFAULT);
  EXPECT_ERR(syscall(SYS_getpeername, other, &peer, 8), EFAULT);
  EXPECT_ERR(socket(999, SOCK_STREAM, 0), EAFNOSUPPORT);
  EXPECT_ERR(socket(AF_INET, 99, 0), EINVAL);
  EXPECT_ERR(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP), EPROTONOSUPPORT);
  fact("names are whole or cut");
  return finish();
}
