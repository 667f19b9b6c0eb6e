/* memcached-load.c: a client of memcached that costs little: threads of their own connections, each
 * of which sends a pipeline of requests in one write and reads the answers; nine of ten are GETs.
 * Prints "requests REQUESTS_A_SECOND". The rule: every answer is looked at; a wrong one, or none,
 * ends it with a sentence and status 1.
 * Usage: memcached-load HOST PORT THREADS CONNECTIONS DEPTH REQUESTS */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define KEYS 10000
#define VALUE_BYTES 64
#define DEPTH_MOST 64
#define ANSWER_MOST (VALUE_BYTES + 64)

struct connection {
  int fd, asked; /* answers that are still to come */
  int is_set[DEPTH_MOST], first;
  unsigned key[DEPTH_MOST];
  char got[DEPTH_MOST * ANSWER_MOST];
  size_t bytes;
};

static struct sockaddr_in server;
static long requests, connections;
static int depth, threads;
static char value[VALUE_BYTES + 1];

static void fail(const char *what) {
  fprintf(stderr, "memcached-load: %s\n", what);
  exit(1);
}

static unsigned next_random(unsigned long *seed) {
  *seed = *seed * 6364136223846793005ul + 1442695040888963407ul;
  return (unsigned)(*seed >> 33);
}

static int set_text(char *to, unsigned key) {
  return sprintf(to, "set k%u 0 0 %d\r\n%s\r\n", key, VALUE_BYTES, value);
}

static int connect_one(void) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
  struct timeval patience = {30, 0};
  if (fd < 0 || connect(fd, (void *)&server, sizeof server)) fail("no connection");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  return fd;
}

static void write_all(int fd, const char *at, size_t bytes) {
  while (bytes) {
    ssize_t n = write(fd, at, bytes);
    if (n <= 0) fail("a connection ended");
    at += n;
    bytes -= (size_t)n;
  }
}

static void ask(struct connection *c, unsigned long *seed) {
  char text[DEPTH_MOST * ANSWER_MOST];
  size_t bytes = 0;
  for (int i = 0; i < depth; i++) {
    c->key[i] = next_random(seed) % KEYS;
    c->is_set[i] = next_random(seed) % 10 == 0;
    bytes += (size_t)(c->is_set[i] ? set_text(text + bytes, c->key[i])
                                   : sprintf(text + bytes, "get k%u\r\n", c->key[i]));
  }
  c->asked = depth;
  c->first = 0;
  write_all(c->fd, text, bytes);
}

/* Takes whole answers away; 1 when none is left to come. */
static int hear(struct connection *c) {
  char want[ANSWER_MOST];
  size_t used = 0;
  ssize_t n = read(c->fd, c->got + c->bytes, sizeof c->got - c->bytes);
  if (n <= 0) fail("no answer in time, or a connection ended");
  c->bytes += (size_t)n;
  while (c->asked) {
    size_t bytes = (size_t)(c->is_set[c->first]
                                ? sprintf(want, "STORED\r\n")
                                : sprintf(want, "VALUE k%u 0 %d\r\n%s\r\nEND\r\n",
                                          c->key[c->first], VALUE_BYTES, value));
    if (c->bytes - used < bytes) break;
    if (memcmp(c->got + used, want, bytes)) fail("a wrong answer");
    used += bytes;
    c->first++;
    c->asked--;
  }
  memmove(c->got, c->got + used, c->bytes - used);
  c->bytes -= used;
  return !c->asked;
}

/* Every key is there before anything is measured. */
static void fill(void) {
  struct connection *c = calloc(1, sizeof *c);
  char text[ANSWER_MOST];
  c->fd = connect_one();
  for (unsigned key = 0; key < KEYS; key++) {
    write_all(c->fd, text, (size_t)set_text(text, key));
    c->is_set[0] = c->asked = 1;
    c->first = 0;
    while (!hear(c)) continue;
  }
  close(c->fd);
  free(c);
}

static void *load(void *argument) {
  unsigned long seed = (unsigned long)argument * 7919 + 1;
  long left = requests / threads / depth, mine = connections / threads;
  int poll = epoll_create1(EPOLL_CLOEXEC);
  struct connection *all = calloc((size_t)mine, sizeof *all);
  long open = 0;
  for (long i = 0; i < mine; i++) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &all[i]};
    all[i].fd = connect_one();
    epoll_ctl(poll, EPOLL_CTL_ADD, all[i].fd, &event);
  }
  for (; open < mine && left > 0; open++, left--) ask(&all[open], &seed);
  while (open > 0) {
    struct epoll_event events[64];
    int n = epoll_wait(poll, events, 64, 30000);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) fail("no answer for 30 s");
    for (int i = 0; i < n; i++) {
      struct connection *c = events[i].data.ptr;
      if (!hear(c)) continue;
      if (left-- > 0)
        ask(c, &seed);
      else
        open--;
    }
  }
  for (long i = 0; i < mine; i++) close(all[i].fd);
  free(all);
  return NULL;
}

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
  pthread_t all[64];
  if (argc != 7) fail("HOST PORT THREADS CONNECTIONS DEPTH REQUESTS");
  server.sin_family = AF_INET;
  server.sin_port = htons((unsigned short)atoi(argv[2]));
  if (inet_pton(AF_INET, argv[1], &server.sin_addr) != 1) fail("HOST is an address");
  threads = atoi(argv[3]);
  connections = atol(argv[4]);
  depth = atoi(argv[5]);
  requests = atol(argv[6]);
  if (threads < 1 || threads > 64 || depth < 1 || depth > DEPTH_MOST || connections < threads)
    fail("1 to 64 threads, at most 64 deep, and a connection for each thread");
  memset(value, 'v', VALUE_BYTES);
  fill();
  double start = seconds();
  for (long i = 0; i < threads; i++)
    if (pthread_create(&all[i], NULL, load, (void *)i)) fail("no thread");
  for (long i = 0; i < threads; i++) pthread_join(all[i], NULL);
  long made = requests / threads / depth * threads * depth;
  printf("requests %.1f\n", (double)made / (seconds() - start));
  return 0;
}
