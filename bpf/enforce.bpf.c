/* enforce.bpf.c: what may leave the service's interface, and what may come in (tc, both ways).
 *
 * The egress program lowers every ACK to what the backup holds, keeps the FINs and RSTs of sockets
 * the program did not close from clients, and silences a host that does not serve. The ingress
 * program notes what clients have acknowledged and keeps their segments from a kernel that has no
 * sockets for them yet. The policy sees only struct hs_segment (segment.h).
 *
 * The rule: when in doubt drop. TCP repeats a lost segment; nothing takes back one that left. */
#include <linux/pkt_cls.h>
#include "segment.h"

#define HS_HELD_BYTES (1u << 18)

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct hs_net_settings);
} settings SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, HS_NET_SLOTS);
  __type(key, struct hs_net_key);
  __type(value, __u32);
} index SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, HS_NET_SLOTS);
  __type(key, __u32);
  __type(value, struct hs_net_slot);
} slots SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_QUEUE);
  __uint(max_entries, HS_NET_SLOTS);
  __type(value, __u32);
} free_slots SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, HS_NET_SLOTS);
  __type(key, struct hs_net_key);
  __type(value, struct hs_net_syn);
} syns SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, HS_HELD_BYTES);
} held SEC(".maps");

#define COUNT(field) __sync_fetch_and_add(&s->field, 1)
#define NOW(x) (*(volatile __typeof__(x) *)&(x))

#include "handshake.h"

static __always_inline struct hs_net_settings *hs_settings(void)
{
  __u32 zero = 0;
  return bpf_map_lookup_elem(&settings, &zero);
}

static __always_inline struct hs_net_slot *hs_find(const struct hs_net_key *key)
{
  __u32 *slot = bpf_map_lookup_elem(&index, key);
  if (!slot)
    return 0;
  __u32 at = *slot;
  return bpf_map_lookup_elem(&slots, &at);
}

static long hs_blank_byte(__u32 turn, struct hs_walk *walk)
{
  __u32 at = walk->at + turn;
  if (at >= HS_OPTIONS_MAX)
    return 1;
  walk->bytes[at] = 1;
  return 0;
}

/* Overwrites SACK blocks with NOPs: they name bytes beyond the lowered ACK, which the backup does
 * not hold, and would make the client resend what lies between. */
static __always_inline void hs_blank_sack(struct __sk_buff *skb, const struct hs_segment *segment,
                                          struct hs_net_settings *s)
{
  struct hs_walk walk;
  __u8 before[HS_OPTIONS_BUFFER];
  if (segment->optionBytes < 12) /* shorter than the shortest SACK option, with its two NOPs */
    return;
  hs_all_options(skb, segment, &walk);
  if (!walk.options.sackBytes)
    return;
  __builtin_memcpy(before, walk.bytes, sizeof before);
  walk.at = walk.options.sackAt;
  bpf_loop(walk.options.sackBytes, hs_blank_byte, &walk, 0);
  /* over the zero padding too: it adds nothing to the difference */
  __s64 diff = bpf_csum_diff((__be32 *)before, sizeof before, (__be32 *)walk.bytes,
                             sizeof walk.bytes, 0);
  __u32 n = walk.n;
  if (!hs_is_count(&n, HS_OPTIONS_MAX))
    return;
  bpf_l4_csum_replace(skb, segment->l4 + 16, 0, (__u64)diff, 0);
  bpf_skb_store_bytes(skb, segment->l4 + 20, walk.bytes, n, 0);
  COUNT(sackBlanked);
}

/* The window field that goes with `ack`: the right edge is the highest the kernel has offered,
 * and never behind what the client has been shown. Rounds up where it must, as the kernel does. */
static __always_inline __u32 hs_window(struct hs_net_slot *slot, __u32 ack)
{
  __u32 shift = slot->wscale & 15;
  __u32 window = (slot->edge - ack) >> shift;
  if ((int)(ack + (window << shift) - slot->shown) < 0)
    window = (slot->shown - ack + (1u << shift) - 1) >> shift;
  return window > 65535 ? 65535 : window;
}

/* Lowers the ACK to the limit and makes the window fit. A marked segment is user space's: its
 * window says nothing about the kernel's, and is replaced by what the slot says now. */
static __always_inline void hs_clamp(struct __sk_buff *skb, const struct hs_segment *segment,
                                     struct hs_net_slot *slot, struct hs_net_settings *s,
                                     int marked)
{
  __u32 ack = segment->ack, window = segment->window;
  __u32 offered = ack + (window << (slot->wscale & 15));
  if (!marked && (int)(offered - slot->edge) > 0)
    slot->edge = offered;
  if (s->clamp && (int)(ack - NOW(slot->limit)) > 0) {
    /* User space stores the limit, then tests the flag; here the flag is set (a full barrier),
     * then the limit read again: one of the two always sees the other, so no ACK is forgotten. */
    __sync_fetch_and_or(&slot->flags, HS_NET_CLAMPED);
    __u32 limit = NOW(slot->limit);
    if ((int)(ack - limit) > 0)
      ack = limit;
  }
  /* an honest "window closed" stays one: the client must probe, not resend until it gives up */
  int closed = !marked && !window && ack == segment->ack;
  if (!closed)
    window = hs_window(slot, ack);
  __u32 shown = ack + (window << (slot->wscale & 15));
  if ((int)(shown - slot->shown) > 0)
    slot->shown = shown;

  if (window != segment->window) {
    __be16 from = bpf_htons((__u16)segment->window), to = bpf_htons((__u16)window);
    bpf_l4_csum_replace(skb, segment->l4 + 16, from, to, 2);
    bpf_skb_store_bytes(skb, segment->l4 + 14, &to, 2, 0);
  }
  if (ack != segment->ack) {
    __be32 from = bpf_htonl(segment->ack), to = bpf_htonl(ack);
    bpf_l4_csum_replace(skb, segment->l4 + 16, from, to, 4);
    bpf_skb_store_bytes(skb, segment->l4 + 8, &to, 4, 0);
    hs_blank_sack(skb, segment, s);
    COUNT(clamped);
  }
}

static __always_inline int hs_silence(const struct hs_segment *segment,
                                      struct hs_net_settings *s)
{
  if (segment->flags & HS_RST)
    COUNT(rstSuppressed);
  else
    COUNT(silenced);
  return TC_ACT_SHOT;
}

/* One that the program opened is nobody's loss before it has looked at it. */
static __always_inline int hs_may_end(__u32 flags)
{
  return flags & HS_NET_FIN_OK || (flags & (HS_NET_DIALLED | HS_NET_NOTED)) == HS_NET_DIALLED;
}

/* Everything a connection sends after its SYN-ACK, on a host that serves. */
static __always_inline int hs_leave(struct __sk_buff *skb, const struct hs_segment *segment,
                                    struct hs_net_slot *slot, struct hs_net_settings *s, int marked)
{
  __u32 flags = NOW(slot->flags);
  if (!marked && flags & HS_NET_UNRESTORED)
    return hs_silence(segment, s);
  if (!marked && s->role == HS_NET_PRIMARY && !hs_may_end(flags) &&
      (segment->flags & HS_RST || (segment->flags & HS_FIN && !(flags & HS_NET_SHUT_OK)))) {
    COUNT(finRstDropped);
    return TC_ACT_SHOT;
  }
  __u32 end = segment->seq + segment->payload + (segment->flags & HS_FIN ? 1 : 0);
  if (!marked && !(segment->flags & HS_RST) && (int)(end - slot->sndMax) > 0)
    slot->sndMax = end;
  __u32 tsval, tsecr;
  if (!marked && hs_timestamps(skb, segment, &tsval, &tsecr)) {
    slot->tsval = tsval;
    slot->tsecr = tsecr;
  }
  if (segment->flags & HS_ACK)
    hs_clamp(skb, segment, slot, s, marked);
  return TC_ACT_OK;
}

SEC("tc")
int egress(struct __sk_buff *skb)
{
  struct hs_net_settings *s = hs_settings();
  struct hs_segment segment = {};
  if (!s || s->role == HS_NET_OFF)
    return TC_ACT_OK;
  enum hs_frame frame = hs_parse(skb, s->vip, 1, &segment);
  if (frame == HS_STRANGE)
    return TC_ACT_OK;
  if (s->fenced) {
    COUNT(fenceDropped);
    return TC_ACT_SHOT;
  }
  __u32 role = s->role;
  if (role == HS_NET_TAKEOVER && frame == HS_SERVICE_ARP)
    return TC_ACT_OK;
  if (frame != HS_SERVICE_TCP) /* `segment` is empty: no flags */
    return role == HS_NET_BACKUP || role == HS_NET_TAKEOVER ? hs_silence(&segment, s) : TC_ACT_OK;
  COUNT(packets);
  int marked = skb->mark == HS_NET_MARK;
  struct hs_net_slot *slot = 0;
  if (role != HS_NET_BACKUP)
    slot = hs_find(&segment.key);
  if (role == HS_NET_BACKUP || (role == HS_NET_TAKEOVER && !marked && !slot))
    return hs_silence(&segment, s);
  if (marked)
    COUNT(marked);
  if (role == HS_NET_TAKEOVER && marked)
    return TC_ACT_OK;
  if ((segment.flags & (HS_SYN | HS_ACK)) == (HS_SYN | HS_ACK))
    return marked ? TC_ACT_OK : hs_syn_ack(skb, &segment, s);
  if ((segment.flags & (HS_SYN | HS_ACK)) == HS_SYN) { /* the program connects to somebody */
    if (role == HS_NET_PRIMARY)
      hs_note_syn(skb, &segment);
    return TC_ACT_OK;
  }
  if (!slot)
    return TC_ACT_OK;
  /* a pushed ACK is brought up to date; what else user space builds leaves as it is */
  if (marked && (NOW(slot->flags) & HS_NET_UNRESTORED || segment.payload))
    return TC_ACT_OK;
  return hs_leave(skb, &segment, slot, s, marked);
}

/* What a client's segment says about our bytes. On the backup it also shows which of our
 * timestamps the client has seen, and the restored socket must not go behind that. */
static __always_inline void hs_note_peer(struct __sk_buff *skb, const struct hs_segment *segment,
                                         struct hs_net_slot *slot, int unrestored)
{
  if (!(segment->flags & HS_ACK) || segment->flags & HS_RST)
    return;
  int ahead = (int)(segment->ack - slot->peerAck);
  if (ahead < 0 || (!unrestored && (int)(segment->ack - slot->sndMax) > 0))
    return;
  slot->peerAck = segment->ack;
  slot->peerWindow = segment->window << (slot->peerWscale & 15);
  if (!(NOW(slot->flags) & HS_NET_CONFIRMED))
    __sync_fetch_and_or(&slot->flags, HS_NET_CONFIRMED);
  __u32 tsval, tsecr;
  if (unrestored && hs_timestamps(skb, segment, &tsval, &tsecr)) {
    if ((int)(tsecr - slot->tsval) > 0)
      slot->tsval = tsecr;
    slot->tsecr = tsval;
  }
}

/* The client of a connection without a socket: note, count, and keep it from the kernel. */
static __always_inline int hs_answer(struct __sk_buff *skb, const struct hs_segment *segment,
                                     struct hs_net_slot *slot, struct hs_net_settings *s)
{
  hs_note_peer(skb, segment, slot, 1);
  if (s->role != HS_NET_BACKUP && segment->flags & HS_RST)
    __sync_fetch_and_or(&slot->flags, HS_NET_RESET); /* its answer is that it has no connection */
  /* data may have been under way before our question; the answer to it carries none */
  if (s->role != HS_NET_BACKUP && !segment->payload && segment->flags & HS_ACK &&
      !(segment->flags & (HS_SYN | HS_RST))) {
    __sync_fetch_and_add(&slot->answers, 1);
    COUNT(answers);
  }
  COUNT(ignored);
  return TC_ACT_SHOT;
}

/* Somebody else says that the service address is his (RFC 5227, 2.4). A host that serves yields at
 * once, here: its engine may be stopped. Whoever took over speaks so, and is not to be answered. */
static __always_inline void hs_claimed(struct __sk_buff *skb, struct hs_net_settings *s)
{
  __u64 mac = 0;
  if (s->role != HS_NET_PRIMARY ||
      bpf_skb_load_bytes(skb, ETH_HLEN + 8, &mac, 6)) /* sender's hardware address */
    return;
  if (!s->mac || mac == s->mac || !mac) /* not told yet; our own, sent back by a switch */
    return;
  s->fenced = 1;
  s->claimant = mac;
}

SEC("tc")
int ingress(struct __sk_buff *skb)
{
  struct hs_net_settings *s = hs_settings();
  struct hs_segment segment = {};
  if (!s || s->role == HS_NET_OFF)
    return TC_ACT_OK;
  enum hs_frame frame = hs_parse(skb, s->vip, 0, &segment);
  if (frame == HS_SERVICE_ARP)
    hs_claimed(skb, s);
  if (frame != HS_SERVICE_TCP)
    return TC_ACT_OK;
  COUNT(packets);
  int serves = s->role == HS_NET_PRIMARY || s->role == HS_NET_LIVE;
  if ((segment.flags & (HS_SYN | HS_ACK)) == HS_SYN) {
    if (serves) {
      hs_note_syn(skb, &segment);
      return TC_ACT_OK;
    }
    COUNT(ignored); /* the client repeats it; a kernel without the listener would refuse it */
    return TC_ACT_SHOT;
  }
  if ((segment.flags & (HS_SYN | HS_ACK)) == (HS_SYN | HS_ACK) && s->role == HS_NET_PRIMARY &&
      hs_answered(skb, &segment, s))
    return TC_ACT_SHOT;
  struct hs_net_slot *slot = hs_find(&segment.key);
  if (!slot) {
    if (serves)
      return TC_ACT_OK;
    COUNT(ignored);
    return TC_ACT_SHOT;
  }
  __u32 flags = NOW(slot->flags);
  if (flags & HS_NET_UNRESTORED || s->role == HS_NET_BACKUP)
    return hs_answer(skb, &segment, slot, s);
  if (segment.flags & HS_RST && !(flags & HS_NET_NOTED))
    __sync_fetch_and_or(&slot->flags, HS_NET_RESET);
  hs_note_peer(skb, &segment, slot, 0);
  return TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
