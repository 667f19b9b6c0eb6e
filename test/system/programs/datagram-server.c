/* datagram-server.c: a server of datagrams that counts, in each way that sockets of datagrams are
 * used. Usage: datagram-server VIP DEVICE. A request is a client's number and a sequence number;
 * the answer repeats both and adds how many requests were new when this one was. The same request
 * gets the same answer; one that does not follow its client's last gets a total of all ones.
 *
 *   5301 one socket on VIP: peek with truncation, receive, send     5302 all addresses, IP_PKTINFO
 *   5303 recvmmsg and sendmmsg     5304 a connected socket for each client
 *   5305 a multicast group; answers leave from a socket without a name
 *   5306 the same question to a child through a pair of datagram sockets
 *
 * The rule: it counts and judges nothing else; what it is asked after a takeover shows the rest. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PLAIN, PKTINFO, MANY, CONNECTED, GROUP, PAIR, PORTS, FIRST = 5301, MOST = 64, BATCH = 8 };
#define DIE(what) (perror(what), exit(1))

struct question { uint32_t client, sequence; };
struct answer { uint32_t client, sequence; uint64_t total; };

static struct { uint32_t sequence; uint64_t total; } clients[4096];
static uint64_t total;
static struct pollfd polled[MOST];
static int count, nameless, child;
static const char *vip;

static struct answer answer_to(const struct question *q) {
  struct answer a = {q->client, q->sequence, ~0ull};
  if (q->client >= 4096) return a;
  if (q->sequence == clients[q->client].sequence + 1) {
    clients[q->client].sequence++;
    clients[q->client].total = ++total;
  }
  if (q->sequence == clients[q->client].sequence) a.total = clients[q->client].total;
  return a;
}

static int open_port(int which, int all) {
  int one = 1, fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)(FIRST + which))};
  a.sin_addr.s_addr = all ? INADDR_ANY : inet_addr(vip);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(fd, (void *)&a, sizeof a)) DIE("bind");
  return fd;
}

static void watch(int fd) {
  if (count == MOST) exit(2);
  polled[count++] = (struct pollfd){.fd = fd, .events = POLLIN};
}

static void plain(int fd, int out) {
  struct question q;
  struct sockaddr_in from;
  socklen_t len = sizeof from;
  char one;
  if (recv(fd, &one, 1, MSG_PEEK | MSG_TRUNC) != sizeof q) {
    recv(fd, &one, 1, 0);
    return;
  }
  if (recvfrom(fd, &q, sizeof q, 0, (void *)&from, &len) != sizeof q) return;
  struct answer a = answer_to(&q);
  sendto(out, &a, sizeof a, 0, (void *)&from, len);
}

/* The control data goes back as it came: the answer leaves from where the question went. */
static void pktinfo(int fd) {
  struct question q;
  struct sockaddr_in from;
  char control[256];
  struct iovec part = {&q, sizeof q};
  struct msghdr m = {&from, sizeof from, &part, 1, control, sizeof control, 0};
  if (recvmsg(fd, &m, 0) != sizeof q) return;
  struct cmsghdr *c = CMSG_FIRSTHDR(&m);
  if (!c || c->cmsg_type != IP_PKTINFO) exit(3);
  struct in_pktinfo *info = (struct in_pktinfo *)CMSG_DATA(c);
  info->ipi_ifindex = 0;
  info->ipi_spec_dst = info->ipi_addr;
  struct answer a = answer_to(&q);
  part = (struct iovec){&a, sizeof a};
  sendmsg(fd, &m, 0);
}

static void many(int fd) {
  static struct question q[BATCH];
  static struct answer a[BATCH];
  static struct sockaddr_in from[BATCH];
  struct iovec parts[BATCH];
  struct mmsghdr m[BATCH];
  memset(m, 0, sizeof m);
  for (int i = 0; i < BATCH; i++) {
    parts[i] = (struct iovec){&q[i], sizeof q[i]};
    m[i].msg_hdr = (struct msghdr){&from[i], sizeof from[i], &parts[i], 1, 0, 0, 0};
  }
  int n = recvmmsg(fd, m, BATCH, 0, 0);
  for (int i = 0; i < n; i++) {
    a[i] = answer_to(&q[i]);
    parts[i] = (struct iovec){&a[i], sizeof a[i]};
  }
  for (int done = 0; done < n;) {
    int k = sendmmsg(fd, m + done, (unsigned)(n - done), 0);
    if (k < 1 || m[done].msg_len != sizeof *a) DIE("sendmmsg");
    done += k;
  }
}

/* The first question of a client comes to the socket of the port; its own then gets the rest. */
static void first_of(int fd) {
  struct question q;
  struct sockaddr_in from;
  socklen_t len = sizeof from;
  if (recvfrom(fd, &q, sizeof q, 0, (void *)&from, &len) != sizeof q) return;
  int own = open_port(CONNECTED, 0);
  if (connect(own, (void *)&from, len)) DIE("connect");
  watch(own);
  struct answer a = answer_to(&q);
  if (send(own, &a, sizeof a, 0) != sizeof a) DIE("send");
}

static void connected(int fd) {
  struct question q;
  if (read(fd, &q, sizeof q) != sizeof q) return;
  struct answer a = answer_to(&q);
  struct iovec parts[2] = {{&a, 8}, {&a.total, 8}};
  if (writev(fd, parts, 2) != sizeof a) DIE("writev");
}

/* What its parent is asked goes there and back again before it is answered. */
static void echo_for_ever(int fd) {
  struct question q;
  while (recv(fd, &q, sizeof q, 0) == sizeof q) send(fd, &q, sizeof q, 0);
  _exit(0);
}

static void paired(int fd) {
  struct question q, back;
  struct sockaddr_in from;
  socklen_t len = sizeof from;
  if (recvfrom(fd, &q, sizeof q, 0, (void *)&from, &len) != sizeof q) return;
  if (send(child, &q, sizeof q, 0) != sizeof q) DIE("send to the child");
  if (recv(child, &back, sizeof back, 0) != sizeof back) DIE("recv from the child");
  struct answer a = answer_to(&back);
  sendto(fd, &a, sizeof a, 0, (void *)&from, len);
}

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  vip = argv[1];
  int pair[2], one = 1;
  if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair)) DIE("socketpair");
  if (!fork()) {
    close(pair[0]);
    echo_for_ever(pair[1]);
  }
  close(pair[1]);
  child = pair[0];
  for (int i = 0; i < PORTS; i++) watch(open_port(i, i == PKTINFO || i == GROUP));
  setsockopt(polled[PKTINFO].fd, IPPROTO_IP, IP_PKTINFO, &one, sizeof one);
  struct ip_mreqn group = {.imr_multiaddr.s_addr = inet_addr("239.7.7.7")};
  group.imr_ifindex = (int)if_nametoindex(argv[2]);
  if (setsockopt(polled[GROUP].fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof group))
    DIE("membership");
  nameless = socket(AF_INET, SOCK_DGRAM, 0);
  for (;;) {
    if (poll(polled, (nfds_t)count, -1) < 0) DIE("poll");
    for (int i = 0, now = count; i < now; i++) {
      if (!polled[i].revents) continue;
      if (i == PLAIN) plain(polled[i].fd, polled[i].fd);
      else if (i == GROUP) plain(polled[i].fd, nameless);
      else if (i == PKTINFO) pktinfo(polled[i].fd);
      else if (i == MANY) many(polled[i].fd);
      else if (i == CONNECTED) first_of(polled[i].fd);
      else if (i == PAIR) paired(polled[i].fd);
      else connected(polled[i].fd);
    }
  }
}
