/* event.h: the contract of the BPF programs with everything outside the kernel.
 *
 * Included by the BPF programs (bpf/), by the freestanding shim (shim/core/) and mirrored in
 * TypeScript (bpf/layout.ts; a test compares every offset). So: basic types only, no headers, no
 * implicit padding. Addresses and ports are in network order, as in a sockaddr; sequence numbers,
 * windows and timestamps in host order. bpf/README.md says who writes which field, and when.
 *
 * The rule: sequence numbers are compared as (int)(a - b), never with <. */
#ifndef HS_EVENT_H
#define HS_EVENT_H

#define HS_NET_SLOTS 65536u
/* SO_MARK of segments that user space builds itself: probes, pushed ACKs, released SYN-ACKs. */
#define HS_NET_MARK 0x4853u

/* What this host is to the service; settings.role. */
enum hs_net_role {
  HS_NET_OFF = 0,      /* pass everything */
  HS_NET_PRIMARY = 1,  /* serves, a backup follows: FIN and RST leave only when allowed */
  HS_NET_BACKUP = 2,   /* replays: nothing of the service leaves, nothing of it comes in */
  HS_NET_TAKEOVER = 3, /* asks the clients: marked segments and restored connections only */
  HS_NET_LIVE = 4      /* serves alone: new connections as usual, unrestored ones stay silent */
};

/* slot.flags. Both sides change them, so only ever by an atomic or/and. */
#define HS_NET_USED 1u         /* the slot belongs to a connection */
#define HS_NET_FIN_OK 2u       /* the program closed it: FIN and RST may leave */
#define HS_NET_SHUT_OK 4u      /* the program shut its sending side: FIN may leave, RST may not */
#define HS_NET_CLAMPED 8u      /* an ACK was lowered since user space last cleared this */
#define HS_NET_UNRESTORED 16u  /* backup: there is no kernel socket yet */
#define HS_NET_NOTED 32u       /* the shim has taken the connection on and will free the slot */
#define HS_NET_SYN_OK 64u      /* the backup knows the connection: its SYN-ACK is not held */
#define HS_NET_CONFIRMED 128u  /* the client has acknowledged our SYN */
#define HS_NET_RESET 256u      /* the client sent RST: before NOTED, or while UNRESTORED */
#define HS_NET_DIALLED 512u    /* the program opened it, not a client */
#define HS_NET_TIMESTAMPS 0x10000u /* options both ends agreed on, from the SYN-ACK */
#define HS_NET_SACK 0x20000u
#define HS_NET_WSCALE 0x40000u

#define HS_NET_SYN_TOLD 2u /* settings.synHold: to the ring `held` and to the client */

/* Map `settings`: one of these. User space writes the first part, BPF the counters. */
struct hs_net_settings {
  unsigned int role;    /* enum hs_net_role */
  unsigned int vip;     /* service address; every port of it is the service's */
  unsigned int fenced;  /* 1: nothing from the vip leaves, ARP included, marked or not */
  unsigned int synHold; /* 1: SYN-ACKs go to the ring `held` instead of to the client; or _TOLD */
  unsigned int clamp;   /* 1: no ACK passes its slot's limit */
  unsigned int device;  /* number of the service's interface on this host */
  unsigned long long packets;       /* TCP segments of the vip seen, both ways */
  unsigned long long clamped;       /* ACKs lowered */
  unsigned long long sackBlanked;   /* lowered ACKs whose SACK blocks were blanked */
  unsigned long long finRstDropped; /* FIN and RST of sockets the program did not close */
  unsigned long long rstSuppressed; /* RST dropped in BACKUP, TAKEOVER or of an unrestored one */
  unsigned long long silenced;      /* everything else dropped on the way out for the same reason */
  unsigned long long fenceDropped;
  unsigned long long ignored;       /* segments of clients dropped on the way in */
  unsigned long long answers;       /* segments of clients counted in a slot's `answers` */
  unsigned long long synHeld;       /* SYN-ACKs given to the ring `held` */
  unsigned long long synLost;       /* SYN-ACKs dropped because that ring was full */
  unsigned long long slotsEmpty;    /* SYN-ACKs dropped because no slot was free */
  unsigned long long marked;        /* marked segments let out */
  unsigned long long mac;      /* of the service's interface: 6 bytes as in a frame, then zeros */
  unsigned long long claimant; /* PRIMARY: the MAC that claimed the vip last; 0: nobody did */
};

/* Key of map `index`: the client's address and port, and our port. Its value is a slot number. */
struct hs_net_key {
  unsigned int raddr;
  unsigned short rport, lport;
};

/* One connection; map `slots`. 64 bytes, so that no two share a cache line. */
struct hs_net_slot {
  unsigned int limit;      /* no ACK above this leaves: irs1 + bytes the backup holds */
  unsigned int edge;       /* highest right edge of the window the kernel has offered */
  unsigned int sndMax;     /* one past the highest sequence number sent; FINs that left count */
  unsigned int irs1, iss1; /* sequence number of the first byte in and out (ISN + 1) */
  unsigned int tsval;      /* our newest timestamp the client can have seen */
  unsigned int tsecr;      /* the client's newest timestamp we know */
  unsigned int peerAck;    /* highest sequence number the client has acknowledged */
  unsigned int peerWindow; /* bytes it offered with that, scaled */
  unsigned int answers;    /* ACKs without data that came while UNRESTORED in TAKEOVER or LIVE */
  unsigned int flags;      /* HS_NET_* */
  unsigned char wscale;    /* shift of the windows we offer */
  unsigned char peerWscale;
  unsigned short peerMss;  /* from the client's SYN; 0: not seen */
  unsigned int raddr;
  unsigned short rport, lport;
  unsigned int shown;      /* highest right edge of the window the client can have seen */
  unsigned int bornMs;     /* CLOCK_MONOTONIC of the SYN-ACK, to find slots nobody took on */
};

/* Value of map `syns`: what a SYN said, a client's or ours, until the SYN-ACK makes the slot. */
struct hs_net_syn {
  unsigned short mss;
  unsigned char wscale, pad;
  unsigned int seq;
};

/* Record of ring `held`: a SYN-ACK as it would have left, its checksum not filled in. */
struct hs_net_held {
  unsigned int slot, len;
  unsigned char frame[136]; /* Ethernet, IPv4 and TCP headers with all the options there can be */
};

#endif
