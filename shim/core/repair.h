/* repair.h: one TCP connection as numbers: taken from a live socket, made into a socket again, and
 * spoken for by hand-made segments while there is no socket.
 *
 * The takeover, per connection (bpf/README.md has the roles and the order between connections):
 *   primary   hs_tcp_note at accept or connect, before the first write; hs_tcp_raise as the backup
 *             confirms what was read, and hs_tcp_push where that says so
 *   backup    hs_tcp_ask; the answer is in the slot; hs_tcp_clock; hs_tcp_restore;
 *             hs_tcp_leave_repair; clear HS_NET_UNRESTORED; hs_tcp_push; send what the client lacks
 *
 * The rule: the receive queue is never refilled. Bytes the program has not read were not
 * acknowledged to the client, so the client still has them. Every function gives 0 or more, or
 * -errno. Usable with and without libc: no header but the shared one, no types but C's. */
#ifndef HS_REPAIR_H
#define HS_REPAIR_H

#include "../../bpf/event.h"

#define HS_TCP_TIMESTAMPS 1u /* as TCPI_OPT_* */
#define HS_TCP_SACK 2u
#define HS_TCP_WSCALE 4u
#define HS_TCP_MICROSECONDS 0x80u /* its timestamps count microseconds */

#define HS_TCP_FIN 1u
#define HS_TCP_SYN 2u
#define HS_TCP_RST 4u
#define HS_TCP_PSH 8u
#define HS_TCP_ACK 16u

#define HS_TCP_PAYLOAD_MAX 1024u
#define HS_TCP_WINDOW 262144u /* bytes a restored socket offers at first */

struct hs_tcp {
  unsigned int raddr, laddr;      /* network order, as are the ports */
  unsigned short rport, lport;
  unsigned short family;          /* AF_INET, or AF_INET6 with mapped addresses */
  unsigned short pad;
  unsigned int iss1, irs1;        /* first byte out and in: initial sequence numbers + 1 */
  unsigned int mss;
  unsigned char snd_wscale, rcv_wscale; /* shifts of the client's windows and of ours */
  unsigned char options;          /* HS_TCP_* */
  unsigned char pad2;
  unsigned int timestamp;         /* ours, at timestampNs */
  unsigned long long timestampNs; /* on the clock of whoever restores: the backup puts in its own
                                     time when the record arrives */
};

struct hs_tcp_segment {
  unsigned int seq, ack, tsval, tsecr;
  unsigned int flags;  /* HS_TCP_FIN .. */
  unsigned int window; /* as in the header */
  const void *payload;
  unsigned int payloadBytes; /* up to HS_TCP_PAYLOAD_MAX */
  unsigned int timestamps;   /* 1: carry tsval and tsecr */
};

/* The addresses of a connected socket; and then the rest, which nothing was written to yet. The
 * socket is as it was, and asking it takes CAP_NET_ADMIN (repair mode). */
long hs_tcp_name(int fd, struct hs_tcp *t);
long hs_tcp_note(int fd, struct hs_tcp *t, unsigned long long nowNs);

/* The rest by what the BPF program saw of its handshake: the same numbers, and no privilege. */
long hs_tcp_note_slot(int fd, struct hs_tcp *t, const struct hs_net_slot *slot,
                      unsigned long long nowNs);

/* Says that the client has seen our timestamp `tsval`: a restored socket must not go behind it. */
void hs_tcp_clock(struct hs_tcp *t, unsigned int tsval, unsigned long long nowNs);

/* Our timestamp now. */
unsigned int hs_tcp_timestamp(const struct hs_tcp *t, unsigned long long nowNs);

/* Bytes of ours the client has acknowledged, from its 32-bit number: the count next to `about`. */
unsigned long long hs_tcp_count(const struct hs_tcp *t, unsigned int peerAck,
                                unsigned long long about);

/* Makes `fd`, a TCP socket that is neither bound nor connected, the connection `t`, in repair mode.
 * written_from: bytes out that the client has acknowledged; read: bytes in (an end of file that was
 * read counts as one); peerWindow: bytes, from its answer. Gives what SO_REUSEADDR was, for
 * hs_tcp_leave_repair; sets t's clock to the socket's. On failure the socket is of no more use. */
long hs_tcp_restore(int fd, struct hs_tcp *t, unsigned long long written_from,
                    unsigned long long read, unsigned int peerWindow, unsigned long long nowNs);

/* Binds an ordinary socket to the connection's own address and connects it to the other. */
long hs_tcp_dial(int fd, const struct hs_tcp *t);

/* From here on the socket is an ordinary one. Sends nothing by itself. */
long hs_tcp_leave_repair(int fd, int reuse);

/* The socket for hand-made segments: marked, so that the BPF programs know them. Open it before it
 * is needed. */
long hs_tcp_raw_open(void);

long hs_tcp_raw_segment(int rawfd, const struct hs_tcp *t, const struct hs_tcp_segment *segment);

/* Gives the socket on this host a segment as if the client had sent it: it goes over the loopback
 * interface, where no program of ours looks at it. `seq` must be the next byte in. */
long hs_tcp_inject(int rawfd, const struct hs_tcp *t, unsigned int seq, unsigned int ack,
                   unsigned int flags);

/* Makes `fd`, a TCP socket that is neither bound nor connected, one whose peer has reset it. */
long hs_tcp_dead(int fd, int rawfd);

/* Asks the client how far it is: a byte it already has, which it must answer with an ACK. */
long hs_tcp_ask(int rawfd, const struct hs_tcp *t, unsigned long long acked,
                unsigned long long read, unsigned int tsecr, unsigned long long nowNs);

/* Sends the client an ACK of `slot->limit`. */
long hs_tcp_push(int rawfd, const struct hs_tcp *t, const struct hs_net_slot *slot);

/* Raises the limit. 1: an ACK was held down by the old one, so hs_tcp_push must follow. */
static inline int hs_tcp_raise(struct hs_net_slot *slot, unsigned int limit) {
  __atomic_store_n(&slot->limit, limit, __ATOMIC_SEQ_CST);
  /* the limit first, then the flag: the BPF program does it the other way round */
  unsigned int flags = __atomic_fetch_and(&slot->flags, ~HS_NET_CLAMPED, __ATOMIC_SEQ_CST);
  return (flags & HS_NET_CLAMPED) != 0;
}

/* What a restored socket offers the client at first. */
static inline unsigned int hs_tcp_window(const struct hs_tcp *t) {
  unsigned int most = 65535u << t->rcv_wscale;
  return most < HS_TCP_WINDOW ? most : HS_TCP_WINDOW;
}

/* Starts a slot by hand, for a connection whose SYN-ACK the BPF programs of this host did not see:
 * one being replayed, one just restored, or one the program opened itself. `flags` go in last.
 * window: bytes the client may send from rcvNxt on; 0 while there is no socket. */
static inline void hs_tcp_slot(struct hs_net_slot *slot, const struct hs_tcp *t,
                               unsigned int sndNxt, unsigned int rcvNxt, unsigned int window,
                               unsigned int flags) {
  __atomic_store_n(&slot->flags, HS_NET_UNRESTORED, __ATOMIC_SEQ_CST); /* silent until done */
  slot->limit = rcvNxt;
  slot->edge = slot->shown = rcvNxt + window;
  slot->sndMax = slot->peerAck = sndNxt;
  slot->irs1 = t->irs1;
  slot->iss1 = t->iss1;
  slot->tsval = t->timestamp;
  slot->tsecr = slot->peerWindow = slot->answers = slot->bornMs = 0;
  slot->wscale = t->rcv_wscale;
  slot->peerWscale = t->snd_wscale;
  slot->peerMss = (unsigned short)t->mss;
  slot->raddr = t->raddr;
  slot->rport = t->rport;
  slot->lport = t->lport;
  if (t->options & HS_TCP_TIMESTAMPS) flags |= HS_NET_TIMESTAMPS;
  if (t->options & HS_TCP_SACK) flags |= HS_NET_SACK;
  if (t->options & HS_TCP_WSCALE) flags |= HS_NET_WSCALE;
  __atomic_store_n(&slot->flags, flags | HS_NET_USED, __ATOMIC_SEQ_CST);
}

#endif
