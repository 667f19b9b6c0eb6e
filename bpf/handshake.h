/* handshake.h: how a connection gets its slot: at our SYN-ACK when a client opens it, at the other
 * end's SYN-ACK when the program does. Included by enforce.bpf.c, whose maps it uses.
 *
 * The rule: no handshake is completed without a slot, and none of a client's before the backup
 * knows the connection, when that is asked for (settings.synHold). */
#ifndef HS_HANDSHAKE_H
#define HS_HANDSHAKE_H

/* The slot for a new connection: the one its handshake already has, unless an earlier connection
 * between the same ports still owns that; then a fresh one, and the old is user space's to free. */
static __always_inline struct hs_net_slot *hs_slot_for(const struct hs_net_key *key, __u32 iss1,
                                                       __u32 *at, struct hs_net_settings *s)
{
  __u32 *known = bpf_map_lookup_elem(&index, key);
  if (known) {
    *at = *known;
    struct hs_net_slot *slot = bpf_map_lookup_elem(&slots, at);
    if (!slot || slot->iss1 == iss1 || !(slot->flags & HS_NET_NOTED))
      return slot;
  }
  if (bpf_map_pop_elem(&free_slots, at)) {
    COUNT(slotsEmpty);
    return 0;
  }
  struct hs_net_slot *slot = bpf_map_lookup_elem(&slots, at);
  if (slot)
    slot->flags = 0;
  return slot;
}

static __always_inline void hs_hold(struct __sk_buff *skb, __u32 at, struct hs_net_settings *s)
{
  struct hs_net_held *record = bpf_ringbuf_reserve(&held, sizeof *record, 0);
  if (!record) {
    COUNT(synLost);
    return;
  }
  __u32 len = skb->len;
  record->slot = at;
  if (!hs_is_count(&len, sizeof record->frame) ||
      bpf_skb_load_bytes(skb, 0, record->frame, len)) {
    bpf_ringbuf_discard(record, 0);
    COUNT(synLost);
    return;
  }
  record->len = len;
  bpf_ringbuf_submit(record, 0);
  COUNT(synHeld);
}

static __always_inline void hs_note_syn(struct __sk_buff *skb, const struct hs_segment *segment)
{
  struct hs_walk walk;
  hs_all_options(skb, segment, &walk);
  struct hs_net_syn syn = {.mss = walk.options.mss ? walk.options.mss : 536,
                           .wscale = walk.options.wscale,
                           .seq = segment->seq};
  bpf_map_update_elem(&syns, &segment->key, &syn, BPF_ANY);
}

/* What both kinds of handshake say. The windows in it are not scaled. */
static __always_inline void hs_fill(struct hs_net_slot *slot, const struct hs_segment *segment,
                                    __u32 irs1, __u32 iss1)
{
  slot->limit = slot->irs1 = irs1;
  slot->edge = slot->shown = irs1;
  slot->sndMax = slot->iss1 = slot->peerAck = iss1;
  slot->peerWindow = slot->answers = 0;
  slot->raddr = segment->key.raddr;
  slot->rport = segment->key.rport;
  slot->lport = segment->key.lport;
  slot->bornMs = (__u32)(bpf_ktime_get_ns() / 1000000);
}

static __always_inline int hs_enter(const struct hs_segment *segment, struct hs_net_slot *slot,
                                    __u32 at, __u32 flags, struct hs_net_settings *s)
{
  NOW(slot->flags) = HS_NET_USED | flags;
  if (bpf_map_update_elem(&index, &segment->key, &at, BPF_ANY)) {
    slot->flags = 0;
    bpf_map_push_elem(&free_slots, &at, 0);
    COUNT(slotsEmpty);
    return 0;
  }
  bpf_map_delete_elem(&syns, &segment->key);
  return 1;
}

/* A host that serves alone needs no slots, and whoever has one from before between the same ports
 * loses it: it is another connection's. */
static __always_inline int hs_without_slot(const struct hs_segment *segment)
{
  __u32 *known = bpf_map_lookup_elem(&index, &segment->key);
  if (!known)
    return TC_ACT_OK;
  __u32 at = *known;
  struct hs_net_slot *slot = bpf_map_lookup_elem(&slots, &at);
  bpf_map_delete_elem(&index, &segment->key);
  if (slot && !(NOW(slot->flags) & HS_NET_NOTED)) {
    NOW(slot->flags) = 0;
    bpf_map_push_elem(&free_slots, &at, 0);
  }
  return TC_ACT_OK;
}

/* A SYN-ACK makes the slot, and leaves only with one: a connection without would be lost. */
static __always_inline int hs_syn_ack(struct __sk_buff *skb, const struct hs_segment *segment,
                                      struct hs_net_settings *s)
{
  __u32 at = 0, iss1 = segment->seq + 1;
  if (s->role == HS_NET_LIVE && !s->clamp)
    return hs_without_slot(segment);
  struct hs_net_slot *slot = hs_slot_for(&segment->key, iss1, &at, s);
  if (!slot)
    return TC_ACT_SHOT;
  if (!(slot->flags & HS_NET_USED) || slot->iss1 != iss1) {
    struct hs_walk walk;
    hs_all_options(skb, segment, &walk);
    const struct hs_options *options = &walk.options;
    struct hs_net_syn *syn = bpf_map_lookup_elem(&syns, &segment->key);
    hs_fill(slot, segment, segment->ack, iss1);
    slot->edge = slot->shown = segment->ack + segment->window;
    slot->tsval = options->tsval;
    slot->tsecr = options->tsecr;
    slot->wscale = options->wscale; /* 0 unless both ends scale */
    slot->peerWscale = syn && options->agreed & HS_NET_WSCALE ? syn->wscale : 0;
    slot->peerMss = syn ? syn->mss : 0;
    if (!hs_enter(segment, slot, at, options->agreed, s))
      return TC_ACT_SHOT;
  }
  if (s->role == HS_NET_PRIMARY && !(NOW(slot->flags) & HS_NET_SYN_OK)) {
    if (s->synHold == HS_NET_SYN_TOLD) { /* it is told once, and waits for nobody */
      __sync_fetch_and_or(&slot->flags, HS_NET_SYN_OK);
      hs_hold(skb, at, s);
    } else if (s->synHold) {
      hs_hold(skb, at, s);
      return TC_ACT_SHOT;
    }
  }
  return TC_ACT_OK;
}

/* The answer to a connect of the program's: from here on what comes is acknowledged no further
 * than the backup holds it. 1: there is no slot, and the answer has to come again. */
static __always_inline int hs_answered(struct __sk_buff *skb, const struct hs_segment *segment,
                                       struct hs_net_settings *s)
{
  __u32 at = 0, iss1 = segment->ack;
  struct hs_net_syn *syn = bpf_map_lookup_elem(&syns, &segment->key);
  if (!syn || syn->seq + 1 != iss1)
    return 0;
  struct hs_net_slot *slot = hs_slot_for(&segment->key, iss1, &at, s);
  if (!slot)
    return 1;
  struct hs_walk walk;
  hs_all_options(skb, segment, &walk);
  const struct hs_options *options = &walk.options;
  hs_fill(slot, segment, segment->seq + 1, iss1);
  slot->tsval = options->tsecr;
  slot->tsecr = options->tsval;
  slot->wscale = options->agreed & HS_NET_WSCALE ? syn->wscale : 0;
  slot->peerWscale = options->wscale;
  slot->peerWindow = segment->window;
  slot->peerMss = options->mss ? options->mss : 536;
  return !hs_enter(segment, slot, at, HS_NET_DIALLED | HS_NET_CONFIRMED | options->agreed, s);
}

#endif
