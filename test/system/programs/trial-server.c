/* trial-server.c: the program of trial-program.h on a primary, and on the standby that takes over.
 * Usage: trial-server primary|standby VIP PORT PINS DEVICE CHANNEL CHANNEL-PORT SEED DELAY-US
 *
 * It keeps the two rules of the system by itself, in small: nothing leaves before the standby has
 * the records before it, and the ACK limit moves only with what the standby has confirmed. The
 * standby takes over when a line comes on its standard input. DELAY-US is how long it sits on
 * records before it confirms them; what it sits on when the end comes is lost, half of the time.
 * The rule: nothing of the log but the records crosses from one host to the other. */
#include <netinet/tcp.h>
#include "trial-program.h"

#define MAX_CONNS 256
#define OUTBOX 1048576u     /* bytes written and not yet taken by the kernel */
#define FIFO 1048576u
#define ASK_AGAIN_NS 10000000ull
#define ASK_BOUND_NS 1000000000ull
#define LISTENER 0xffffffffu
#define CHANNEL 0xfffffffeu

enum kind { ACCEPTED = 1, READ, WROTE, ENDED, CLOSED };
struct record { u32 kind, conn, len, pad; u64 count; };

struct conn {
  int fd; /* -1: none */
  u32 slot;
  struct hs_tcp tcp;
  struct program program;
  u64 released, sent; /* bytes out that may leave, and that the kernel has */
  u32 interest;
};

/* What to do when the standby has confirmed the log up to `position`. */
struct promise { u64 position; u32 kind, conn; u64 count; };

static struct conn conns[MAX_CONNS];
static u32 connCount, vip, delayUs;
static unsigned short port;
static struct maps maps;
static int raw, poller, channel = -1, alone;
static u64 rng, position, confirmed;
static struct promise *fifo;
static u64 fifoHead, fifoTail;
static u8 outgoing[1 << 20];
static size_t outgoingBytes;

static u32 chance(void) {
  rng = rng * 6364136223846793005ull + 1442695040888963407ull;
  return (u32)(rng >> 33);
}

/* ---- the log, primary's side ---- */

static void flush_log(void) {
  for (size_t done = 0; done < outgoingBytes;) {
    ssize_t n = send(channel, outgoing + done, outgoingBytes - done, MSG_NOSIGNAL);
    if (n <= 0) exit(0); /* the standby is gone: this trial is over */
    done += (size_t)n;
  }
  outgoingBytes = 0;
}

static void record(enum kind kind, struct conn *c, u64 count, const void *data, u32 len) {
  if (alone) return;
  struct record r = {kind, (u32)(c - conns), len, 0, count};
  if (outgoingBytes + sizeof r + len > sizeof outgoing) flush_log();
  memcpy(outgoing + outgoingBytes, &r, sizeof r);
  if (len) memcpy(outgoing + outgoingBytes + sizeof r, data, len);
  outgoingBytes += sizeof r + len;
  position += sizeof r + len;
}

static void promise(enum kind kind, struct conn *c, u64 count) {
  fifo[fifoTail++ % FIFO] = (struct promise){position, kind, (u32)(c - conns), count};
}

static void finish(struct conn *c) {
  __atomic_fetch_or(&maps.slots[c->slot].flags, HS_NET_FIN_OK, __ATOMIC_SEQ_CST);
  close(c->fd);
  c->fd = -1;
}

/* Hands the kernel what may leave. */
static void push_out(struct conn *c) {
  static u8 chunk[65536];
  while (c->fd >= 0 && c->sent < c->released) {
    size_t n = c->released - c->sent < sizeof chunk ? c->released - c->sent : sizeof chunk;
    program_output(&c->program, c->sent, chunk, n);
    ssize_t sent = send(c->fd, chunk, n, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EAGAIN) break;
    if (sent < 0) DIE("send");
    c->sent += (u64)sent;
  }
  if (c->fd >= 0 && c->program.closed && c->sent == c->program.written) finish(c);
}

static void keep(const struct promise *p) {
  struct conn *c = &conns[p->conn];
  if (p->kind == READ) {
    struct hs_net_slot *slot = &maps.slots[c->slot];
    if (hs_tcp_raise(slot, c->tcp.irs1 + (u32)p->count)) hs_tcp_push(raw, &c->tcp, slot);
  } else if (p->kind == WROTE) {
    c->released = p->count;
    push_out(c);
  } else if (p->kind == CLOSED) {
    c->program.closed = 1;
    push_out(c);
  }
}

static void confirmations(void) {
  u64 words[512];
  ssize_t n = recv(channel, words, sizeof words, MSG_DONTWAIT);
  if (n == 0) exit(0);
  if (n < 8) return;
  if (n % 8) DIE("confirmation cut in two");
  confirmed = words[n / 8 - 1];
  while (fifoHead < fifoTail && fifo[fifoHead % FIFO].position <= confirmed)
    keep(&fifo[fifoHead++ % FIFO]);
}

/* ---- the program ---- */

static void want(struct conn *c) {
  u32 interest = EPOLLIN;
  if (c->program.ended) interest = 0;
  if (c->sent < c->released) interest |= EPOLLOUT;
  if (c->fd < 0 || interest == c->interest) return;
  struct epoll_event event = {interest, {.u32 = (u32)(c - conns)}};
  epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &event);
  c->interest = interest;
}

static void run_writes(struct conn *c) {
  struct program *p = &c->program;
  while (p->written < program_wants(p) && p->written - c->sent < OUTBOX) {
    u64 n = 1 + chance() % 65536, left = program_wants(p) - p->written;
    p->written += n < left ? n : left;
    record(WROTE, c, p->written, 0, 0);
    if (alone) c->released = p->written;
    else promise(WROTE, c, p->written);
  }
  push_out(c);
}

/* The client has finished, so the program closes: two records, each with its promise. */
static void end_of_file(struct conn *c) {
  c->program.ended = 1;
  c->program.read++;
  record(ENDED, c, 0, 0, 0);
  if (!alone) promise(READ, c, c->program.read);
  record(CLOSED, c, 0, 0, 0);
  if (!alone) promise(CLOSED, c, 0);
  else c->program.closed = 1;
}

static void run_reads(struct conn *c) {
  static u8 chunk[65536];
  if (c->program.ended) return;
  ssize_t n = recv(c->fd, chunk, 1 + chance() % sizeof chunk, MSG_DONTWAIT);
  if (n < 0 && errno == EAGAIN) return;
  if (n < 0) DIE("recv");
  if (n == 0) return end_of_file(c);
  if (program_input(&c->program, chunk, (size_t)n)) {
    fprintf(stderr, "DAMAGED conn=%ld read=%llu alone=%d\n", (long)(c - conns), c->program.read,
            alone);
    exit(9);
  }
  record(READ, c, c->program.read, chunk, (u32)n);
  if (!alone) promise(READ, c, c->program.read);
}

static void watch(struct conn *c) {
  struct epoll_event event = {EPOLLIN, {.u32 = (u32)(c - conns)}};
  c->interest = EPOLLIN;
  if (epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &event)) DIE("epoll_ctl");
}

static void accept_all(int listener) {
  for (;;) {
    int fd = accept4(listener, 0, 0, SOCK_NONBLOCK);
    if (fd < 0) return;
    if (connCount == MAX_CONNS) DIE("too many connections");
    struct conn *c = &conns[connCount++];
    memset(c, 0, sizeof *c);
    c->fd = fd;
    long result = hs_tcp_note(fd, &c->tcp, now_ns());
    CHECK(result, "note");
    long slot = slot_find(&maps, key_of(&c->tcp));
    if (slot < 0) DIE("connection without a slot");
    c->slot = (u32)slot;
    struct hs_net_slot *s = &maps.slots[slot];
    if (s->irs1 != c->tcp.irs1 || s->iss1 != c->tcp.iss1) DIE("slot and socket disagree");
    __atomic_fetch_or(&s->flags, HS_NET_NOTED, __ATOMIC_SEQ_CST);
    record(ACCEPTED, c, 0, &c->tcp, sizeof c->tcp);
    watch(c);
    run_writes(c);
  }
}

static void serve(int listener) {
  struct epoll_event event = {EPOLLIN, {.u32 = LISTENER}}, events[256];
  epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
  event.data.u32 = CHANNEL;
  if (!alone) epoll_ctl(poller, EPOLL_CTL_ADD, channel, &event);
  for (;;) {
    for (u32 i = 0; i < connCount; i++) {
      if (conns[i].fd < 0) continue;
      run_writes(&conns[i]);
      want(&conns[i]);
    }
    if (!alone) flush_log();
    int n = epoll_wait(poller, events, 256, 1000);
    for (int i = 0; i < n; i++) {
      u32 what = events[i].data.u32;
      if (what == CHANNEL) confirmations();
      else if (what == LISTENER) accept_all(listener);
      else if (conns[what].fd >= 0 && events[i].events & EPOLLIN) run_reads(&conns[what]);
    }
  }
}

/* ---- the standby ---- */

static void apply(const struct record *r, const u8 *data) {
  struct conn *c = &conns[r->conn];
  if (r->kind == ACCEPTED) {
    memset(c, 0, sizeof *c);
    memcpy(&c->tcp, data, sizeof c->tcp);
    c->tcp.timestampNs = now_ns();
    c->fd = -1;
    connCount = r->conn + 1;
    long slot = slot_take(&maps);
    if (slot < 0) DIE("no free slot");
    c->slot = (u32)slot;
    hs_tcp_slot(&maps.slots[slot], &c->tcp, c->tcp.iss1, c->tcp.irs1, 0,
                HS_NET_UNRESTORED | HS_NET_NOTED);
    if (slot_index(&maps, key_of(&c->tcp), c->slot)) DIE("index");
  } else if (r->kind == READ) {
    if (program_input(&c->program, data, r->len)) exit(8);
  } else if (r->kind == WROTE) {
    c->program.written = r->count;
  } else if (r->kind == ENDED) {
    c->program.ended = 1;
    c->program.read++;
  } else {
    c->program.closed = 1;
  }
}

/* Reads the log until a line comes on standard input. */
static void follow(void) {
  static u8 buffer[1 << 22];
  size_t have = 0;
  int open = 1;
  for (;;) {
    struct pollfd on[2] = {{0, POLLIN, 0}, {open ? channel : -1, POLLIN, 0}};
    if (poll(on, 2, -1) < 0) DIE("poll");
    int over = on[0].revents != 0;
    if (over && chance() & 1) return; /* what came in and was not confirmed never came */
    ssize_t n = open ? recv(channel, buffer + have, sizeof buffer - have, MSG_DONTWAIT) : 0;
    if (n == 0 || (n < 0 && errno != EAGAIN)) open = 0;
    if (n > 0) have += (size_t)n;
    if (!over && delayUs && n > 0) {
      struct pollfd stop = {0, POLLIN, 0};
      struct timespec t = {0, (long)delayUs * 1000};
      if (ppoll(&stop, 1, &t, 0) > 0) continue;
    }
    size_t at = 0;
    while (have - at >= sizeof(struct record)) {
      struct record r;
      memcpy(&r, buffer + at, sizeof r);
      if (have - at < sizeof r + r.len) break;
      apply(&r, buffer + at + sizeof r);
      at += sizeof r + r.len;
    }
    memmove(buffer, buffer + at, have -= at);
    position += at;
    if (over) return;
    if (at && send(channel, &position, 8, MSG_NOSIGNAL) != 8) open = 0;
  }
}

/* Asks every client how far it is, again while some are silent. How many never answered. The
 * announcement goes with it: lost, all the answers would go to the dead. */
static u32 ask_all(const struct announcer *announcer) {
  u64 begun = now_ns(), asked = 0;
  for (;;) {
    u32 silent = 0;
    u64 now = now_ns();
    int again = now - asked >= ASK_AGAIN_NS;
    if (again) announce(announcer, vip);
    for (u32 i = 0; i < connCount; i++) {
      struct conn *c = &conns[i];
      struct hs_net_slot *slot = &maps.slots[c->slot];
      if (__atomic_load_n(&slot->answers, __ATOMIC_SEQ_CST) ||
          __atomic_load_n(&slot->flags, __ATOMIC_SEQ_CST) & HS_NET_RESET)
        continue;
      silent++;
      if (again) hs_tcp_ask(raw, &c->tcp, 0, c->program.read, slot->tsecr, now);
    }
    if (again) asked = now;
    if (!silent || now - begun > ASK_BOUND_NS) return silent;
  }
}

/* 1: there is nothing to restore. */
static int restore(struct conn *c) {
  struct hs_net_slot *slot = &maps.slots[c->slot];
  struct program *p = &c->program;
  u64 now = now_ns(), acked = hs_tcp_count(&c->tcp, slot->peerAck, p->written);
  u32 window = slot->peerWindow;
  p->closed |= p->ended; /* what the program does next, had it been logged or not */
  if (!slot->answers || (p->closed && acked > p->written)) return 1;
  if (acked > p->written) {
    fprintf(stderr, "AHEAD conn=%ld acked=%llu written=%llu\n", (long)(c - conns), acked,
            p->written);
    exit(7);
  }
  hs_tcp_clock(&c->tcp, slot->tsval, now);
  c->fd = socket(c->tcp.family, SOCK_STREAM | SOCK_NONBLOCK, 0);
  long reuse = hs_tcp_restore(c->fd, &c->tcp, acked, p->read, window, now);
  CHECK(reuse, "restore");
  long left = hs_tcp_leave_repair(c->fd, (int)reuse);
  CHECK(left, "leave repair");
  hs_tcp_slot(slot, &c->tcp, c->tcp.iss1 + (u32)acked, c->tcp.irs1 + (u32)p->read,
              hs_tcp_window(&c->tcp), HS_NET_NOTED);
  hs_tcp_push(raw, &c->tcp, slot);
  c->sent = acked;
  c->released = p->written;
  watch(c);
  push_out(c);
  return 0;
}

static int take_over(int arpIgnore, const struct announcer *announcer) {
  u64 begun = now_ns();
  maps.settings->role = HS_NET_TAKEOVER;
  int listener = listen_at(vip, port, chance() & 1);
  if (pwrite(arpIgnore, "0", 1, 0) != 1) DIE("arp_ignore");
  u32 silent = ask_all(announcer), skipped = 0;
  u64 asked = now_ns();
  for (u32 i = 0; i < connCount; i++) skipped += (u32)restore(&conns[i]);
  maps.settings->clamp = 0;
  maps.settings->role = HS_NET_LIVE;
  fprintf(stderr, "RESTORED n=%u silent=%u skipped=%u askMs=%.2f totalMs=%.2f\n", connCount,
          silent, skipped, (double)(asked - begun) / 1e6, (double)(now_ns() - begun) / 1e6);
  return listener;
}

static void channel_open(int standby, const char *host, const char *channelPort) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = inet_addr(host)};
  at.sin_port = htons((unsigned short)atoi(channelPort));
  int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (standby && (bind(fd, (void *)&at, sizeof at) || listen(fd, 1))) DIE("channel");
  if (!standby && connect(fd, (void *)&at, sizeof at)) DIE("channel");
  if (standby) {
    puts("READY");
    fflush(stdout);
  }
  channel = standby ? accept(fd, 0, 0) : fd;
  setsockopt(channel, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

int main(int argc, char **argv) {
  if (argc != 10) return 2;
  int standby = !strcmp(argv[1], "standby");
  vip = inet_addr(argv[2]);
  port = (unsigned short)atoi(argv[3]);
  maps = maps_open(argv[4]);
  struct announcer announcer = announcer_open(argv[5]);
  rng = strtoull(argv[8], 0, 10);
  delayUs = (u32)atoi(argv[9]);
  fifo = malloc(FIFO * sizeof *fifo);
  raw = (int)hs_tcp_raw_open();
  poller = epoll_create1(0);
  if (raw < 0) DIE("raw socket");
  if (!standby) {
    channel_open(0, argv[6], argv[7]);
    int listener = listen_at(vip, port, chance() & 1);
    announce(&announcer, vip);
    puts("READY");
    fflush(stdout);
    serve(listener);
  }
  int arpIgnore = open("/proc/sys/net/ipv4/conf/all/arp_ignore", O_WRONLY);
  channel_open(1, argv[6], argv[7]);
  follow();
  int listener = take_over(arpIgnore, &announcer);
  alone = 1;
  serve(listener);
}
