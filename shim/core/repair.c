/* repair.c: TCP connections as numbers (repair.h says how they are used).
 *
 * TCP_REPAIR gives and takes the state of a socket; a raw socket speaks for a connection that has
 * none. Segments are put together bytewise: a wrong checksum is dropped by the client in silence,
 * and that is what aliasing would give. The rule: a live socket leaves here exactly as it came. */
#include "base.h"
#include "repair.h"

enum { NR_SOCKET = 41, NR_CONNECT = 42, NR_SENDTO = 44, NR_BIND = 49, NR_GETSOCKNAME = 51,
       NR_GETPEERNAME = 52, NR_SETSOCKOPT = 54, NR_GETSOCKOPT = 55, NR_CLOSE = 3 };
enum { AF_INET4 = 2, AF_INET6_ = 10, RAW = 3, CLOEXEC = 02000000, PROTO_TCP = 6, PROTO_RAW = 255 };
enum { SOCKET_LEVEL = 1, REUSEADDR = 2, MARK = 36, DOMAIN = 39 };
enum { DONTWAIT = 0x40, NOSIGNAL = 0x4000 };
enum { MAXSEG = 2, INFO = 11, REPAIR = 19, REPAIR_QUEUE = 20, QUEUE_SEQ = 21, REPAIR_OPTIONS = 22,
       TIMESTAMP = 24, REPAIR_WINDOW = 29 };
enum { NO_QUEUE = 0, RECV_QUEUE = 1, SEND_QUEUE = 2, REPAIR_ON = 1, REPAIR_OFF_NO_PROBE = -1 };
enum { OPT_MSS = 2, OPT_WSCALE = 3, OPT_SACK = 4, OPT_TIMESTAMP = 8 };
enum { E_INVAL = 22, E_AGAIN = 11, E_AFNOSUPPORT = 97 };

/* struct tcp_info of linux/tcp.h, the parts needed. */
enum { INFO_OPTIONS = 5, INFO_WSCALE = 6, INFO_BYTES_RECEIVED = 128, INFO_BYTES = 136 };

/* How far a restored socket's timestamps start ahead of the estimate, which is late by the time the
 * record took to arrive. Going back is fatal (PAWS), going forward is nothing. */
#define CLOCK_MARGIN_MS 200u

struct repair_option { u32 code, value; };
struct repair_window { u32 snd_wl1, snd_wnd, max_window, rcv_wnd, rcv_wup; };

static i64 set(int fd, int level, int name, int value) {
  return SYS(NR_SETSOCKOPT, fd, level, name, &value, sizeof value);
}

static i64 get(int fd, int level, int name, u32 *value) {
  u32 len = sizeof *value;
  return SYS(NR_GETSOCKOPT, fd, level, name, value, &len);
}

static u16 be16(u32 x) { return (u16)((x & 0xff) << 8 | (x >> 8 & 0xff)); }
static u32 be32(u32 x) { return __builtin_bswap32(x); }

/* ---- addresses ---- */

static const u8 mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static i64 address_of(int fd, int nr, u16 *family, u32 *addr, u16 *port) {
  u8 name[28];
  u32 len = sizeof name;
  i64 result = SYS(nr, fd, name, &len);
  if (result < 0) return result;
  memcpy(family, name, 2);
  memcpy(port, name + 2, 2);
  if (*family == AF_INET4) {
    memcpy(addr, name + 4, 4);
    return 0;
  }
  if (*family != AF_INET6_ || memcmp(name + 8, mapped, sizeof mapped)) return -E_AFNOSUPPORT;
  memcpy(addr, name + 20, 4);
  return 0;
}

static i64 use_address(int fd, int nr, u16 family, u32 addr, u16 port) {
  u8 name[28];
  memset(name, 0, sizeof name);
  memcpy(name, &family, 2);
  memcpy(name + 2, &port, 2);
  if (family == AF_INET4) {
    memcpy(name + 4, &addr, 4);
    return SYS(nr, fd, name, 16);
  }
  memcpy(name + 8, mapped, sizeof mapped);
  memcpy(name + 20, &addr, 4);
  return SYS(nr, fd, name, sizeof name);
}

/* ---- from a live socket ---- */

static i64 take_options(const u8 *info, struct hs_tcp *t) {
  t->options = info[INFO_OPTIONS] & (HS_TCP_TIMESTAMPS | HS_TCP_SACK | HS_TCP_WSCALE);
  t->snd_wscale = info[INFO_WSCALE] & 15;
  t->rcv_wscale = info[INFO_WSCALE] >> 4;
  return 0;
}

/* rcv_nxt - bytes received; the two are read apart, so until nothing came in between. A FIN is in
 * both. */
static i64 first_byte_in(int fd, struct hs_tcp *t) {
  u8 info[INFO_BYTES];
  for (int i = 0; i < 64; i++) {
    u32 before = 0, after = 0, len = sizeof info;
    u64 received;
    i64 result = get(fd, PROTO_TCP, QUEUE_SEQ, &before);
    if (result < 0) return result;
    result = SYS(NR_GETSOCKOPT, fd, PROTO_TCP, INFO, info, &len);
    if (result < 0) return result;
    if (len < INFO_BYTES) return -E_INVAL;
    result = get(fd, PROTO_TCP, QUEUE_SEQ, &after);
    if (result < 0) return result;
    if (before != after) continue;
    memcpy(&received, info + INFO_BYTES_RECEIVED, sizeof received);
    t->irs1 = before - (u32)received;
    return take_options(info, t);
  }
  return -E_AGAIN;
}

static i64 read_state(int fd, struct hs_tcp *t) {
  i64 result = set(fd, PROTO_TCP, REPAIR_QUEUE, SEND_QUEUE);
  if (result >= 0) result = get(fd, PROTO_TCP, QUEUE_SEQ, &t->iss1);
  if (result >= 0) result = set(fd, PROTO_TCP, REPAIR_QUEUE, RECV_QUEUE);
  if (result >= 0) result = first_byte_in(fd, t);
  if (result >= 0) result = get(fd, PROTO_TCP, MAXSEG, &t->mss); /* in repair: the client's own */
  if (result >= 0) result = get(fd, PROTO_TCP, TIMESTAMP, &t->timestamp);
  if (result >= 0 && t->timestamp & 1) t->options |= HS_TCP_MICROSECONDS;
  return result;
}

long hs_tcp_name(int fd, struct hs_tcp *t) {
  u16 family;
  memset(t, 0, sizeof *t);
  i64 result = address_of(fd, NR_GETSOCKNAME, &t->family, &t->laddr, &t->lport);
  return result < 0 ? result : address_of(fd, NR_GETPEERNAME, &family, &t->raddr, &t->rport);
}

long hs_tcp_note(int fd, struct hs_tcp *t, unsigned long long nowNs) {
  u32 reuse = 0;
  i64 result = hs_tcp_name(fd, t);
  if (result < 0) return result;
  result = get(fd, SOCKET_LEVEL, REUSEADDR, &reuse);
  if (result < 0) return result;
  result = set(fd, PROTO_TCP, REPAIR, REPAIR_ON);
  if (result < 0) return result;
  result = read_state(fd, t);
  t->timestampNs = nowNs;
  i64 left = hs_tcp_leave_repair(fd, (int)reuse);
  return result < 0 ? result : left;
}

long hs_tcp_note_slot(int fd, struct hs_tcp *t, const struct hs_net_slot *slot,
                      unsigned long long nowNs) {
  u8 info[INFO_BYTES];
  u32 len = sizeof info;
  i64 result = SYS(NR_GETSOCKOPT, fd, PROTO_TCP, INFO, info, &len);
  if (result < 0) return result;
  if (len <= INFO_WSCALE) return -E_INVAL;
  take_options(info, t);
  t->iss1 = slot->iss1;
  t->irs1 = slot->irs1;
  t->mss = slot->peerMss;
  if (!t->mss) { /* its SYN was not seen: what is sent in a segment, and its timestamps */
    result = get(fd, PROTO_TCP, MAXSEG, &t->mss);
    if (t->options & HS_TCP_TIMESTAMPS) t->mss += 12;
  }
  if (result >= 0) result = get(fd, PROTO_TCP, TIMESTAMP, &t->timestamp);
  if (result >= 0 && t->timestamp & 1) t->options |= HS_TCP_MICROSECONDS;
  t->timestampNs = nowNs;
  return result;
}

/* ---- clocks and counts ---- */

unsigned int hs_tcp_timestamp(const struct hs_tcp *t, unsigned long long nowNs) {
  u32 perMs = t->options & HS_TCP_MICROSECONDS ? 1000 : 1;
  u64 passed = nowNs > t->timestampNs ? nowNs - t->timestampNs : 0;
  return t->timestamp + (u32)(passed * perMs / 1000000) + CLOCK_MARGIN_MS * perMs;
}

void hs_tcp_clock(struct hs_tcp *t, unsigned int tsval, unsigned long long nowNs) {
  if ((int)(tsval - hs_tcp_timestamp(t, nowNs)) < 0) return;
  t->timestamp = tsval;
  t->timestampNs = nowNs;
}

unsigned long long hs_tcp_count(const struct hs_tcp *t, unsigned int peerAck,
                                unsigned long long about) {
  int ahead = (int)(peerAck - t->iss1 - (u32)about);
  return about + (unsigned long long)(long long)ahead;
}

/* ---- into a socket ---- */

static i64 queue_seq(int fd, int queue, u32 seq) {
  i64 result = set(fd, PROTO_TCP, REPAIR_QUEUE, queue);
  return result < 0 ? result : set(fd, PROTO_TCP, QUEUE_SEQ, (int)seq);
}

static i64 restore_options(int fd, struct hs_tcp *t, u64 nowNs) {
  struct repair_option option[4];
  u32 n = 0;
  option[n++] = (struct repair_option){OPT_MSS, t->mss};
  if (t->options & HS_TCP_WSCALE)
    option[n++] = (struct repair_option){OPT_WSCALE, t->snd_wscale | (u32)t->rcv_wscale << 16};
  if (t->options & HS_TCP_SACK) option[n++] = (struct repair_option){OPT_SACK, 0};
  if (t->options & HS_TCP_TIMESTAMPS) option[n++] = (struct repair_option){OPT_TIMESTAMP, 0};
  i64 result = SYS(NR_SETSOCKOPT, fd, PROTO_TCP, REPAIR_OPTIONS, option, n * sizeof option[0]);
  if (result < 0 || !(t->options & HS_TCP_TIMESTAMPS)) return result;
  /* the low bit is no time: it chooses microseconds */
  u32 low = t->options & HS_TCP_MICROSECONDS ? 1 : 0;
  t->timestamp = (hs_tcp_timestamp(t, nowNs) & ~1u) | low;
  t->timestampNs = nowNs;
  return set(fd, PROTO_TCP, TIMESTAMP, (int)t->timestamp);
}

static i64 restore_window(int fd, const struct hs_tcp *t, u32 rcvNxt, u32 peerWindow) {
  struct repair_window window = {
    .snd_wl1 = rcvNxt - 1, /* so that the client's next segment updates it */
    .snd_wnd = peerWindow,
    .max_window = peerWindow > 65535 ? peerWindow : 65535,
    .rcv_wnd = hs_tcp_window(t),
    .rcv_wup = rcvNxt,
  };
  return SYS(NR_SETSOCKOPT, fd, PROTO_TCP, REPAIR_WINDOW, &window, sizeof window);
}

long hs_tcp_restore(int fd, struct hs_tcp *t, unsigned long long written_from,
                    unsigned long long read, unsigned int peerWindow, unsigned long long nowNs) {
  u32 reuse = 0, rcvNxt = t->irs1 + (u32)read;
  i64 result = get(fd, SOCKET_LEVEL, REUSEADDR, &reuse);
  if (result >= 0) result = set(fd, PROTO_TCP, REPAIR, REPAIR_ON);
  if (result >= 0) result = queue_seq(fd, SEND_QUEUE, t->iss1 + (u32)written_from);
  if (result >= 0) result = queue_seq(fd, RECV_QUEUE, rcvNxt);
  if (result >= 0) result = use_address(fd, NR_BIND, t->family, t->laddr, t->lport);
  if (result >= 0) result = use_address(fd, NR_CONNECT, t->family, t->raddr, t->rport);
  if (result >= 0) result = restore_options(fd, t, nowNs);
  if (result >= 0) result = restore_window(fd, t, rcvNxt, peerWindow);
  if (result >= 0) result = set(fd, PROTO_TCP, REPAIR_QUEUE, NO_QUEUE);
  return result < 0 ? result : (long)(reuse != 0);
}

long hs_tcp_dial(int fd, const struct hs_tcp *t) {
  i64 result = use_address(fd, NR_BIND, t->family, t->laddr, t->lport);
  return result < 0 ? result : use_address(fd, NR_CONNECT, t->family, t->raddr, t->rport);
}

long hs_tcp_leave_repair(int fd, int reuse) {
  i64 result = set(fd, PROTO_TCP, REPAIR, REPAIR_OFF_NO_PROBE);
  /* entering repair forced it on, leaving turned it off, whatever it had been */
  i64 restored = set(fd, SOCKET_LEVEL, REUSEADDR, reuse);
  return result < 0 ? result : restored;
}

/* ---- segments by hand ---- */

long hs_tcp_raw_open(void) {
  i64 fd = SYS(NR_SOCKET, AF_INET4, RAW | CLOEXEC, PROTO_RAW);
  if (fd < 0) return fd;
  i64 result = set((int)fd, SOCKET_LEVEL, MARK, HS_NET_MARK);
  if (result >= 0) return fd;
  SYS(NR_CLOSE, fd);
  return result;
}

static u64 sum_words(u64 sum, const u8 *bytes, u32 n) {
  u32 i = 0;
  for (; i + 1 < n; i += 2) sum += (u64)bytes[i] << 8 | bytes[i + 1];
  return i < n ? sum + ((u64)bytes[i] << 8) : sum;
}

/* RFC 9293, 3.1: over addresses, protocol, length, and the segment with a zero checksum. */
static u16 tcp_checksum(const u8 *ip, const u8 *tcp, u32 n) {
  u64 sum = sum_words(PROTO_TCP + n, ip + 12, 8);
  sum = sum_words(sum, tcp, n);
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return (u16)~sum;
}

static void put16(u8 *at, u32 value) {
  u16 word = be16(value);
  memcpy(at, &word, 2);
}

static void put32(u8 *at, u32 value) {
  u32 word = be32(value);
  memcpy(at, &word, 4);
}

long hs_tcp_raw_segment(int rawfd, const struct hs_tcp *t, const struct hs_tcp_segment *segment) {
  u8 packet[20 + 32 + HS_TCP_PAYLOAD_MAX], to[16];
  u8 *ip = packet, *tcp = packet + 20;
  u32 header = segment->timestamps ? 32 : 20, n = header + segment->payloadBytes;
  if (segment->payloadBytes > HS_TCP_PAYLOAD_MAX) return -E_INVAL;
  memset(packet, 0, 20 + header);
  ip[0] = 0x45;
  put16(ip + 2, 20 + n);
  ip[6] = 0x40; /* do not fragment */
  ip[8] = 64;
  ip[9] = PROTO_TCP;
  memcpy(ip + 12, &t->laddr, 4); /* the kernel fills in this header's checksum */
  memcpy(ip + 16, &t->raddr, 4);
  memcpy(tcp, &t->lport, 2);
  memcpy(tcp + 2, &t->rport, 2);
  put32(tcp + 4, segment->seq);
  put32(tcp + 8, segment->ack);
  tcp[12] = (u8)(header / 4 << 4);
  tcp[13] = (u8)segment->flags;
  put16(tcp + 14, segment->window);
  if (segment->timestamps) {
    put32(tcp + 20, 0x0101080a);
    put32(tcp + 24, segment->tsval);
    put32(tcp + 28, segment->tsecr);
  }
  if (segment->payloadBytes) memcpy(tcp + header, segment->payload, segment->payloadBytes);
  put16(tcp + 16, tcp_checksum(ip, tcp, n));

  memset(to, 0, sizeof to);
  to[0] = AF_INET4;
  memcpy(to + 4, &t->raddr, 4);
  return SYS(NR_SENDTO, rawfd, packet, 20 + n, DONTWAIT | NOSIGNAL, to, sizeof to);
}

long hs_tcp_inject(int rawfd, const struct hs_tcp *t, unsigned int seq, unsigned int ack,
                   unsigned int flags) {
  struct hs_tcp other = *t;
  other.raddr = t->laddr, other.laddr = t->raddr;
  other.rport = t->lport, other.lport = t->rport;
  struct hs_tcp_segment segment = {.seq = seq, .ack = ack, .flags = flags, .window = 0xffff};
  return hs_tcp_raw_segment(rawfd, &other, &segment);
}

long hs_tcp_dead(int fd, int rawfd) {
  struct hs_tcp t;
  u32 domain = 0, loopback = be32(0x7f000001);
  memset(&t, 0, sizeof t);
  i64 result = get(fd, SOCKET_LEVEL, DOMAIN, &domain);
  t.family = (u16)domain;
  t.laddr = t.raddr = loopback;
  t.rport = be16(9); /* discard: in repair nothing is sent to it */
  t.iss1 = t.irs1 = 1;
  if (result >= 0) result = set(fd, PROTO_TCP, REPAIR, REPAIR_ON);
  if (result >= 0) result = queue_seq(fd, SEND_QUEUE, t.iss1);
  if (result >= 0) result = queue_seq(fd, RECV_QUEUE, t.irs1);
  if (result >= 0) result = use_address(fd, NR_BIND, t.family, t.laddr, 0);
  if (result >= 0) result = use_address(fd, NR_CONNECT, t.family, t.raddr, t.rport);
  if (result >= 0) result = address_of(fd, NR_GETSOCKNAME, &t.family, &t.laddr, &t.lport);
  if (result >= 0) result = hs_tcp_leave_repair(fd, 0);
  return result < 0 ? result : hs_tcp_inject(rawfd, &t, t.irs1, t.iss1, HS_TCP_RST | HS_TCP_ACK);
}

long hs_tcp_ask(int rawfd, const struct hs_tcp *t, unsigned long long acked,
                unsigned long long read, unsigned int tsecr, unsigned long long nowNs) {
  /* The client takes our ACK and window too. An ACK that moves it would make it send into the void
   * and start its timer anew, so an old one, and hardly any window: the real ones come with the
   * first ACK of the restored socket. Not older than 64 KiB: it would be refused. */
  u32 old = read < 65535 ? (u32)read : 65535;
  struct hs_tcp_segment segment = {
    .seq = t->iss1 + (u32)acked - 1,
    .ack = t->irs1 + (u32)read - old,
    .tsval = hs_tcp_timestamp(t, nowNs),
    .tsecr = tsecr,
    .flags = HS_TCP_ACK,
    .window = 1,
    .payload = "",
    .payloadBytes = 1,
    .timestamps = t->options & HS_TCP_TIMESTAMPS,
  };
  return hs_tcp_raw_segment(rawfd, t, &segment);
}

long hs_tcp_push(int rawfd, const struct hs_tcp *t, const struct hs_net_slot *slot) {
  u32 limit = __atomic_load_n(&slot->limit, __ATOMIC_SEQ_CST);
  u32 window = (slot->edge - limit) >> (slot->wscale & 15);
  struct hs_tcp_segment segment = {
    .seq = slot->sndMax,
    .ack = limit,
    .tsval = slot->tsval,
    .tsecr = slot->tsecr,
    .flags = HS_TCP_ACK,
    .window = window > 65535 ? 65535 : window,
    .timestamps = t->options & HS_TCP_TIMESTAMPS,
  };
  return hs_tcp_raw_segment(rawfd, t, &segment);
}
