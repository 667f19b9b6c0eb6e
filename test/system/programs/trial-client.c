/* trial-client.c: COUNT connections to a trial-server; every byte both ways is checked.
 * Usage: trial-client VIP PORT COUNT BYTES SEED SECONDS
 * Even connections carry BYTES each way, odd ones only upwards. Prints READY when the server
 * has greeted all, and at the end one line that begins with OK or with what went wrong. The rule:
 * OK only if the server's own account of what it read (its trailer) is right, and it closed in
 * order. */
#include "trial.h"

#define GREETING 1u
#define HELLO 16u
#define TRAILER 16u

struct client {
  int fd, greeted, done, shut;
  u32 mode;            /* 0 both ways, 1 upwards only */
  u64 id, sent, got, digest;
  u64 lastNs, gapNs;   /* time of the last progress; longest time without */
  u8 trailer[TRAILER];
};

static struct client *clients;
static u64 bytes;
static u32 count;

static void fail(struct client *c, const char *what) {
  printf("%s conn=%ld mode=%u sent=%llu got=%llu\n", what, (long)(c - clients), c->mode, c->sent,
         c->got);
  exit(1);
}

static u64 down(const struct client *c) { return c->mode ? 0 : bytes; }

/* What shows that a stream is alive: bytes in, or room for bytes out where nothing comes in. */
static void progress(struct client *c) {
  u64 now = now_ns();
  if (c->lastNs && now - c->lastNs > c->gapNs) c->gapNs = now - c->lastNs;
  c->lastNs = now;
}

static void upload(struct client *c) {
  static u8 chunk[65536];
  while (c->sent < HELLO + bytes) {
    size_t n = HELLO + bytes - c->sent;
    if (n > sizeof chunk) n = sizeof chunk;
    if (c->sent < HELLO) {
      u64 hello[2] = {c->id, bytes << 2 | c->mode};
      n = HELLO;
      memcpy(chunk, hello, HELLO);
    } else {
      pattern_fill(c->id * 2, c->sent - HELLO, chunk, n);
    }
    ssize_t sent = send(c->fd, chunk, n, MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) return;
    if (sent < 0) fail(c, "SEND-ERROR");
    if (c->sent < HELLO && sent != HELLO) fail(c, "SHORT-HELLO");
    for (ssize_t i = 0; c->sent >= HELLO && i < sent; i++) c->digest = c->digest * 31 + chunk[i];
    c->sent += (u64)sent;
    if (c->mode) progress(c);
  }
}

static void check(struct client *c, const u8 *at, size_t n) {
  if (c->got < GREETING && n) {
    if (*at != 'G') fail(c, "MISMATCH-GREETING");
    c->greeted = 1, c->got++, at++, n--;
  }
  u64 end = GREETING + down(c);
  size_t body = c->got < end ? (end - c->got < n ? end - c->got : n) : 0;
  size_t right = pattern_match(c->id * 2 + 1, c->got - GREETING, at, body);
  c->got += right;
  if (right != body) fail(c, "MISMATCH");
  for (size_t i = body; i < n; i++, c->got++) {
    if (c->got >= end + TRAILER) fail(c, "TOO-MUCH");
    c->trailer[c->got - end] = at[i];
  }
}

static void finish(struct client *c) {
  u64 account[2];
  memcpy(account, c->trailer, TRAILER);
  if (account[0] != bytes || account[1] != c->digest) fail(c, "WRONG-ACCOUNT");
  c->done = 1;
}

static void download(struct client *c) {
  static u8 chunk[1 << 17];
  for (;;) {
    ssize_t n = recv(c->fd, chunk, sizeof chunk, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n < 0) fail(c, errno == ECONNRESET ? "RESET" : "RECEIVE-ERROR");
    if (n == 0 && !c->shut) fail(c, "EARLY-EOF");
    if (n == 0) return finish(c);
    if (c->got < GREETING + down(c)) progress(c); /* what follows waits for the upload */
    check(c, chunk, (size_t)n);
    if (c->got == GREETING + down(c) + TRAILER && !c->shut) {
      c->shut = 1;
      shutdown(c->fd, SHUT_WR);
    }
  }
}

static void open_all(const char *vip, const char *port, u64 seed, int poller) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(port))};
  to.sin_addr.s_addr = inet_addr(vip);
  for (u32 i = 0; i < count; i++) {
    struct client *c = &clients[i];
    struct epoll_event event = {EPOLLIN | EPOLLOUT | EPOLLET, {.u32 = i}};
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    c->id = mix(seed + i) >> 1;
    c->mode = i & 1;
    if (connect(c->fd, (void *)&to, sizeof to)) DIE("connect");
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    if (epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &event)) DIE("epoll_ctl");
  }
}

static u32 tally(size_t offset) {
  u32 n = 0;
  for (u32 i = 0; i < count; i++) n += *(int *)((char *)&clients[i] + offset) != 0;
  return n;
}

int main(int argc, char **argv) {
  if (argc != 7) return 2;
  count = (u32)atoi(argv[3]);
  bytes = strtoull(argv[4], 0, 10);
  clients = calloc(count, sizeof *clients);
  int poller = epoll_create1(0), ready = 0;
  open_all(argv[1], argv[2], strtoull(argv[5], 0, 10), poller);
  u64 until = now_ns() + strtoull(argv[6], 0, 10) * 1000000000;
  while (tally(offsetof(struct client, done)) < count) {
    struct epoll_event events[64];
    int n = epoll_wait(poller, events, 64, 200);
    for (int i = 0; i < n; i++) {
      struct client *c = &clients[events[i].data.u32];
      if (events[i].events & EPOLLERR) fail(c, "RESET");
      download(c);
      /* nothing goes up before all are greeted: a kill before that is no trial of streams */
      if (ready) upload(c);
    }
    if (!ready && tally(offsetof(struct client, greeted)) == count) {
      ready = 1;
      puts("READY");
      fflush(stdout);
      for (u32 i = 0; i < count; i++) upload(&clients[i]);
    }
    if (now_ns() < until) continue;
    for (u32 i = 0; i < count; i++)
      if (!clients[i].done) fail(&clients[i], "HUNG");
  }
  double worst[2] = {0, 0};
  for (u32 i = 0; i < count; i++) {
    double gap = (double)clients[i].gapNs / 1e6;
    if (gap > worst[i & 1]) worst[i & 1] = gap;
  }
  printf("OK bothMs=%.1f upMs=%.1f\n", worst[0], worst[1]);
  return 0;
}
