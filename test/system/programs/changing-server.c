/* changing-server.c: sends messages, each all of one byte, out of one buffer that its other thread
 * overwrites as soon as the send is under way. Where a send waits, a client takes so little at a
 * time that most of them do; the last connections get messages too long to copy. The rule: what a
 * client gets is a whole message, of before or of after, wherever the server's machine died. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { CONNECTIONS = 8, SHORT = 8192, LONG = 65536, BYTES = 393216 };

static char buffer[LONG];
static atomic_int under_way;

static void *change(void *nothing) {
  for (;;) {
    while (!atomic_load(&under_way)) sched_yield();
    if (atomic_load(&under_way) < 0) return nothing;
    memset(buffer, 0xee, sizeof buffer);
    atomic_store(&under_way, 0);
  }
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static int accept_one(int listener, int at) {
  int waits = at % 2 || at > 5;
  int fd = accept(listener, NULL, NULL), room = waits ? 64 << 10 : 4 << 20;
  if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room)) fail("accept");
  if (!waits) fcntl(fd, F_SETFL, O_NONBLOCK);
  return fd;
}

static ssize_t give(int fd, int at, size_t bytes) {
  struct iovec parts[2] = {{buffer, bytes / 4}, {buffer + bytes / 4, bytes - bytes / 4}};
  struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
  atomic_store(&under_way, 1);
  if (at < 2) return send(fd, buffer, bytes, 0);
  if (at < 4) return writev(fd, parts, 2);
  if (at < 6) return sendmsg(fd, &message, MSG_NOSIGNAL);
  return write(fd, buffer, bytes);
}

int main(int argc, char **argv) {
  int listener = socket(AF_INET, SOCK_STREAM, 0), fd[CONNECTIONS], one = 1;
  struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(80)};
  pthread_t changer;
  if (argc > 1) here.sin_port = htons((unsigned short)atoi(argv[1]));
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(listener, (void *)&here, sizeof here) || listen(listener, 16)) fail("listen");
  if (pthread_create(&changer, NULL, change, NULL)) fail("thread");
  for (int at = 0; at < CONNECTIONS; at++) fd[at] = accept_one(listener, at);
  for (int n = 0; n < BYTES / SHORT; n++)
    for (int at = 0; at < CONNECTIONS; at++) {
      size_t bytes = at < 6 ? SHORT : LONG;
      if ((size_t)n * bytes >= BYTES) continue;
      while (atomic_load(&under_way)) sched_yield();
      memset(buffer, 1 + n % 200, bytes);
      ssize_t sent = give(fd[at], at, bytes);
      if (sent != (ssize_t)bytes) fail("a send took less than all");
    }
  while (atomic_load(&under_way)) sched_yield();
  atomic_store(&under_way, -1);
  pthread_join(changer, NULL);
  puts("sent");
  fflush(stdout);
  for (;;) pause();
}
