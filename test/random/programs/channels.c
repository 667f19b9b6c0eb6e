/* Pipes, socket pairs, counters, TCP over loopback, and everything that waits for their readiness.
 * The rule: shared channels never block; what blocks is private, and its other end is at hand. */
#include "world.h"

#include <arpa/inet.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/timerfd.h>

enum { PIPE, STREAM, PACKETS, KINDS };
static int ends[KINDS][2];
static int counter, tokens, ticker, watched;

void open_channels(void) {
  if (pipe2(ends[PIPE], O_NONBLOCK | O_CLOEXEC)) abort();
  for (int kind = STREAM; kind <= PACKETS; kind++)
    if (socketpair(AF_UNIX, (kind == STREAM ? SOCK_STREAM : SOCK_SEQPACKET) | SOCK_NONBLOCK, 0,
                   ends[kind]))
      abort();
  counter = eventfd(3, EFD_NONBLOCK);
  tokens = eventfd(2, EFD_NONBLOCK | EFD_SEMAPHORE);
  ticker = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  watched = epoll_create1(EPOLL_CLOEXEC);
  const int fds[] = {ends[PIPE][0], ends[STREAM][0], ends[PACKETS][0], counter, tokens, ticker};
  static const unsigned how[] = {EPOLLET, 0, EPOLLONESHOT, EPOLLET | EPOLLONESHOT, 0, EPOLLET};
  for (unsigned i = 0; i < LENGTH(fds); i++) {
    struct epoll_event event = {.events = EPOLLIN | how[i], .data.u64 = 100 + i};
    epoll_ctl(watched, EPOLL_CTL_ADD, fds[i], &event);
  }
}

static void writes(struct actor *a) {
  unsigned char bytes[4096];
  int kind = (int)roll(a, KINDS);
  size_t size = 1 + roll(a, roll(a, 4) ? 100 : sizeof bytes);
  memset(bytes, (int)a->position, size);
  struct iovec parts[2] = {{bytes, size / 2}, {bytes + size / 2, size - size / 2}};
  int fd = ends[kind][1];
  long r = roll(a, 3) ? ANSWER(write(fd, bytes, size)) : ANSWER(writev(fd, parts, 2));
  saw(a, "%d: %ld of %zu", kind, r, size);
}

static void reads(struct actor *a) {
  unsigned char bytes[2048];
  int kind = (int)roll(a, KINDS), waiting = 0;
  memset(bytes, 0, sizeof bytes);
  size_t size = 1 + roll(a, sizeof bytes);
  ioctl(ends[kind][0], FIONREAD, &waiting);
  long r = kind != PIPE && roll(a, 2) ? ANSWER(recv(ends[kind][0], bytes, size, MSG_DONTWAIT))
                                      : ANSWER(read(ends[kind][0], bytes, size));
  saw(a, "%d: %ld of %d, %016lx", kind, r, waiting, digest(bytes, r > 0 ? (size_t)r : 0));
}

static void counts(struct actor *a) {
  uint64_t value = roll(a, 5);
  int fd = roll(a, 2) ? counter : tokens;
  long r = roll(a, 2) ? ANSWER(write(fd, &value, 8)) : ANSWER(read(fd, &value, 8));
  saw(a, "%ld %lu", r, value);
}

static void ticks_of_timer(struct actor *a) {
  struct itimerspec set = {{0, roll(a, 2) ? 300000 : 0}, {0, 1 + (long)roll(a, 500000)}}, left;
  uint64_t expired = 0;
  long r = 0;
  if (roll(a, 2)) r = ANSWER(timerfd_settime(ticker, 0, &set, NULL));
  if (roll(a, 2)) usleep(roll(a, 600));
  long got = ANSWER(read(ticker, &expired, 8));
  timerfd_gettime(ticker, &left);
  saw(a, "%ld %ld %lu, %ld", r, got, expired, left.it_value.tv_nsec);
}

static void waits_on_epoll(struct actor *a) {
  struct epoll_event events[4];
  sigset_t none;
  sigemptyset(&none);
  memset(events, 0, sizeof events);
  int bound = (int)roll(a, 3);
  long n = roll(a, 2) ? ANSWER(epoll_wait(watched, events, 4, bound))
                      : ANSWER(epoll_pwait(watched, events, 4, bound, &none));
  saw(a, "%ld: %lu %x, %lu %x", n, events[0].data.u64, events[0].events, events[1].data.u64,
      events[1].events);
}

static void changes_epoll(struct actor *a) {
  const int fds[] = {ends[PIPE][0], ends[STREAM][0], ends[PACKETS][0], counter, tokens, ticker};
  static const unsigned how[] = {EPOLLIN | EPOLLET, EPOLLIN, EPOLLIN | EPOLLONESHOT, EPOLLOUT};
  unsigned which = roll(a, LENGTH(fds));
  struct epoll_event event = {.events = how[roll(a, 4)], .data.u64 = 200 + which};
  int kind = roll(a, 4) ? EPOLL_CTL_MOD : roll(a, 2) ? EPOLL_CTL_DEL : EPOLL_CTL_ADD;
  saw(a, "%u %d: %lld", which, kind, ANSWER(epoll_ctl(watched, kind, fds[which], &event)));
}

static void polls(struct actor *a) {
  struct pollfd all[5] = {{.fd = ends[PIPE][0], .events = POLLIN},
                          {.fd = ends[STREAM][1], .events = POLLOUT},
                          {.fd = counter, .events = POLLIN | POLLOUT},
                          {.fd = ticker, .events = POLLIN},
                          {.fd = -1}};
  struct timespec bound = {0, (long)roll(a, 1000000)};
  long r = roll(a, 2) ? ANSWER(poll(all, 5, (int)roll(a, 2))) : ANSWER(ppoll(all, 5, &bound, NULL));
  saw(a, "%ld: %x %x %x %x", r, all[0].revents, all[1].revents, all[2].revents, all[3].revents);
}

static void selects(struct actor *a) {
  fd_set in, out;
  struct timeval bound = {0, (long)roll(a, 800)};
  FD_ZERO(&in);
  FD_ZERO(&out);
  FD_SET(ends[PIPE][0], &in);
  FD_SET(ends[PACKETS][0], &in);
  FD_SET(counter, &out);
  long r = ANSWER(select(ticker + 1, &in, &out, NULL, &bound));
  saw(a, "%ld %d %d %d left %ld", r, FD_ISSET(ends[PIPE][0], &in),
      FD_ISSET(ends[PACKETS][0], &in), FD_ISSET(counter, &out), bound.tv_usec);
}

static void passes_descriptors(struct actor *a) {
  int pair[2], sent = (int)roll(a, 2) ? counter : ends[PIPE][1], got = -1;
  char byte = 'x', control[CMSG_SPACE(sizeof(int))];
  if (socketpair(AF_UNIX, roll(a, 2) ? SOCK_STREAM : SOCK_DGRAM, 0, pair)) return;
  struct iovec part = {&byte, 1};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control,
                           .msg_controllen = sizeof control};
  memset(control, 0, sizeof control);
  struct cmsghdr *head = CMSG_FIRSTHDR(&message);
  head->cmsg_level = SOL_SOCKET, head->cmsg_type = SCM_RIGHTS, head->cmsg_len = CMSG_LEN(4);
  memcpy(CMSG_DATA(head), &sent, 4);
  long r = ANSWER(sendmsg(pair[0], &message, 0));
  message.msg_controllen = sizeof control;
  long r2 = ANSWER(recvmsg(pair[1], &message, MSG_DONTWAIT));
  head = CMSG_FIRSTHDR(&message);
  if (r2 > 0 && head) memcpy(&got, CMSG_DATA(head), 4);
  uint64_t one = 1;
  long used = got >= 0 ? ANSWER(write(got, &one, 8)) : 0;
  saw(a, "%ld %ld %d %ld", r, r2, got >= 0, used);
  if (got >= 0) close(got);
  close(pair[0]), close(pair[1]);
}

static void *answers(void *argument) {
  int fd = (int)(long)argument;
  char bytes[512];
  ssize_t n;
  while ((n = read(fd, bytes, sizeof bytes)) > 0 || (n < 0 && errno == EINTR))
    if (n > 0 && write(fd, bytes, (size_t)n) < 0) break;
  return (void *)n;
}

/* Blocks: a thread of its own answers until it is told that there is no more. */
static void converses(struct actor *a) {
  int pair[2];
  char bytes[512];
  pthread_t thread;
  uint64_t value = 0;
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair)) return;
  if (run_thread(&thread, answers, (void *)(long)pair[1])) exit(10);
  for (unsigned i = 0; i < 4; i++) {
    size_t size = 1 + roll(a, sizeof bytes);
    memset(bytes, (int)(i + a->id), size);
    if (write(pair[0], bytes, size) < 0) break;
    long n = ANSWER(read(pair[0], bytes, sizeof bytes));
    value = value * 31 + (uint64_t)n;
  }
  shutdown(pair[0], SHUT_WR);
  pthread_join(thread, NULL);
  saw(a, "%lu", value);
  close(pair[0]), close(pair[1]);
}

static void connects(struct actor *a) {
  struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof here;
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), server = -1;
  char bytes[64] = {0};
  long r = ANSWER(bind(listener, (void *)&here, sizeof here));
  listen(listener, 4);
  getsockname(listener, (void *)&here, &length);
  long r2 = ANSWER(connect(client, (void *)&here, sizeof here));
  if (r2 == 0) server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
  long sent = ANSWER(send(client, "hello", 1 + roll(a, 5), MSG_NOSIGNAL));
  long got = server >= 0 ? ANSWER(recv(server, bytes, sizeof bytes, 0)) : 0;
  saw(a, "%ld %ld %ld %ld port %d", r, r2, sent, got, ntohs(here.sin_port));
  close(client), close(listener);
  if (server >= 0) close(server);
}

static void duplicates(struct actor *a) {
  int kind = (int)roll(a, KINDS), copy = dup(ends[kind][1]);
  long high = ANSWER(fcntl(ends[kind][0], F_DUPFD_CLOEXEC, 40 + (int)roll(a, 20)));
  long r = ANSWER(write(copy, "dup", 3)), flags = ANSWER(fcntl(copy, F_GETFL));
  saw(a, "%d: %d %ld %ld %lx", kind, copy, high, r, (unsigned long)flags);
  close(copy);
  if (high >= 0) close((int)high);
}

const struct operation channel_operations[] = {
    {"writes", writes, CHILD},
    {"reads", reads, CHILD},
    {"counts", counts, CHILD},
    {"ticks_of_timer", ticks_of_timer, CHILD},
    {"waits_on_epoll", waits_on_epoll, CHILD},
    {"changes_epoll", changes_epoll, CHILD},
    {"polls", polls, CHILD},
    {"selects", selects, CHILD},
    {"passes_descriptors", passes_descriptors, CHILD},
    {"converses", converses, CHILD},
    {"connects", connects, CHILD},
    {"duplicates", duplicates, CHILD},
    {NULL, NULL, 0}};
