/* terminals.c: pseudo terminals (terminals.h). Those of a pair's program are a file system of its
 * own (start/outside.c), so that their numbers come out equal; the backup has both ends for real,
 * sets them as the program does, writes into them what it writes and takes out what it has read.
 * What is typed and not read at a takeover, and what was shown and not seen, is there.
 *
 * On the backup no session has one for its controlling terminal before go-live: the signals that
 * come from that are in the log. The rule: nothing here ever waits for the program. */
#include "terminals.h"

#include "calls.gen.h"
#include "descriptors.h"
#include "regular.h"

enum { GET_NUMBER = 0x80045430, GET_DEVICE = 0x80045432, GET_SESSION = 0x5429, FLUSH = 0x540b,
       CONTROL = 0x540e, LEAVE = 0x5422, SET_GROUP = 0x5410, PEER = 0x5441 };
enum { NOCTTY = 0400, PTS_MAJOR = 136, F_GETFL = 3, F_SETFL = 4 };
#define LATE_MS 100 /* the kernel moves bytes from end to end in a thread of its own */
#define TRIES 64

struct terminal {
  volatile u32 leader, group; /* of the session it controls; its group in the foreground */
};
#define TERMINAL(n) ((struct terminal *)(HS_SESSION_BASE + HS_TERMINALS_OFFSET) + (n))
#define NUMBER(entry) ((u32)(entry) >> 16)

/* ---- which one it is ---- */

u64 hs_terminal_kind(i64 fd) {
  u32 n, device;
  if (!SYS(HS_NR_ioctl, fd, GET_NUMBER, &n))
    return n < HS_MAX_TERMINALS ? FD_PTY_MASTER | n << 16 : 0;
  if (SYS(HS_NR_ioctl, fd, GET_DEVICE, &device) || (device >> 8 & 0xfff) != PTS_MAJOR) return 0;
  n = (device & 0xff) | (device >> 12 & 0xfff00);
  if (n >= HS_MAX_TERMINALS) return 0;
  u32 session = 0;
  if (SYS(HS_NR_ioctl, fd, GET_SESSION, &session)) session = 0; /* not the caller's own */
  return (u64)session << 32 | FD_PTY | n << 16;
}

void hs_terminal_owned(u64 kind) {
  u32 session = (u32)(kind >> 32);
  if (!hs_is_terminal((u32)kind) || !session) return;
  struct terminal *it = TERMINAL(NUMBER(kind));
  if (it->leader == session) return;
  it->leader = session;
  it->group = session;
}

void hs_terminal_told(struct thread *t, const struct regs *g, i64 result) {
  u32 entry = fd_entry((int)g->rdi);
  if (result || !hs_is_terminal(entry)) return;
  struct terminal *it = TERMINAL(NUMBER(entry));
  switch ((u32)g->rsi) {
    case CONTROL:
      it->leader = it->group = t->pid;
      break;
    case LEAVE:
      if (it->leader == t->pid) it->leader = 0;
      break;
    case SET_GROUP: it->group = *(const u32 *)g->rdx; break;
    default: break;
  }
}

/* ---- the backup's own ---- */

#define OPENED(flags) (HS_O_RDWR | NOCTTY | HS_O_NONBLOCK | ((flags) & HS_O_CLOEXEC))

/* The kernel gives the lowest free number. One that the program's end has just freed may still be
 * taken here, or the other way round. */
static i64 open_master(u32 number, u64 flags) {
  i64 others[TRIES], found = -1;
  u32 n = 0;
  while (n < TRIES && found < 0) {
    u32 own = ~0u;
    i64 fd = SYS(HS_NR_open, "/dev/ptmx", OPENED(flags), 0);
    if (fd < 0) break;
    SYS(HS_NR_ioctl, fd, GET_NUMBER, &own);
    if (own == number) found = fd;
    else others[n++] = fd;
    u64 nap[2] = {0, 1000000};
    if (own != number && own > number) SYS(HS_NR_nanosleep, nap, 0);
  }
  while (n) SYS(HS_NR_close, others[--n]);
  return found;
}

i64 hs_terminal_open(u64 kind, u64 flags) {
  u32 number = NUMBER((u32)kind);
  char path[32];
  *hs_put_dec(hs_put(path, "/dev/pts/"), number) = 0;
  i64 fd = FD_KIND((u32)kind) == FD_PTY ? SYS(HS_NR_open, path, OPENED(flags), 0)
                                        : open_master(number, flags);
  if (fd >= 0) return fd;
  hs_warn("terminal %d cannot be opened here: a takeover loses it", (int)number);
  return hs_placeholder(flags);
}

i64 hs_terminal_peer(i64 master, u64 flags) {
  i64 fd = SYS(HS_NR_ioctl, master, PEER, OPENED(flags));
  return fd < 0 ? hs_placeholder(flags) : fd;
}

/* Settings that wait until all is shown are made at once; those that forget what was typed do. */
void hs_terminal_set(const struct regs *g) {
  struct regs call = *g;
  switch ((u32)g->rsi) {
    case 0x5404: case 0x5408: case 0x402c542d: /* TCSETSF, TCSETAF, TCSETSF2 */
      SYS(HS_NR_ioctl, (int)g->rdi, FLUSH, 0);
      call.rsi -= 2;
      break;
    case 0x5403: case 0x5407: case 0x402c542c: call.rsi -= 1; break; /* .. W */
    case 0x5402: case 0x5406: case 0x402c542b: break;
    case 0x540a: case FLUSH: case 0x540c: case 0x540d: case 0x5414: case 0x5420: case 0x40045431:
      break; /* TCXONC, TCFLSH, TIOCEXCL, TIOCNXCL, TIOCSWINSZ, TIOCPKT, TIOCSPTLCK */
    default: return;
  }
  hs_execute(&call);
}

static int is_ready(i64 fd, short events) {
  struct { int fd; short events, revents; } p = {(int)fd, events, 0};
  return SYS(HS_NR_poll, &p, 1, LATE_MS) == 1 && (p.revents & events);
}

void hs_terminal_read(i64 fd, i64 bytes) {
  u8 *scratch = (u8 *)(self()->self + HS_T_BOUNCE);
  i64 left = bytes ? bytes : 1; /* the end of what was typed is taken out as well */
  while (left > 0) {
    if (!is_ready(fd, 1 /* POLLIN */)) {
      if (bytes) hs_warn("descriptor %d, a terminal, lacks what was read there", (int)fd);
      return;
    }
    i64 n = SYS(HS_NR_read, fd, scratch, left < 4096 ? left : 4096);
    if (n <= 0) return;
    left -= n;
  }
}

void hs_terminal_write(const struct regs *g, i64 bytes) {
  struct regs call = *g;
  if (g->rax == HS_NR_write) call.rdx = (u64)bytes;
  if (hs_execute(&call) == -HS_EAGAIN && is_ready((int)g->rdi, 4 /* POLLOUT */)) hs_execute(&call);
}

i64 hs_terminal_write_now(const struct regs *g) {
  i64 flags = SYS(HS_NR_fcntl, (int)g->rdi, F_GETFL);
  if (flags & HS_O_NONBLOCK) return hs_execute(g);
  SYS(HS_NR_fcntl, (int)g->rdi, F_SETFL, flags | HS_O_NONBLOCK);
  i64 r = hs_execute(g);
  SYS(HS_NR_fcntl, (int)g->rdi, F_SETFL, flags);
  return r;
}

/* ---- go live ---- */

void hs_terminals_go_live(struct thread *t) {
  for (i64 fd = 0; fd < (i64)HS_MAX_FD; fd++) {
    u32 entry = FDS[fd];
    if (!hs_is_terminal(entry)) continue;
    i64 flags = SYS(HS_NR_fcntl, fd, F_GETFL);
    if (!(entry & FD_NONBLOCK)) SYS(HS_NR_fcntl, fd, F_SETFL, flags & ~(i64)HS_O_NONBLOCK);
    struct terminal *it = TERMINAL(NUMBER(entry));
    if (FD_KIND(entry) != FD_PTY || it->leader != t->pid) continue;
    u32 group = it->group;
    if (SYS(HS_NR_ioctl, fd, CONTROL, 0)) continue; /* it has it already */
    if (group != t->pid) SYS(HS_NR_ioctl, fd, SET_GROUP, &group);
  }
}
