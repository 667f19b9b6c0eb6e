/* groups-server.c: a server whose processes share no memory. It listens on port 80; a line with a
 * number is answered with the next one, which one of two workers, each of two threads, works out:
 * number and answer go through pipes. Two more children only compute, and report each round; now
 * and then one of them is killed and replaced. `total` is answered with how many rounds there were.
 * The rule: a result that is wrong ends the server. */
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORKERS = 2, COUNTERS = 2, CLIENTS = 16, REPLACE_AFTER = 97, ROUND = 700000 };

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static unsigned work(unsigned seed, unsigned rounds) {
  for (unsigned i = 0; i < rounds; i++) seed = seed * 1103515245u + 12345u + (seed >> 7);
  return seed;
}

struct order { int client; long number; };
static int orders[2];
static volatile unsigned spent;

static void *serve(void *answers) {
  struct order order;
  while (read(orders[0], &order, sizeof order) == sizeof order) {
    spent = work((unsigned)order.number, 100000);
    order.number++;
    if (write(*(int *)answers, &order, sizeof order) != sizeof order) fail("answer");
  }
  return NULL;
}

static void worker(int answers) {
  pthread_t second;
  if (pthread_create(&second, NULL, serve, &answers)) fail("thread");
  serve(&answers);
  exit(0);
}

static int reports[2];
static unsigned first_result;
static pid_t counter(unsigned number) {
  pid_t pid = fork();
  if (pid < 0) fail("fork");
  if (pid) return pid;
  for (;;) {
    unsigned result[2] = {number, work(1, ROUND)};
    if (write(reports[1], result, sizeof result) != sizeof result) fail("report");
  }
}

static pid_t counters[COUNTERS];
static unsigned long rounds[COUNTERS];
static void replace(unsigned number) {
  int status;
  kill(counters[number], SIGKILL);
  if (waitpid(counters[number], &status, 0) != counters[number] || !WIFSIGNALED(status))
    fail("wait");
  counters[number] = counter(number);
}

static void hear_report(void) {
  unsigned result[2];
  if (read(reports[0], result, sizeof result) != sizeof result) fail("reports");
  if (result[0] >= COUNTERS || result[1] != first_result) fail("a result that is wrong");
  rounds[result[0]]++;
}

static void hear_answer(int answers) {
  struct order order;
  char line[32];
  if (read(answers, &order, sizeof order) != sizeof order) fail("answers");
  int bytes = snprintf(line, sizeof line, "%ld\n", order.number);
  if (write(order.client, line, (size_t)bytes) != bytes) fail("client");
}

static unsigned long lines;
static int hear_client(int client) {
  char text[256], *at = text;
  ssize_t bytes = read(client, text, sizeof text - 1);
  if (bytes <= 0) return 0;
  text[bytes] = 0;
  for (char *end; (end = strchr(at, '\n')); at = end + 1) {
    struct order order = {client, atol(at)};
    if (!strncmp(at, "total", 5))
      dprintf(client, "%lu\n", rounds[0] + rounds[1]);
    else if (write(orders[1], &order, sizeof order) != sizeof order)
      fail("order");
    if (++lines % REPLACE_AFTER == 0) replace(lines / REPLACE_AFTER % COUNTERS);
  }
  return 1;
}

static int listen_on(unsigned short port) {
  int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port)};
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(listener, (struct sockaddr *)&name, sizeof name) || listen(listener, 16)) fail("listen");
  return listener;
}

int main(void) {
  int answers[2];
  struct pollfd fds[3 + CLIENTS];
  nfds_t count = 3;
  if (pipe(orders) || pipe(answers) || pipe(reports)) fail("pipe");
  first_result = work(1, ROUND);
  for (int i = 0; i < WORKERS; i++)
    if (!fork()) worker(answers[1]);
  for (unsigned i = 0; i < COUNTERS; i++) counters[i] = counter(i);
  const int own[3] = {listen_on(80), answers[0], reports[0]};
  for (int i = 0; i < 3; i++) fds[i] = (struct pollfd){own[i], POLLIN, 0};
  for (;;) {
    if (poll(fds, count, -1) < 0) fail("poll");
    if (fds[1].revents) hear_answer(answers[0]);
    if (fds[2].revents) hear_report();
    for (nfds_t i = 3; i < count; i++)
      if (fds[i].revents && !hear_client(fds[i].fd)) {
        close(fds[i].fd);
        fds[i] = fds[--count];
      }
    if (!fds[0].revents || count == 3 + CLIENTS) continue;
    fds[count++] = (struct pollfd){accept(own[0], NULL, NULL), POLLIN, 0};
  }
}
