/* takeover-server.c: a server with one port for each thing a takeover has to keep, and one to be
 * asked what it has seen. Usage: takeover-server VIP. One thread, epoll, sockets that never block.
 *
 *   7001 echo                7002 "N\n": N bytes, then close         7003 the same, then shutdown
 *   7004 reads to the end of file, then waits for `reply`       7005 accepts when told `accept`
 *   7006 echo by EPOLLONESHOT, armed again when told `arm`           7007 UDP echo
 *   7009 control: a line in, a line of JSON out
 *
 * The rule: it keeps count and judges nothing; byte i of every stream is pattern(i). */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { ECHO = 7001, CLOSES, SHUTS, REPLIES, LATE, ONESHOT, UDP, CONTROL = 7009 };
enum { MOST = 256, REPLY_BYTES = 300000 };
#define DIE(what) (perror(what), exit(1))

struct conn {
  int port, eof, hup, error, ended;
  long in, toSend, sent;
  char line[64];
  unsigned lineBytes;
};

static struct conn conns[MOST];
static int poller, listeners[8], udp, dialled = -1, timerFd;
static char *vip;
static long accepted, hups, resets, eofs, udpSeen, oneshots, timerTicks;
static volatile sig_atomic_t alarms, intervals, posixTicks;
static unsigned char block[65536 + 65536];

static void on_signal(int s) {
  if (s == SIGALRM) alarms++;
  if (s == SIGVTALRM) intervals++;
  if (s == SIGUSR1) posixTicks++;
}

static void watch(int fd, unsigned events) {
  struct epoll_event e = {.events = events, .data.fd = fd};
  if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &e)) DIE("epoll_ctl");
}

static struct sockaddr_in address(const char *host, int port) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
  a.sin_addr.s_addr = inet_addr(host);
  return a;
}

static int open_port(int port, int type) {
  int one = 1, fd = socket(AF_INET, type | SOCK_NONBLOCK, 0);
  struct sockaddr_in a = address(vip, port);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(fd, (void *)&a, sizeof a) || (type == SOCK_STREAM && listen(fd, 64))) DIE("port");
  return fd;
}

static void end(int fd) {
  conns[fd].port = 0;
  close(fd);
}

/* Sends what is due. The socket is watched for room as long as it has none. */
static void push(int fd) {
  struct conn *c = &conns[fd];
  while (c->sent < c->toSend) {
    size_t n = (size_t)(c->toSend - c->sent);
    ssize_t done = send(fd, block + c->sent % 65536, n < 65536 ? n : 65536, MSG_NOSIGNAL);
    if (done < 0 && errno == EAGAIN) {
      struct epoll_event e = {.events = EPOLLIN | EPOLLOUT, .data.fd = fd};
      epoll_ctl(poller, EPOLL_CTL_MOD, fd, &e);
      return;
    }
    if (done <= 0) {
      c->error = errno;
      end(fd);
      return;
    }
    c->sent += done;
  }
  struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};
  if (c->port != ONESHOT) epoll_ctl(poller, EPOLL_CTL_MOD, fd, &e);
  if (c->ended || c->sent == 0 || c->port == ECHO || c->port == LATE || c->port == ONESHOT) return;
  c->ended = 1;
  if (c->port == CLOSES) end(fd);
  else shutdown(fd, SHUT_WR);
}

static void take(int fd, const char *bytes, ssize_t n) {
  struct conn *c = &conns[fd];
  c->in += n;
  if (c->port == CLOSES || c->port == SHUTS) {
    for (ssize_t i = 0; i < n && c->lineBytes < sizeof c->line - 1; i++)
      if (!c->toSend && (c->line[c->lineBytes++] = bytes[i]) == '\n') c->toSend = atol(c->line);
  } else if (c->port != REPLIES) {
    c->toSend += n; /* an echo of the pattern is the pattern */
  }
  push(fd);
}

static void on_readable(int fd, unsigned events) {
  static char buffer[65536];
  struct conn *c = &conns[fd];
  if (events & EPOLLHUP) hups++;
  for (int i = 0; i < 4 && c->port; i++) {
    ssize_t n = recv(fd, buffer, sizeof buffer, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n > 0) {
      take(fd, buffer, n);
      continue;
    }
    if (n < 0 && errno == ECONNRESET) resets++;
    if (n == 0 && !c->eof) eofs++;
    c->eof = 1;
    if (n == 0 && c->port == REPLIES) { /* its end of file stays readable: look no more */
      epoll_ctl(poller, EPOLL_CTL_DEL, fd, 0);
      return;
    }
    end(fd);
  }
}

static void take_all(int listener, int port) {
  for (;;) {
    int fd = accept4(listener, 0, 0, SOCK_NONBLOCK);
    if (fd < 0) return;
    if (fd >= MOST) exit(2);
    accepted++;
    conns[fd] = (struct conn){.port = port};
    watch(fd, EPOLLIN | (port == ONESHOT ? EPOLLONESHOT : 0));
  }
}

static void dial(char *words) {
  char host[32];
  int port;
  if (sscanf(words, "%31s %d", host, &port) != 2) return;
  struct sockaddr_in to = address(host, port);
  dialled = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(dialled, (void *)&to, sizeof to)) DIE("connect");
  fcntl(dialled, F_SETFL, O_NONBLOCK);
  conns[dialled] = (struct conn){.port = ECHO};
  watch(dialled, EPOLLIN);
}

static void arm_timers(int ms) {
  struct itimerval real = {.it_value = {ms / 1000, ms % 1000 * 1000}};
  struct itimerspec spec = {.it_value = {ms / 1000, ms % 1000 * 1000000L}};
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
  timer_t timer;
  setitimer(ITIMER_REAL, &real, 0);
  if (timer_create(CLOCK_MONOTONIC, &event, &timer)) DIE("timer_create");
  timer_settime(timer, 0, &spec, 0);
  timerfd_settime(timerFd, 0, &spec, 0);
}

static void command(int fd, char *line) {
  static char answer[512];
  if (!strncmp(line, "accept", 6)) take_all(listeners[LATE - ECHO], LATE);
  if (!strncmp(line, "dial ", 5)) dial(line + 5);
  if (!strncmp(line, "timers ", 7)) arm_timers(atoi(line + 7));
  if (!strncmp(line, "drop", 4) && (setgroups(0, NULL) || setgid(33) || setuid(33))) DIE("setuid");
  for (int i = 0; i < MOST; i++) {
    struct epoll_event e = {.events = EPOLLIN | EPOLLONESHOT, .data.fd = i};
    if (!strncmp(line, "arm", 3) && conns[i].port == ONESHOT)
      epoll_ctl(poller, EPOLL_CTL_MOD, i, &e);
    if (!strncmp(line, "reply", 5) && conns[i].port == REPLIES) {
      conns[i].toSend = REPLY_BYTES;
      watch(i, EPOLLOUT);
    }
  }
  int n = snprintf(answer, sizeof answer, "{\"accepted\":%ld,\"hups\":%ld,\"resets\":%ld,"
                   "\"eofs\":%ld,\"udp\":%ld,\"oneshots\":%ld,\"alarms\":%d,\"posix\":%d,"
                   "\"timerfd\":%ld}\n", accepted, hups, resets, eofs, udpSeen, oneshots,
                   (int)alarms, (int)posixTicks, timerTicks);
  if (send(fd, answer, (size_t)n, MSG_NOSIGNAL) != n) end(fd);
}

static void on_control(int fd) {
  char line[256];
  ssize_t n = recv(fd, line, sizeof line - 1, 0);
  if (n <= 0) {
    end(fd);
    return;
  }
  line[n] = 0;
  command(fd, line);
}

static void on_datagram(void) {
  char bytes[2048];
  struct sockaddr_in from;
  socklen_t len = sizeof from;
  ssize_t n = recvfrom(udp, bytes, sizeof bytes, 0, (void *)&from, &len);
  if (n < 0) return;
  udpSeen++;
  sendto(udp, bytes, (size_t)n, 0, (void *)&from, len);
}

static void on_event(struct epoll_event e) {
  int fd = e.data.fd;
  for (int i = 0; i < 8; i++)
    if (fd == listeners[i] && fd) return take_all(fd, i == 7 ? CONTROL : ECHO + i);
  if (fd == udp) return on_datagram();
  if (fd == timerFd) {
    unsigned long ticks;
    if (read(fd, &ticks, 8) == 8) timerTicks += (long)ticks;
  } else if (conns[fd].port == CONTROL) {
    on_control(fd);
  } else {
    if (conns[fd].port == ONESHOT) oneshots++;
    if (e.events & EPOLLOUT && conns[fd].port) push(fd);
    if (e.events & ~(unsigned)EPOLLOUT && conns[fd].port) on_readable(fd, e.events);
  }
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  vip = argv[1];
  for (int i = 0; i < (int)sizeof block; i++)
    block[i] = (unsigned char)((i & 65535) * 7 + ((i & 65535) >> 8));
  signal(SIGALRM, on_signal), signal(SIGUSR1, on_signal), signal(SIGVTALRM, on_signal);
  poller = epoll_create1(0);
  /* a file of /proc can be waited for; what stands for it in the copy cannot */
  watch(open("/proc/sys/kernel/hostname", O_RDONLY), EPOLLPRI | EPOLLET);
  timerFd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  for (int i = 0; i < 8; i++) {
    int port = i == 7 ? CONTROL : ECHO + i;
    if (port == UDP) continue;
    listeners[i] = open_port(port, SOCK_STREAM);
    if (port != LATE) watch(listeners[i], EPOLLIN);
  }
  udp = open_port(UDP, SOCK_DGRAM);
  watch(udp, EPOLLIN), watch(timerFd, EPOLLIN);
  for (;;) {
    struct epoll_event events[32];
    int n = epoll_wait(poller, events, 32, -1);
    for (int i = 0; i < n; i++) on_event(events[i]);
  }
}
