/* A server of one thread around epoll, as real ones are, with clients that come, talk and go. */
#include "check.h"
#include <arpa/inet.h>
#include <sys/epoll.h>

#define CLIENTS 12
#define REQUESTS 15

static struct sockaddr_in address = {.sin_family = AF_INET};

static void *client(void *number) {
  int fd = (int)OK(socket(AF_INET, SOCK_STREAM, 0));
  EXPECT_EQ(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
  for (int i = 0; i < REQUESTS; i++) {
    char ask[40], answer[40];
    int len = snprintf(ask, sizeof ask, "client %02ld asks %02d\n", (long)number, i);
    EXPECT_EQ(send(fd, ask, (size_t)len, 0), len);
    EXPECT_EQ(recv(fd, answer, (size_t)len, MSG_WAITALL), len);
    EXPECT_MEM(answer, ask, len);
  }
  EXPECT_EQ(close(fd), 0);
  return NULL;
}

static int served, closed;
static unsigned order;

/* Reads until there is no more: 1 when the peer has closed. */
static int answer(int fd) {
  char buffer[256];
  for (;;) {
    long got = recv(fd, buffer, sizeof buffer, 0);
    if (got == 0) return 1;
    if (got < 0) {
      EXPECT_EQ(errno, EAGAIN);
      return 0;
    }
    EXPECT_EQ(send(fd, buffer, (size_t)got, MSG_NOSIGNAL), got);
    served++;
    order = order * 31 + (unsigned char)buffer[8];
  }
}

int main(void) {
  int server = (int)OK(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  EXPECT_EQ(bind(server, (struct sockaddr *)&address, length), 0);
  EXPECT_EQ(listen(server, 64), 0);
  EXPECT_EQ(getsockname(server, (struct sockaddr *)&address, &length), 0);
  pthread_t clients[CLIENTS];
  for (long i = 0; i < CLIENTS; i++)
    EXPECT_EQ(pthread_create(&clients[i], NULL, client, (void *)i), 0);

  int at = (int)OK(epoll_create1(EPOLL_CLOEXEC)), waits = 0;
  struct epoll_event event = {.events = EPOLLIN, .data.fd = server}, events[8];
  EXPECT_EQ(epoll_ctl(at, EPOLL_CTL_ADD, server, &event), 0);
  while (closed < CLIENTS && !check_failures) {
    long count = OK(epoll_wait(at, events, LENGTH(events), 10000));
    EXPECT(count > 0);
    waits++;
    for (long i = 0; i < count; i++) {
      int fd = events[i].data.fd;
      if (fd != server) {
        if (!answer(fd)) continue;
        EXPECT_EQ(epoll_ctl(at, EPOLL_CTL_DEL, fd, NULL), 0);
        EXPECT_EQ(close(fd), 0);
        closed++;
        continue;
      }
      while ((fd = accept4(server, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        event = (struct epoll_event){.events = EPOLLIN | EPOLLET | EPOLLRDHUP, .data.fd = fd};
        EXPECT_EQ(epoll_ctl(at, EPOLL_CTL_ADD, fd, &event), 0);
      }
      EXPECT_EQ(errno, EAGAIN);
    }
  }
  for (int i = 0; i < CLIENTS; i++) EXPECT_EQ(pthread_join(clients[i], NULL), 0);
  fact("%d clients served", closed);
  note("%d answers in %d waits, order %08x", served, waits, order);
  return finish();
}
