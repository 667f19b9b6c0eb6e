/* trial.h: what the programs of the network tests share: the maps as the shim sees them (raw
 * bpf(2), mmap), the byte pattern, clocks, gratuitous ARP. The rule: no libbpf here, so that the
 * tests use the maps the way the shim has to. */
#ifndef TRIAL_H
#define TRIAL_H
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "../../../shim/core/repair.h"

typedef unsigned long long u64;
typedef unsigned int u32;
typedef unsigned char u8;

#define DIE(what) \
  do { \
    fprintf(stderr, "%s:%d %s: %s\n", __FILE__, __LINE__, what, strerror(errno)); \
    exit(1); \
  } while (0)

/* The same for what gives -errno. */
#define CHECK(result, what) \
  do { \
    if ((result) < 0) { \
      errno = (int)-(result); \
      DIE(what); \
    } \
  } while (0)

static inline u64 now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (u64)t.tv_sec * 1000000000 + (u64)t.tv_nsec;
}

static inline u64 mix(u64 x) {
  x *= 0x9e3779b97f4a7c15;
  x ^= x >> 29;
  x *= 0xbf58476d1ce4e5b9;
  return x ^ x >> 32;
}

/* Byte `at` of the stream `seed`. */
static inline u8 pattern(u64 seed, u64 at) {
  return (u8)(mix((at >> 3) + seed) >> (at & 7) * 8);
}

/* Fills from a stream; a word at a time, or the tests would spend their time here. */
static inline void pattern_fill(u64 seed, u64 at, u8 *bytes, size_t n) {
  while (n) {
    u64 word = mix((at >> 3) + seed);
    size_t skip = at & 7, k = 8 - skip < n ? 8 - skip : n;
    memcpy(bytes, (u8 *)&word + skip, k);
    bytes += k, at += k, n -= k;
  }
}

/* How many of the bytes are right. */
static inline size_t pattern_match(u64 seed, u64 at, const u8 *bytes, size_t n) {
  u8 want[4096];
  for (size_t done = 0; done < n;) {
    size_t k = n - done < sizeof want ? n - done : sizeof want;
    pattern_fill(seed, at + done, want, k);
    for (size_t i = 0; memcmp(want, bytes + done, k) && i < k; i++)
      if (want[i] != bytes[done + i]) return done + i;
    done += k;
  }
  return n;
}

/* ---- maps ---- */

struct maps {
  int index, free;
  struct hs_net_settings *settings;
  struct hs_net_slot *slots;
};

static inline long map_call(int cmd, int map, const void *key, const void *value, u64 flags) {
  union bpf_attr attr;
  memset(&attr, 0, sizeof attr);
  attr.map_fd = (u32)map;
  attr.key = (u64)(unsigned long)key;
  attr.value = (u64)(unsigned long)value;
  attr.flags = flags;
  return syscall(SYS_bpf, cmd, &attr, sizeof attr);
}

static inline int map_open(const char *dir, const char *name) {
  char path[256];
  union bpf_attr attr;
  memset(&attr, 0, sizeof attr);
  snprintf(path, sizeof path, "%s/%s", dir, name);
  attr.pathname = (u64)(unsigned long)path;
  long fd = syscall(SYS_bpf, BPF_OBJ_GET, &attr, sizeof attr);
  if (fd < 0) DIE(path);
  return (int)fd;
}

static inline void *map_memory(int fd, size_t bytes) {
  void *at = mmap(0, (bytes + 4095) & ~4095ul, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (at == MAP_FAILED) DIE("mmap");
  return at;
}

static inline struct maps maps_open(const char *dir) {
  struct maps m = {.index = map_open(dir, "index"), .free = map_open(dir, "free_slots")};
  m.settings = map_memory(map_open(dir, "settings"), sizeof *m.settings);
  m.slots = map_memory(map_open(dir, "slots"), HS_NET_SLOTS * sizeof *m.slots);
  return m;
}

static inline struct hs_net_key key_of(const struct hs_tcp *t) {
  return (struct hs_net_key){.raddr = t->raddr, .rport = t->rport, .lport = t->lport};
}

/* -1: no such connection. */
static inline long slot_find(const struct maps *m, struct hs_net_key key) {
  u32 slot;
  return map_call(BPF_MAP_LOOKUP_ELEM, m->index, &key, &slot, 0) ? -1 : (long)slot;
}

/* Takes a free slot for a connection the BPF programs did not see begin. */
static inline long slot_take(const struct maps *m) {
  u32 slot;
  return map_call(BPF_MAP_LOOKUP_AND_DELETE_ELEM, m->free, 0, &slot, 0) ? -1 : (long)slot;
}

static inline int slot_index(const struct maps *m, struct hs_net_key key, u32 slot) {
  return (int)map_call(BPF_MAP_UPDATE_ELEM, m->index, &key, &slot, BPF_ANY);
}

/* ---- address ---- */

/* six: as servers that listen on :: do it, an IPv6 socket with mapped addresses. */
static inline int listen_at(u32 address, unsigned short port, int six) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
  struct sockaddr_in6 at6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
  const struct sockaddr *name = six ? (void *)&at6 : (void *)&at;
  int fd = socket(name->sa_family, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
  at.sin_addr.s_addr = address;
  memset(at6.sin6_addr.s6_addr + 10, 255, 2);
  memcpy(at6.sin6_addr.s6_addr + 12, &address, 4);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(fd, name, six ? sizeof at6 : sizeof at) || listen(fd, 1024)) DIE("listen");
  return fd;
}

struct announcer {
  int fd;
  struct sockaddr_ll to;
  u8 mac[6];
};

/* Opened before it is needed: opening and closing a packet socket waits for RCU, some 10 ms. */
static inline struct announcer announcer_open(const char *device) {
  struct announcer a = {.fd = socket(AF_PACKET, SOCK_RAW, 0)};
  struct ifreq request;
  memset(&request, 0, sizeof request);
  snprintf(request.ifr_name, sizeof request.ifr_name, "%s", device);
  if (a.fd < 0 || ioctl(a.fd, SIOCGIFHWADDR, &request)) DIE("packet socket");
  memcpy(a.mac, request.ifr_hwaddr.sa_data, 6);
  a.to = (struct sockaddr_ll){.sll_family = AF_PACKET, .sll_halen = 6};
  a.to.sll_ifindex = (int)if_nametoindex(device);
  memset(a.to.sll_addr, 255, 6);
  return a;
}

/* Gratuitous ARP, as request and as reply: some stacks heed only one of them. */
static inline void announce(const struct announcer *a, u32 address) {
  for (u8 operation = 1; operation <= 2; operation++) {
    u8 frame[42] = {[12] = 8, 6, 0, 1, 8, 0, 6, 4, 0, operation};
    memset(frame, 255, 6);
    memcpy(frame + 6, a->mac, 6);
    memcpy(frame + 22, a->mac, 6);
    memcpy(frame + 28, &address, 4);
    if (operation == 2) memset(frame + 32, 255, 6);
    memcpy(frame + 38, &address, 4);
    /* ENOBUFS: a program at the interface dropped it */
    if (sendto(a->fd, frame, sizeof frame, 0, (void *)&a->to, sizeof a->to) < 0 && errno != ENOBUFS)
      DIE("arp");
  }
}

#endif
