/* segment.h: from a frame to struct hs_segment, all that the policy in enforce.bpf.c looks at.
 *
 * IPv4 over untagged Ethernet; another address family is another hs_parse. Headers are copied, not
 * pointed into: they may lie in fragments of the packet, and helpers that write void pointers.
 *
 * The rule: what cannot be parsed but has the service's address is HS_SERVICE_OTHER, never passed
 * off as strange. */
#ifndef HS_SEGMENT_H
#define HS_SEGMENT_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "event.h"

#define HS_FIN 1u
#define HS_SYN 2u
#define HS_RST 4u
#define HS_ACK 16u
#define HS_OPTIONS_MAX 40u
#define HS_OPTIONS_BUFFER 56u
#define HS_TS_PREFIX 0x0101080au /* NOP NOP TIMESTAMP 10: where nearly every stack puts it */

/* What a frame is to the service. */
enum hs_frame { HS_STRANGE, HS_SERVICE_OTHER, HS_SERVICE_ARP, HS_SERVICE_TCP };

/* A TCP segment, parsed. Host order, but for the key. */
struct hs_segment {
  struct hs_net_key key;
  __u32 seq, ack, payload; /* payload of a whole GSO packet, before it is cut up */
  __u32 window, flags;     /* as in the header: not scaled; HS_FIN .. */
  __u32 l4, optionBytes;   /* where the TCP header starts; 0..40 */
};

struct hs_options {
  __u32 tsval, tsecr, agreed; /* HS_NET_TIMESTAMPS | HS_NET_SACK | HS_NET_WSCALE */
  __u32 sackAt, sackBytes;
  __u16 mss;
  __u8 wscale, pad;
};

/* The option bytes of one header, and how far they are read. Room behind the last one, so that an
 * option cut short reads zeros. */
struct hs_walk {
  __u8 bytes[HS_OPTIONS_BUFFER];
  __u32 n, at;
  struct hs_options options;
};

/* Offsets and layouts are those of RFC 791, 826 and 9293. */
static __always_inline enum hs_frame hs_parse(struct __sk_buff *skb, __u32 vip, int egress,
                                              struct hs_segment *segment)
{
  __u8 ip[20], tcp[20];
  __u32 local, remote;

  if (skb->protocol == bpf_htons(ETH_P_ARP)) {
    if (bpf_skb_load_bytes(skb, ETH_HLEN + 14, &local, 4)) /* sender's protocol address */
      return HS_STRANGE;
    return local == vip ? HS_SERVICE_ARP : HS_STRANGE;
  }
  if (skb->protocol != bpf_htons(ETH_P_IP) || bpf_skb_load_bytes(skb, ETH_HLEN, ip, sizeof ip))
    return HS_STRANGE;
  __builtin_memcpy(&local, ip + (egress ? 12 : 16), 4);
  __builtin_memcpy(&remote, ip + (egress ? 16 : 12), 4);
  if (local != vip)
    return HS_STRANGE;
  __u32 fragment = ((__u32)ip[6] << 8 | ip[7]) & 0x3fff; /* offset, and more to come */
  if (ip[9] != IPPROTO_TCP || fragment)
    return HS_SERVICE_OTHER;
  __u32 headerBytes = (ip[0] & 15u) * 4;
  segment->l4 = ETH_HLEN + headerBytes;
  if (headerBytes < 20 || bpf_skb_load_bytes(skb, segment->l4, tcp, sizeof tcp))
    return HS_SERVICE_OTHER;

  __u32 tcpBytes = (tcp[12] >> 4) * 4u;
  if (tcpBytes < 20)
    return HS_SERVICE_OTHER;
  /* 0 means longer than a 16-bit field can say (big TCP); short frames may be padded at the end */
  __u32 total = (__u32)ip[2] << 8 | ip[3];
  if (!total)
    total = skb->len - ETH_HLEN;
  segment->payload = total > headerBytes + tcpBytes ? total - headerBytes - tcpBytes : 0;
  segment->optionBytes = tcpBytes - 20;
  segment->key.raddr = remote;
  __builtin_memcpy(egress ? &segment->key.lport : &segment->key.rport, tcp, 2);
  __builtin_memcpy(egress ? &segment->key.rport : &segment->key.lport, tcp + 2, 2);
  __builtin_memcpy(&segment->seq, tcp + 4, 4);
  __builtin_memcpy(&segment->ack, tcp + 8, 4);
  segment->seq = bpf_ntohl(segment->seq);
  segment->ack = bpf_ntohl(segment->ack);
  segment->flags = tcp[13];
  segment->window = (__u32)tcp[14] << 8 | tcp[15];
  return HS_SERVICE_TCP;
}

static __always_inline __u32 hs_word(const __u8 *p)
{
  return (__u32)p[0] << 24 | (__u32)p[1] << 16 | (__u32)p[2] << 8 | p[3];
}

/* Whether a count is 1 to `most`, as the verifier must see it where it checks the call: from the
 * count less 1, whose origin the compiler may not know. What is not 0 has no lower bound to
 * Linux 6.1, and the compiler turns `n < 1` into that. */
static __always_inline int hs_is_count(__u32 *count, __u32 most)
{
  __u32 less = *count - 1;
  asm volatile("" : "+r"(less));
  if (less >= most)
    return 0;
  *count = less + 1;
  return 1;
}

/* Copies the option bytes into `bytes` (56 of them, the rest zero) and says how many there are. */
static __always_inline __u32 hs_load_options(struct __sk_buff *skb,
                                             const struct hs_segment *segment, __u8 *bytes)
{
  __u32 n = segment->optionBytes;
  __builtin_memset(bytes, 0, HS_OPTIONS_BUFFER);
  if (!hs_is_count(&n, HS_OPTIONS_MAX) || bpf_skb_load_bytes(skb, segment->l4 + 20, bytes, n))
    return 0;
  return n;
}

/* Reads the option at `walk->at`; 1 ends the walk. The body of a bpf_loop: in an ordinary loop the
 * verifier follows every way the lengths could add up, a million steps. */
static long hs_read_option(__u32 turn, struct hs_walk *walk)
{
  struct hs_options *options = &walk->options;
  __u32 i = walk->at;
  (void)turn;
  if (i >= HS_OPTIONS_MAX || i >= walk->n)
    return 1;
  const __u8 *at = walk->bytes + i;
  if (at[0] == 1) {
    walk->at = i + 1;
    return 0;
  }
  if (at[0] == 0 || at[1] < 2 || i + at[1] > walk->n)
    return 1;
  walk->at = i + at[1];
  if (at[0] == 2) {
    options->mss = (__u16)(at[2] << 8 | at[3]);
  } else if (at[0] == 3) {
    options->agreed |= HS_NET_WSCALE;
    options->wscale = at[2] > 14 ? 14 : at[2]; /* RFC 7323, 2.3 */
  } else if (at[0] == 4) {
    options->agreed |= HS_NET_SACK;
  } else if (at[0] == 5) {
    options->sackAt = i;
    options->sackBytes = at[1];
  } else if (at[0] == 8) {
    options->agreed |= HS_NET_TIMESTAMPS;
    options->tsval = hs_word(at + 2);
    options->tsecr = hs_word(at + 6);
  }
  return 0;
}

static __always_inline void hs_all_options(struct __sk_buff *skb,
                                           const struct hs_segment *segment, struct hs_walk *walk)
{
  __builtin_memset(walk, 0, sizeof *walk);
  walk->n = hs_load_options(skb, segment, walk->bytes);
  bpf_loop(HS_OPTIONS_MAX, hs_read_option, walk, 0);
}

/* Only the timestamps, and fast when they are where they usually are. 0: there are none. */
static __always_inline int hs_timestamps(struct __sk_buff *skb, const struct hs_segment *segment,
                                         __u32 *tsval, __u32 *tsecr)
{
  __u32 words[3];
  if (segment->optionBytes < 12 || bpf_skb_load_bytes(skb, segment->l4 + 20, words, 12))
    return 0;
  if (words[0] == bpf_htonl(HS_TS_PREFIX)) {
    *tsval = bpf_ntohl(words[1]);
    *tsecr = bpf_ntohl(words[2]);
    return 1;
  }
  struct hs_walk walk;
  hs_all_options(skb, segment, &walk);
  *tsval = walk.options.tsval;
  *tsecr = walk.options.tsecr;
  return (walk.options.agreed & HS_NET_TIMESTAMPS) != 0;
}

#endif
