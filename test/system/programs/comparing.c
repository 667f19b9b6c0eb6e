/* comparing.c: a process whose memory is compared while it runs: threads that wait in calls which
 * write into its memory (poll, recvmsg, accept), one that is given work, and a child of its own.
 * With `planted` it puts into memory what it must not look at: whether it is the copy. */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RUN_MS 3600

static int ends[3][2], listener, done;
static volatile unsigned long long planted;

static void *polls(void *argument) {
  (void)argument;
  struct pollfd p[2] = {{ends[0][0], POLLIN, 0}, {listener, POLLIN, 0}};
  char byte;
  while (!done && poll(p, 2, -1) > 0)
    if (p[0].revents && read(ends[0][0], &byte, 1) != 1) break;
  return NULL;
}

static void *receives(void *argument) {
  (void)argument;
  char text[64];
  while (!done) {
    struct iovec part = {text, sizeof text};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (recvmsg(ends[1][0], &message, 0) <= 0) break;
  }
  return NULL;
}

static void *accepts(void *argument) {
  (void)argument;
  struct sockaddr_in from;
  socklen_t bytes = sizeof from;
  int fd = accept(listener, (struct sockaddr *)&from, &bytes);
  if (fd >= 0) close(fd);
  return NULL;
}

static unsigned long now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (unsigned long)t.tv_sec * 1000 + (unsigned long)t.tv_nsec / 1000000;
}

static unsigned long work(unsigned long rounds) {
  unsigned long start = now_ms(), sum = rounds;
  unsigned char *area = malloc(1 << 20);
  struct timespec rest = {0, 5000000};
  while (now_ms() - start < RUN_MS) {
    for (int i = 0; i < 4096; i++) {
      sum = sum * 6364136223846793005 + 1442695040888963407;
      area[sum >> 44]++;
    }
    nanosleep(&rest, NULL);
    if (rounds && write(ends[0][1], "x", 1) + write(ends[1][1], "yy", 2) != 3) exit(3);
  }
  free(area);
  return sum;
}

static void connect_once(void) {
  struct sockaddr_in to;
  socklen_t bytes = sizeof to;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  getsockname(listener, (struct sockaddr *)&to, &bytes);
  if (connect(fd, (struct sockaddr *)&to, sizeof to)) exit(4);
  close(fd);
}

int main(int argc, char **argv) {
  struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  pthread_t threads[3];
  for (int i = 0; i < 3; i++)
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends[i])) return 2;
  listener = socket(AF_INET, SOCK_STREAM, 0);
  if (bind(listener, (struct sockaddr *)&any, sizeof any) || listen(listener, 5)) return 2;
  pid_t child = fork();
  if (!child) return work(0) == 0;
  if (argc > 1 && !strcmp(argv[1], "planted"))
    planted = ((volatile unsigned *)0x300000000000)[4]; /* HS_SESSION_BASE, the mode */
  void *(*const run[3])(void *) = {polls, receives, accepts};
  for (int i = 0; i < 3; i++) pthread_create(&threads[i], NULL, run[i], NULL);
  unsigned long sum = work(1);
  done = 1;
  connect_once();
  if (write(ends[0][1], "x", 1) + write(ends[1][1], "yy", 2) != 3) return 3;
  for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
  int status;
  waitpid(child, &status, 0);
  printf("%d %d\n", sum != 0, WEXITSTATUS(status));
  return 0;
}
