/* accept and accept4: flags, addresses, lengths, would-block, what is no listening socket. */
#include "check.h"
#include <arpa/inet.h>

static struct sockaddr_in address = {.sin_family = AF_INET};

static int connected(void) {
  int fd = (int)OK(socket(AF_INET, SOCK_STREAM, 0));
  EXPECT_EQ(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
  return fd;
}

int main(void) {
  int server = (int)OK(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(bind(server, (struct sockaddr *)&address, sizeof address), 0);
  EXPECT_ERR(accept(server, NULL, NULL), EINVAL);
  EXPECT_EQ(listen(server, 4), 0);
  socklen_t length = sizeof address;
  EXPECT_EQ(getsockname(server, (struct sockaddr *)&address, &length), 0);
  EXPECT_ERR(accept(server, NULL, NULL), EAGAIN);

  int client = connected();
  int flags[] = {0, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_CLOEXEC | SOCK_NONBLOCK};
  struct pollfd ready = {.fd = server, .events = POLLIN};
  EXPECT_EQ(poll(&ready, 1, 5000), 1);
  int fd = (int)OK(accept(server, NULL, NULL));
  EXPECT_EQ(fcntl(fd, F_GETFL) & O_NONBLOCK, 0); /* not inherited from the listening socket */
  EXPECT_EQ(close(fd), 0);
  EXPECT_EQ(close(client), 0);
  for (size_t i = 0; i < LENGTH(flags); i++) {
    client = connected();
    EXPECT_EQ(poll(&ready, 1, 5000), 1);
    unsigned char *peer = guarded(sizeof(struct sockaddr_in));
    length = sizeof(struct sockaddr_in);
    fd = (int)OK(accept4(server, (struct sockaddr *)peer, &length, flags[i]));
    EXPECT_EQ(length, sizeof(struct sockaddr_in));
    EXPECT(untouched(peer, length));
    EXPECT_EQ(fcntl(fd, F_GETFD), flags[i] & SOCK_CLOEXEC ? FD_CLOEXEC : 0);
    EXPECT_EQ(!!(fcntl(fd, F_GETFL) & O_NONBLOCK), !!(flags[i] & SOCK_NONBLOCK));
    struct sockaddr_in mine;
    length = sizeof mine;
    EXPECT_EQ(getsockname(client, (struct sockaddr *)&mine, &length), 0);
    EXPECT_EQ(mine.sin_port, ((struct sockaddr_in *)peer)->sin_port);
    EXPECT_EQ(close(fd), 0);
    EXPECT_EQ(close(client), 0);
  }
  /* Room for part of the address: that part is written, the whole length told. */
  client = connected();
  EXPECT_EQ(poll(&ready, 1, 5000), 1);
  unsigned char *part = guarded(16);
  length = 4;
  fd = (int)OK(accept(server, (struct sockaddr *)part, &length));
  EXPECT_EQ(length, sizeof(struct sockaddr_in));
  EXPECT(untouched(part, 4));
  EXPECT_ERR(accept4(server, NULL, NULL, 0x99), EINVAL);
  EXPECT_ERR(accept(fd, NULL, NULL), EINVAL);
  EXPECT_ERR(accept(0, NULL, NULL), ENOTSOCK);
  EXPECT_ERR(accept(1000, NULL, NULL), EBADF);
  EXPECT_ERR(listen(1000, 1), EBADF);
  EXPECT_ERR(listen(0, 1), ENOTSOCK);
  fact("accept flags hold");

  /* Blocking accept, interrupted by nobody, in the main thread; a child connects. */
  EXPECT_EQ(fcntl(server, F_SETFL, 0), 0);
  pid_t child = fork();
  if (child == 0) {
    usleep(2000);
    int mine = connected();
    _exit(write(mine, "hello", 5) == 5 && !check_failures ? 0 : 1);
  }
  fd = (int)OK(accept(server, NULL, NULL));
  char text[8] = {0};
  EXPECT_EQ(recv(fd, text, 5, MSG_WAITALL), 5);
  EXPECT_EQ(ended(child), 0);
  EXPECT_EQ(recv(fd, text, 5, 0), 0);
  fact("a child says %s", text);
  return finish();
}
