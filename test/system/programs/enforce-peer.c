/* enforce-peer.c: TCP sockets on demand, and an eye on the wire.
 * Usage: enforce-peer DEVICE; one command a line on standard input, one line of JSON each in
 * answer. Sockets are numbered from 0 and never block. The wire is what a packet socket on DEVICE
 * sees of segments that come in: sequence numbers, windows, flags and checksums as the peer of a
 * connection gets them. The rule: it judges from the frame alone, not from any map. */
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include "trial.h"

#define MAX_SOCKETS 64

/* What the wire showed of the segments for one port of ours. */
struct seen {
  u32 segments, pureAcks, bad, unchecked, fins, rsts, synAcks, sacks, shrinks;
  u32 maxAck, edge, lastWindow, started, wscale;
};

static int sockets[MAX_SOCKETS], used, wire = -1;
static struct seen seen[65536];
static u32 arps, foreign;

static u32 be32_at(const u8 *p) { return (u32)p[0] << 24 | (u32)p[1] << 16 | p[2] << 8 | p[3]; }
static u32 be16_at(const u8 *p) { return (u32)p[0] << 8 | p[1]; }

static int add(int fd) {
  if (used == MAX_SOCKETS) DIE("too many sockets");
  sockets[used] = fd;
  return used++;
}

static struct sockaddr_in address(const char *host, u32 port) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
  a.sin_addr.s_addr = inet_addr(host);
  return a;
}

static void open_listener(const char *host, u32 port) {
  int fd = listen_at(inet_addr(host), (unsigned short)port, 0);
  printf("{\"socket\":%d}\n", add(fd));
}

static void open_connection(const char *host, u32 port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  struct sockaddr_in to = address(host, port), mine;
  socklen_t len = sizeof mine;
  if (connect(fd, (void *)&to, sizeof to) && errno != EINPROGRESS) DIE("connect");
  getsockname(fd, (void *)&mine, &len);
  printf("{\"socket\":%d,\"port\":%u,\"rport\":%u,\"lport\":%u,\"raddr\":%u}\n", add(fd),
         ntohs(mine.sin_port), mine.sin_port, to.sin_port, mine.sin_addr.s_addr);
}

static void accept_one(int listener) {
  int fd = accept4(sockets[listener], 0, 0, SOCK_NONBLOCK);
  printf("{\"socket\":%d}\n", fd < 0 ? -1 : add(fd));
}

static void transfer(int at, u32 bytes, int out) {
  static u8 buffer[1 << 16];
  u32 done = 0;
  ssize_t n = 0;
  while (done < bytes) {
    u32 k = bytes - done < sizeof buffer ? bytes - done : (u32)sizeof buffer;
    n = out ? send(sockets[at], buffer, k, MSG_NOSIGNAL) : recv(sockets[at], buffer, k, 0);
    if (n <= 0) break;
    done += (u32)n;
  }
  int error = n < 0 && errno != EAGAIN ? errno : 0;
  printf("{\"bytes\":%u,\"eof\":%s,\"error\":%d}\n", done, n == 0 && bytes ? "true" : "false",
         error);
}

static void state(int at) {
  struct tcp_info info;
  socklen_t len = sizeof info;
  int unsent = 0, unread = 0;
  memset(&info, 0, sizeof info);
  getsockopt(sockets[at], IPPROTO_TCP, TCP_INFO, &info, &len);
  ioctl(sockets[at], SIOCOUTQ, &unsent);
  ioctl(sockets[at], SIOCINQ, &unread);
  printf("{\"state\":%u,\"unacked\":%d,\"unread\":%d}\n", info.tcpi_state, unsent, unread);
}

/* Note, and compare what must be as it was. */
static void note(int at) {
  struct hs_tcp t;
  int before = 0, after = 0;
  socklen_t len = sizeof before;
  getsockopt(sockets[at], SOL_SOCKET, SO_REUSEADDR, &before, &len);
  long result = hs_tcp_note(sockets[at], &t, now_ns());
  getsockopt(sockets[at], SOL_SOCKET, SO_REUSEADDR, &after, &len);
  printf("{\"result\":%ld,\"iss1\":%u,\"irs1\":%u,\"mss\":%u,\"wscale\":%u,\"peerWscale\":%u,"
         "\"options\":%u,\"timestamp\":%u,\"reuseBefore\":%d,\"reuseAfter\":%d}\n", result, t.iss1,
         t.irs1, t.mss, t.rcv_wscale, t.snd_wscale, t.options, t.timestamp, before, after);
}

/* ---- the wire ---- */

/* 0: no checksum offloading on the device, so that every frame on the wire has its final one. */
static void offload(const char *device, u32 on) {
  struct ethtool_value value = {.cmd = ETHTOOL_STXCSUM, .data = on};
  struct ifreq request;
  memset(&request, 0, sizeof request);
  snprintf(request.ifr_name, sizeof request.ifr_name, "%s", device);
  request.ifr_data = (void *)&value;
  if (ioctl(sockets[0] >= 0 && used ? sockets[0] : socket(AF_INET, SOCK_DGRAM, 0), SIOCETHTOOL,
            &request))
    DIE("ethtool");
  puts("{}");
}

static void sniff_open(const char *device) {
  int bytes = 64 << 20, one = 1;
  struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
  at.sll_ifindex = (int)if_nametoindex(device);
  wire = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(ETH_P_ALL));
  if (wire < 0 || bind(wire, (void *)&at, sizeof at)) DIE("packet socket");
  setsockopt(wire, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes);
  setsockopt(wire, SOL_PACKET, PACKET_AUXDATA, &one, sizeof one);
}

static int checksum_right(const u8 *ip, const u8 *tcp, u32 n) {
  u32 sum = 6 + n;
  for (int i = 12; i < 20; i += 2) sum += be16_at(ip + i);
  for (u32 i = 0; i + 1 < n; i += 2) sum += be16_at(tcp + i);
  if (n & 1) sum += (u32)tcp[n - 1] << 8;
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return sum == 0xffff;
}

static void options(struct seen *s, const u8 *tcp, u32 n) {
  for (u32 i = 20; i < n && tcp[i];) {
    if (tcp[i] == 5) s->sacks++;
    if (tcp[i] == 3 && tcp[13] & 2) s->wscale = tcp[i + 2];
    i += tcp[i] == 1 ? 1 : tcp[i + 1];
  }
}

static void segment(const u8 *ip, u32 total, int ready) {
  const u8 *tcp = ip + (ip[0] & 15) * 4;
  u32 n = total - (u32)(tcp - ip), header = (tcp[12] >> 4) * 4u;
  struct seen *s = &seen[be16_at(tcp + 2)];
  s->segments++;
  if (!ready) s->unchecked++;
  else if (!checksum_right(ip, tcp, n)) s->bad++;
  s->fins += tcp[13] & 1;
  s->rsts += tcp[13] >> 2 & 1;
  options(s, tcp, header);
  if (!(tcp[13] & 16) || tcp[13] & 4) return;
  u32 ack = be32_at(tcp + 8), syn = tcp[13] >> 1 & 1;
  u32 edge = ack + (be16_at(tcp + 14) << (syn ? 0 : s->wscale));
  s->synAcks += syn;
  s->pureAcks += n == header && !syn;
  s->lastWindow = edge - ack;
  if (!s->started || (int)(ack - s->maxAck) > 0) s->maxAck = ack;
  if (s->started && (int)(edge - s->edge) < 0) s->shrinks++;
  if (!s->started || (int)(edge - s->edge) > 0) s->edge = edge;
  s->started = 1;
}

static void drain(u32 vip) {
  static u8 frame[1 << 17];
  for (;;) {
    char control[256];
    struct sockaddr_ll from;
    struct iovec vector = {frame, sizeof frame};
    struct msghdr message = {.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &vector,
                             .msg_iovlen = 1, .msg_control = control, .msg_controllen = 256};
    ssize_t n = recvmsg(wire, &message, 0);
    if (n < 0) return;
    if (from.sll_pkttype == PACKET_OUTGOING || n < 34) continue;
    int ready = 1;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
      struct tpacket_auxdata aux;
      memcpy(&aux, CMSG_DATA(c), sizeof aux);
      if (c->cmsg_type == PACKET_AUXDATA && aux.tp_status & TP_STATUS_CSUMNOTREADY) ready = 0;
    }
    u32 type = be16_at(frame + 12);
    if (type == ETH_P_ARP && !memcmp(frame + 28, &vip, 4)) arps++;
    if (type != ETH_P_IP || memcmp(frame + 26, &vip, 4)) continue;
    if (frame[23] != 6) foreign++;
    else segment(frame + 14, be16_at(frame + 16), ready);
  }
}

static void sniff(u32 vip, u32 port) {
  drain(vip);
  struct seen *s = &seen[port & 0xffff];
  printf("{\"segments\":%u,\"pureAcks\":%u,\"bad\":%u,\"unchecked\":%u,\"fins\":%u,\"rsts\":%u,"
         "\"synAcks\":%u,\"sacks\":%u,\"shrinks\":%u,\"maxAck\":%u,\"edge\":%u,"
         "\"lastWindow\":%u,\"arps\":%u,\"foreign\":%u}\n",
         s->segments, s->pureAcks, s->bad, s->unchecked, s->fins, s->rsts, s->synAcks, s->sacks,
         s->shrinks, s->maxAck, s->edge, s->lastWindow, arps, foreign);
}

static void command(const char *device, const char *line) {
  char word[32] = "", host[64] = "";
  u32 a = 0, b = 0;
  sscanf(line, "%31s", word);
  if (sscanf(line, "%*s %63[0-9.] %u", host, &b) < 1) host[0] = 0;
  sscanf(line, "%*s %u %u", &a, &b);
  if (!strcmp(word, "listen")) open_listener(host, b);
  else if (!strcmp(word, "connect")) open_connection(host, b);
  else if (!strcmp(word, "accept")) accept_one((int)a);
  else if (!strcmp(word, "send")) transfer((int)a, b, 1);
  else if (!strcmp(word, "recv")) transfer((int)a, b, 0);
  else if (!strcmp(word, "state")) state((int)a);
  else if (!strcmp(word, "note")) note((int)a);
  else if (!strcmp(word, "close")) close(sockets[a]), puts("{}");
  else if (!strcmp(word, "shut")) shutdown(sockets[a], SHUT_WR), puts("{}");
  else if (!strcmp(word, "offload")) offload(device, a);
  else if (!strcmp(word, "sniff")) sniff(a, b);
  else DIE(word);
  fflush(stdout);
}

int main(int argc, char **argv) {
  char line[256];
  if (argc != 2) return 2;
  sniff_open(argv[1]);
  while (fgets(line, sizeof line, stdin)) command(argv[1], line);
  return 0;
}
