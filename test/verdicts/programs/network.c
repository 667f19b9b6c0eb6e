/* network.c: a server and its client, over loopback, with epoll.
 * Expected: replicable */
#include "small.h"
#include <arpa/inet.h>
#include <sys/epoll.h>

int main(void) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof at;
  int listener = (int)NEED(socket(AF_INET, SOCK_STREAM, 0));
  NEED(bind(listener, (struct sockaddr *)&at, sizeof at));
  NEED(listen(listener, 4));
  NEED(getsockname(listener, (struct sockaddr *)&at, &length));
  pid_t child = (pid_t)NEED(fork());
  if (child == 0) {
    int out = (int)NEED(socket(AF_INET, SOCK_STREAM, 0));
    NEED(connect(out, (struct sockaddr *)&at, sizeof at));
    NEED(write(out, "ping", 4));
    char answer[8];
    _exit(read(out, answer, sizeof answer) != 4);
  }
  int poller = (int)NEED(epoll_create1(0)), status = 1;
  struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
  NEED(epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event));
  NEED(epoll_wait(poller, &event, 1, 5000));
  int in = (int)NEED(accept(listener, (struct sockaddr *)&at, &length));
  char text[8] = "";
  NEED(read(in, text, sizeof text - 1));
  NEED(write(in, "pong", 4));
  NEED(waitpid(child, &status, 0));
  tell("port of the client", ntohs(at.sin_port));
  return strcmp(text, "ping") != 0 || status != 0;
}
