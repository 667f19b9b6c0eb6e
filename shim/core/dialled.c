/* dialled.c: connections that the program opens itself. They are kept like those it accepts: they
 * come from the service's address, which moves with the program, and the BPF program notes their
 * numbers at the other end's SYN-ACK (bpf/handshake.h).
 *
 * Two records of HS_EV_CONNECTION each: one after connect, which may return before the connection
 * is there (check 1); one before the first call that finds it there (check 0), with its numbers.
 * Until the backup has the second, nothing that the program sends on it leaves.
 *
 * The rule: both sides decide by the records; only the primary asks the kernel. */
#include "dialled.h"

#include "calls.gen.h"
#include "regular.h"

enum { AF_UNSPECIFIED = 0, AF_INET4 = 2, AF_INET6_ = 10, DATAGRAM = 2, STREAM = 1 };
enum { TCP_ESTABLISHED = 1, TCP_CLOSE_WAIT = 8 };
enum { IS_DIALLED = 1 };

struct name4 {
  u16 family, port;
  u32 address;
  u64 zero;
};

/* The IPv4 address that a connect is to; 0: it is to something else. */
static int destination(const struct regs *g, struct name4 *to) {
  static const u8 mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  u32 ok = 0, ok2 = 1;
  u64 head = hs_peek(g->rsi, &ok);
  memset(to, 0, sizeof *to);
  if (!ok || g->rdx < 16) return 0;
  memcpy(to, &head, sizeof head);
  if (to->family == AF_INET4) return 1;
  if (to->family != AF_INET6_ || g->rdx < 28) return 0;
  u64 part[3];
  for (u64 i = 0; i < 3; i++) {
    part[i] = hs_peek(g->rsi + 8 + 8 * i, &ok);
    ok2 &= ok || i == 2; /* the last one reads beyond the address */
  }
  if (!ok2 || memcmp(part, mapped, sizeof mapped)) return 0;
  memcpy(&to->address, (const u8 *)part + 12, 4);
  return 1;
}

static u32 own_address(i64 fd, const struct name4 *to) {
  struct name4 own;
  u32 bytes = sizeof own;
  if (SYS(HS_NR_connect, fd, to, sizeof *to) || SYS(HS_NR_getsockname, fd, &own, &bytes)) return 0;
  return own.address;
}

/* Asked of a socket of datagrams, which sends nothing by that: what has an address of this host is
 * no other host's; what has the same source with the interface given as without leaves by it. */
static int leaves_by_service(const struct name4 *to) {
  u32 device = HS_NET_SETTINGS->device, free_choice = 0, by_device = 1;
  struct name4 as_own = *to;
  as_own.port = 0;
  i64 fd = SYS(HS_NR_socket, AF_INET4, DATAGRAM | HS_O_CLOEXEC, 0);
  if (fd < 0) return 0;
  int is_own = SYS(HS_NR_bind, fd, &as_own, sizeof as_own) == 0;
  if (!is_own) free_choice = own_address(fd, to);
  SYS(HS_NR_close, fd);
  if (is_own || !free_choice) return 0;
  fd = SYS(HS_NR_socket, AF_INET4, DATAGRAM | HS_O_CLOEXEC, 0);
  if (fd < 0) return 0;
  if (SYS(HS_NR_setsockopt, fd, 1, 62 /* SO_BINDTOIFINDEX */, &device, 4) == 0)
    by_device = own_address(fd, to);
  SYS(HS_NR_close, fd);
  return by_device == free_choice;
}

static int may_be_kept(u32 entry) {
  return (entry & FD_INET) && (entry & FD_STREAM) && hs_net_present();
}

void hs_dial_prepare(struct thread *t, const struct regs *g) {
  i64 fd = (int)g->rdi;
  u32 entry = fd_entry(fd);
  int one = 1;
  struct name4 to;
  u8 name[28] = {0};
  if (!may_be_kept(entry) || FD_KIND(entry) != FD_SOCKET || (entry & FD_NAMED)) return;
  /* whoever has the turn may open descriptors for a moment: nobody else gets a number meanwhile */
  if (!recording()) hs_next(t);
  if (!destination(g, &to) || !leaves_by_service(&to)) return;
  u16 family = (entry & FD_V6) ? AF_INET6_ : AF_INET4;
  memcpy(name, &family, 2);
  if (entry & FD_V6) memset(name + 18, 0xff, 2);
  memcpy(name + ((entry & FD_V6) ? 20 : 4), &HS_NET_SETTINGS->vip, 4);
  if (SYS(HS_NR_setsockopt, fd, 0, 24 /* IP_BIND_ADDRESS_NO_PORT */, &one, 4) == 0)
    SYS(HS_NR_bind, fd, name, (entry & FD_V6) ? 28 : 16);
}

/* Primary: what is known of it by now. 0: it does not come from the service's address. */
static int name_of(const struct regs *g, struct hs_tcp *tcp) {
  struct name4 to;
  u8 name[28];
  u32 bytes = sizeof name;
  memset(tcp, 0, sizeof *tcp);
  if (!destination(g, &to) || SYS(HS_NR_getsockname, (int)g->rdi, name, &bytes)) return 0;
  memcpy(&tcp->family, name, 2);
  memcpy(&tcp->lport, name + 2, 2);
  memcpy(&tcp->laddr, name + (tcp->family == AF_INET4 ? 4 : 20), 4);
  tcp->raddr = to.address;
  tcp->rport = to.port;
  return tcp->laddr == HS_NET_SETTINGS->vip && tcp->raddr != tcp->laddr;
}

/* The record after connect. Gives the connection's index, 0 when it is not kept. */
static u32 note_dialled(struct thread *t, const struct regs *g, u32 index, struct hs_tcp *tcp) {
  struct hs_record *r = hs_turn(t);
  if (!r) {
    if (hs_mode == HS_MODE_LIVE) return 0;
    if (!name_of(g, tcp))
      index = 0;
    else if (!index)
      index = hs_conn_new();
    hs_append_bytes(t, HS_EV_CONNECTION, (u32)g->rdi, index, IS_DIALLED, tcp, sizeof *tcp);
    return index;
  }
  if ((r->method & HS_METHOD_ROW) != HS_EV_CONNECTION || r->check != IS_DIALLED)
    hs_diverge(t, r, hs_row_name(r->method & HS_METHOD_ROW), "a connection of the program's");
  u32 recorded = (u32)r->result;
  memcpy(tcp, HS_RECORD_DATA(r), sizeof *tcp);
  if (recorded && recorded != index) {
    if (CONN(recorded)->state == CONN_ORPHAN) hs_conn_free(recorded);
    hs_conn_take(recorded);
  }
  hs_consume(t, r);
  return recorded;
}

void hs_dialled(struct thread *t, const struct regs *g, i64 result) {
  i64 fd = (int)g->rdi;
  u32 entry = fd_entry(fd), before = FD_CONN(entry), ok;
  int is_under_way = result == 0 || result == -HS_EINPROGRESS || result == -HS_EINTR;
  struct hs_tcp tcp;
  if (!is_under_way || !may_be_kept(entry) || FD_KIND(entry) != FD_TCP) return;
  if ((u16)hs_peek(g->rsi, &ok) == AF_UNSPECIFIED) return;
  if (before && CONN(before)->state != CONN_DIALLING) return;
  u32 index = note_dialled(t, g, before, &tcp);
  if (before && !index) hs_conn_free(before);
  hs_set_conn(fd, index);
  if (!index) return;
  struct hs_conn *k = CONN(index);
  k->state = CONN_DIALLING;
  k->tcp = tcp;
  k->fd = fd;
  k->pid = t->pid;
  if (result == 0) hs_dial_settle(t, fd);
}

static int is_made(i64 fd) {
  u8 info[8];
  u32 bytes = sizeof info;
  if (SYS(HS_NR_getsockopt, fd, 6 /* TCP */, 11 /* INFO */, info, &bytes)) return 0;
  return info[0] == TCP_ESTABLISHED || info[0] == TCP_CLOSE_WAIT;
}

void hs_dial_settle(struct thread *t, i64 fd) {
  u32 index = FD_CONN(fd_entry(fd));
  struct hs_conn *k = CONN(index);
  struct hs_record *r = recording() ? NULL : hs_next(t);
  if (hs_mode == HS_MODE_LIVE) return;
  if (!r) {
    if (!is_made(fd)) return;
    u32 kept = hs_conn_note(k, fd) == 0 ? index : 0;
    hs_append_bytes(t, HS_EV_CONNECTION, (u32)fd, kept, 0, &k->tcp, sizeof k->tcp);
    if (!kept) index = 0;
  } else {
    if ((r->method & HS_METHOD_ROW) != HS_EV_CONNECTION || r->check == IS_DIALLED) return;
    index = (u32)r->result;
    memcpy(&k->tcp, HS_RECORD_DATA(r), sizeof k->tcp);
    k->tcp.timestampNs = hs_now_ns(1);
    if (index) hs_conn_attach(k);
    hs_consume(t, r);
  }
  if (!index) { /* it did not come through the service's interface after all */
    hs_conn_free(FD_CONN(fd_entry(fd)));
    hs_set_conn(fd, 0);
    return;
  }
  k->state = CONN_OPEN;
  CTL->connsMade++;
}

void hs_dial_again(i64 fd, struct hs_conn *k) {
  u8 name[28] = {0};
  memcpy(name, &k->tcp.family, 2);
  memcpy(name + 2, &k->tcp.rport, 2);
  if (k->tcp.family == AF_INET6_) memset(name + 18, 0xff, 2);
  memcpy(name + (k->tcp.family == AF_INET6_ ? 20 : 4), &k->tcp.raddr, 4);
  i64 flags = SYS(HS_NR_fcntl, fd, 3 /* F_GETFL */);
  SYS(HS_NR_fcntl, fd, 4 /* F_SETFL */, flags | HS_O_NONBLOCK);
  i64 result = SYS(HS_NR_connect, fd, name, k->tcp.family == AF_INET6_ ? 28 : 16);
  SYS(HS_NR_fcntl, fd, 4, flags);
  if (result && result != -HS_EINPROGRESS) hs_tcp_dead((int)fd, (int)HIDDEN(HID_RAW));
}
