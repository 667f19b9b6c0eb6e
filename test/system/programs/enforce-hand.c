/* enforce-hand.c: the tests' hand on one host: the maps, hand-made segments, held SYN-ACKs.
 * Usage: enforce-hand PINS DEVICE; one command a line on standard input, one line of JSON each in
 * answer. PINS holds the pinned maps. The rule: it does what the shim will do, in the same way. */
#include <bpf/libbpf.h>
#include "trial.h"

static struct maps maps;
static struct announcer announcer;
static struct ring_buffer *ring;
static struct hs_net_held held;
static int raw, heldCount;

static void answer_settings(void) {
  struct hs_net_settings s = *maps.settings;
  printf("{\"role\":%u,\"packets\":%llu,\"clamped\":%llu,\"sackBlanked\":%llu,"
         "\"finRstDropped\":%llu,\"rstSuppressed\":%llu,\"silenced\":%llu,\"fenceDropped\":%llu,"
         "\"ignored\":%llu,\"answers\":%llu,\"synHeld\":%llu,\"synLost\":%llu,"
         "\"slotsEmpty\":%llu,\"marked\":%llu}\n",
         s.role, s.packets, s.clamped, s.sackBlanked, s.finRstDropped, s.rstSuppressed, s.silenced,
         s.fenceDropped, s.ignored, s.answers, s.synHeld, s.synLost, s.slotsEmpty, s.marked);
}

static void answer_slot(long at) {
  if (at < 0) {
    puts("{\"slot\":-1}");
    return;
  }
  struct hs_net_slot s = maps.slots[at];
  printf("{\"slot\":%ld,\"limit\":%u,\"edge\":%u,\"sndMax\":%u,\"irs1\":%u,\"iss1\":%u,"
         "\"tsval\":%u,\"tsecr\":%u,\"peerAck\":%u,\"peerWindow\":%u,\"answers\":%u,"
         "\"flags\":%u,\"wscale\":%u,\"peerWscale\":%u,\"peerMss\":%u,\"shown\":%u}\n",
         at, s.limit, s.edge, s.sndMax, s.irs1, s.iss1, s.tsval, s.tsecr, s.peerAck, s.peerWindow,
         s.answers, s.flags, s.wscale, s.peerWscale, s.peerMss, s.shown);
}

static void set(const char *name, u32 value) {
  struct hs_net_settings *s = maps.settings;
  if (!strcmp(name, "role")) s->role = value;
  else if (!strcmp(name, "vip")) s->vip = value;
  else if (!strcmp(name, "fenced")) s->fenced = value;
  else if (!strcmp(name, "synHold")) s->synHold = value;
  else if (!strcmp(name, "clamp")) s->clamp = value;
  else DIE(name);
  puts("{}");
}

/* Back to a state as just loaded, with `count` free slots. */
static void reset(u32 count) {
  struct hs_net_key key;
  u32 slot;
  while (!map_call(BPF_MAP_GET_NEXT_KEY, maps.index, 0, &key, 0))
    map_call(BPF_MAP_DELETE_ELEM, maps.index, &key, 0, 0);
  while (!map_call(BPF_MAP_LOOKUP_AND_DELETE_ELEM, maps.free, 0, &slot, 0)) continue;
  for (slot = 0; slot < count; slot++) {
    memset(&maps.slots[slot], 0, sizeof maps.slots[slot]);
    if (map_call(BPF_MAP_UPDATE_ELEM, maps.free, 0, &slot, BPF_ANY)) DIE("free_slots");
  }
  maps.settings->fenced = maps.settings->synHold = 0;
  puts("{}");
}

/* The connection of a slot, as far as hand-made segments need it. `mirror`: as its client. */
static struct hs_tcp tcp_of(const struct hs_net_slot *s, int mirror) {
  struct hs_tcp t = {.raddr = s->raddr, .laddr = maps.settings->vip, .rport = s->rport,
                     .lport = s->lport, .family = AF_INET, .iss1 = s->iss1, .irs1 = s->irs1,
                     .mss = s->peerMss, .snd_wscale = s->peerWscale, .rcv_wscale = s->wscale,
                     .timestamp = s->tsval, .timestampNs = now_ns()};
  if (s->flags & HS_NET_TIMESTAMPS) t.options |= HS_TCP_TIMESTAMPS;
  if (s->flags & HS_NET_SACK) t.options |= HS_TCP_SACK;
  if (s->flags & HS_NET_WSCALE) t.options |= HS_TCP_WSCALE;
  if (!mirror) return t;
  struct hs_tcp other = t;
  other.raddr = t.laddr, other.laddr = t.raddr;
  other.rport = t.lport, other.lport = t.rport;
  return other;
}

/* segment SLOT seq ack flags window bytes mirrored tsval tsecr */
static void segment(const char *arguments) {
  u32 slot, mirror;
  static u8 payload[HS_TCP_PAYLOAD_MAX];
  struct hs_tcp_segment s = {.payload = payload};
  if (sscanf(arguments, "%u %u %u %u %u %u %u %u %u", &slot, &s.seq, &s.ack, &s.flags, &s.window,
             &s.payloadBytes, &mirror, &s.tsval, &s.tsecr) != 9)
    DIE("segment");
  struct hs_tcp t = tcp_of(&maps.slots[slot], (int)mirror);
  s.timestamps = t.options & HS_TCP_TIMESTAMPS;
  printf("{\"result\":%ld}\n", hs_tcp_raw_segment(raw, &t, &s));
}

/* adopt raddr rport lport iss1 irs1 options+wscales: an unrestored connection, as in replay */
static void adopt(const char *arguments) {
  struct hs_tcp t = {.laddr = maps.settings->vip, .family = AF_INET, .timestampNs = now_ns()};
  u32 rport, lport, flags, ours, peers;
  if (sscanf(arguments, "%u %u %u %u %u %u %u %u %u %u", &t.raddr, &rport, &lport, &t.iss1, &t.irs1,
             &flags, &ours, &peers, &t.mss, &t.timestamp) != 10)
    DIE("adopt");
  t.rport = (unsigned short)rport, t.lport = (unsigned short)lport;
  t.rcv_wscale = (u8)ours, t.snd_wscale = (u8)peers;
  if (flags & HS_NET_TIMESTAMPS) t.options |= HS_TCP_TIMESTAMPS;
  if (flags & HS_NET_SACK) t.options |= HS_TCP_SACK;
  if (flags & HS_NET_WSCALE) t.options |= HS_TCP_WSCALE;
  long slot = slot_take(&maps);
  if (slot < 0) DIE("no free slot");
  hs_tcp_slot(&maps.slots[slot], &t, t.iss1, t.irs1, 0, HS_NET_UNRESTORED | HS_NET_NOTED);
  if (slot_index(&maps, key_of(&t), (u32)slot)) DIE("index");
  answer_slot(slot);
}

/* ---- held SYN-ACKs ---- */

static int on_held(void *context, void *data, size_t n) {
  (void)context;
  if (n != sizeof held) DIE("held record");
  memcpy(&held, data, sizeof held);
  heldCount++;
  return 0;
}

/* Lets the newest one go: its checksum was left to the network card. */
static void release(void) {
  u8 *ip = held.frame + ETH_HLEN, *tcp = ip + (ip[0] & 15) * 4;
  u32 n = held.len - (u32)(tcp - held.frame), sum = 6 + n;
  memset(tcp + 16, 0, 2);
  for (int i = 12; i < 20; i += 2) sum += (u32)ip[i] << 8 | ip[i + 1];
  for (u32 i = 0; i + 1 < n; i += 2) sum += (u32)tcp[i] << 8 | tcp[i + 1];
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  sum = ~sum;
  tcp[16] = (u8)(sum >> 8), tcp[17] = (u8)sum;
  __atomic_fetch_or(&maps.slots[held.slot].flags, HS_NET_SYN_OK, __ATOMIC_SEQ_CST);
  ssize_t sent = sendto(announcer.fd, held.frame, held.len, 0, (void *)&announcer.to,
                        sizeof announcer.to);
  printf("{\"result\":%zd}\n", sent);
}

static void command(char *line) {
  char word[32];
  u32 a = 0, b = 0, c = 0;
  int skip = 0;
  if (sscanf(line, "%31s%n", word, &skip) != 1) DIE("empty command");
  char *rest = line + skip;
  int n = sscanf(rest, "%u %u %u", &a, &b, &c);
  struct hs_net_slot *slot = &maps.slots[a % HS_NET_SLOTS];
  struct hs_tcp t = tcp_of(slot, 0);
  if (!strcmp(word, "settings")) answer_settings();
  else if (!strcmp(word, "set") && sscanf(rest, "%31s %u", word, &a) == 2) set(word, a);
  else if (!strcmp(word, "reset")) reset(a);
  else if (!strcmp(word, "find") && n == 3)
    answer_slot(slot_find(&maps, (struct hs_net_key){a, (unsigned short)b, (unsigned short)c}));
  else if (!strcmp(word, "slot")) answer_slot((long)a);
  else if (!strcmp(word, "limit")) printf("{\"push\":%d}\n", hs_tcp_raise(slot, b));
  else if (!strcmp(word, "push")) printf("{\"result\":%ld}\n", hs_tcp_push(raw, &t, slot));
  else if (!strcmp(word, "flag"))
    printf("{\"was\":%u}\n", __atomic_fetch_or(&slot->flags, b, __ATOMIC_SEQ_CST));
  else if (!strcmp(word, "segment")) segment(rest);
  else if (!strcmp(word, "adopt")) adopt(rest);
  else if (!strcmp(word, "ask"))
    printf("{\"result\":%ld}\n", hs_tcp_ask(raw, &t, b, c, slot->tsecr, now_ns()));
  else if (!strcmp(word, "announce")) announce(&announcer, maps.settings->vip), puts("{}");
  else if (!strcmp(word, "held")) ring_buffer__poll(ring, 0), printf("{\"held\":%d}\n", heldCount);
  else if (!strcmp(word, "release")) release();
  else DIE(word);
  fflush(stdout);
}

int main(int argc, char **argv) {
  char line[512];
  if (argc != 3) return 2;
  u32 mark = HS_NET_MARK;
  maps = maps_open(argv[1]);
  announcer = announcer_open(argv[2]);
  if (setsockopt(announcer.fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark)) DIE("mark");
  ring = ring_buffer__new(map_open(argv[1], "held"), on_held, 0, 0);
  raw = (int)hs_tcp_raw_open();
  if (!ring || raw < 0) DIE("raw socket or ring");
  while (fgets(line, sizeof line, stdin)) command(line);
  return 0;
}
