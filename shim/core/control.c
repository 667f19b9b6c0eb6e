/* control.c: fcntl and ioctl: what is set of a descriptor, and what is asked.
 *
 * The rule: what decides how the descriptor behaves is set on both sides; answers are carried. */
#include "calls.gen.h"
#include "descriptors.h"
#include "locks.h"
#include "regular.h"
#include "terminals.h"

/* Bytes a command writes behind its argument. */
static u64 fcntl_out(int command) {
  switch (command) {
    case 5: case 36: return 32;           /* F_GETLK, F_OFD_GETLK: struct flock */
    case 16: case 1035: case 1037: return 8; /* F_GETOWN_EX, F_GET_RW_HINT .. */
    default: return 0;
  }
}

/* Commands without an argument: what is left in its register is no part of what was asked. */
static int takes_no_argument(int command) {
  return command == 1 || command == 3 || command == 9 || command == 11 || command == 1025 ||
         command == 1032 || command == 1034;
}

i64 hs_irr_fcntl(struct thread *t, struct regs *given, const struct hs_call *c) {
  struct regs copy = *given, *g = &copy;
  if (takes_no_argument((int)g->rsi)) g->rdx = 0;
  if (hs_is_hidden(g->rdi)) return -HS_EBADF;
  u32 entry = fd_entry((int)g->rdi);
  switch ((int)g->rsi) {
    case 0:      /* F_DUPFD */
    case 1030: { /* F_DUPFD_CLOEXEC */
      struct hs_call makes = *c;
      makes.flags |= HS_MAKES_FD;
      i64 fd = hs_both(t, g, &makes);
      if (fd >= 0) hs_copy_entry((int)g->rdi, fd);
      return fd;
    }
    case 1: /* F_GETFD */
    case 2: /* F_SETFD */
      return hs_both(t, g, c);
    default: break;
  }
  int waits = (int)g->rsi == 7 || (int)g->rsi == 38, recorded = recording();
  struct hs_record *r = waits ? (recorded ? NULL : hs_next(t)) : hs_turn(t);
  i64 result;
  u64 bytes = fcntl_out((int)g->rsi);
  if (r) {
    result = r->result;
    hs_match(t, g, r, hs_check(g, c, -1));
    /* F_SETFL: the open file of an inherited descriptor is shared with the outside */
    int sets_file = g->rsi == 4 && FD_KIND(entry) != FD_INHERITED && !hs_is_terminal(entry);
    if (sets_file || g->rsi == 1033 /* F_ADD_SEALS */)
      hs_execute(g);
    if (hs_is_lock(g)) hs_lock_follow(t, g, c, r);
    memcpy((void *)g->rdx, HS_RECORD_DATA(r), HS_RECORD_LEN(r));
    hs_consume(t, r);
  } else if (waits) {
    result = hs_record_regular(t, g, c, recorded || hs_live_with_baton(t));
  } else {
    result = hs_execute(g);
    hs_append_bytes(t, HS_NR_fcntl, (u32)g->rdi, result, hs_check(g, c, -1), (void *)g->rdx,
                    result >= 0 ? bytes : 0);
  }
  u32 nonblock = (g->rdx & HS_O_NONBLOCK) ? FD_NONBLOCK : 0;
  if (g->rsi == 4 && result >= 0) hs_set_entry((int)g->rdi, (entry & ~FD_NONBLOCK) | nonblock);
  return result;
}

enum { FIEMAP = 0xc020660b };
/* Bytes of the extents behind a struct fiemap: none where only their number was asked. */
static u64 extents_after(u64 fiemap) {
  const u32 *mapped = (const u32 *)(fiemap + 20), *room = mapped + 1;
  return (u64)(*mapped < *room ? *mapped : *room) * 56;
}

static const struct hs_ioctl *known_ioctl(u32 command) {
  for (u64 i = 0; i < sizeof hs_ioctls / sizeof *hs_ioctls; i++)
    if (hs_ioctls[i].request == command) return &hs_ioctls[i];
  return NULL;
}

/* Bytes an ioctl writes behind its argument. */
static u64 ioctl_out(u32 command) {
  const struct hs_ioctl *known = known_ioctl(command);
  if (known) return known->bytes;
  if ((command >> 8) == HS_IOCTL_INTERFACE) return HS_IOCTL_INTERFACE_BYTES;
  return (command >> 30) & 2 ? (command >> 16) & 0x3fff : 0;
}

/* An ioctl whose result is a descriptor: the other end of a terminal, a namespace. On the backup
 * something that is nothing stands for it, as for the device it was asked of. */
static i64 ioctl_maker(struct thread *t, struct regs *g, const struct hs_call *c) {
  struct hs_record *r = hs_turn(t);
  i64 fd = r ? r->result : hs_execute(g);
  u64 flags = (u32)g->rsi == 0x5441 /* TIOCGPTPEER */ ? g->rdx : HS_O_CLOEXEC;
  u32 master = fd_entry((int)g->rdi);
  int terminal = FD_KIND(master) == FD_PTY_MASTER, own_one = (CTL->flags & HS_FLAG_TAKEOVER) != 0;
  if (r) {
    hs_match(t, g, r, hs_check(g, c, fd));
    if (fd >= 0)
      hs_must_be(t, r, terminal && own_one ? hs_terminal_peer((int)g->rdi, flags)
                                           : hs_placeholder(flags));
    hs_consume(t, r);
  }
  if (!r) hs_append(t, (u32)g->rax, (u32)g->rdi, fd, hs_check(g, c, fd), NULL, 0);
  u32 kind = terminal ? FD_PTY | (master & 0xffff0000u) : (u32)FD_CARRIED;
  if (fd >= 0) hs_set_entry(fd, kind | ((flags & HS_O_NONBLOCK) ? FD_NONBLOCK : 0));
  return fd;
}

i64 hs_irr_ioctl(struct thread *t, struct regs *g, const struct hs_call *c) {
  u32 command = (u32)g->rsi;
  if (hs_is_hidden(g->rdi)) return -HS_EBADF;
  const struct hs_ioctl *known = known_ioctl(command);
  if (known && known->makes) return ioctl_maker(t, g, c);
  struct hs_record *r = hs_turn(t);
  i64 result = r ? r->result : hs_execute(g);
  u32 entry = fd_entry((int)g->rdi);
  u64 bytes = result >= 0 ? ioctl_out(command) : 0;
  struct span spans[2] = {{(u8 *)g->rdx, bytes}, {NULL, 0}};
  if (r) {
    hs_match(t, g, r, hs_check(g, c, result));
    if (bytes) memcpy((void *)g->rdx, HS_RECORD_DATA(r), bytes);
    if (command == FIEMAP && bytes)
      memcpy((void *)(g->rdx + bytes), HS_RECORD_DATA(r) + bytes, extents_after(g->rdx));
    if (bytes && command == 0x8912) {
      const u64 *conf = (const u64 *)g->rdx;
      if (conf[1]) memcpy((void *)conf[1], HS_RECORD_DATA(r) + bytes, (u32)conf[0]);
    }
    if (result == 0 && hs_is_terminal(entry)) hs_terminal_set(g);
    int sets_file = command == 0x5421 && !hs_is_terminal(entry);
    if ((sets_file || command == 0x5450 || command == 0x5451) && FD_KIND(entry) != FD_INHERITED)
      hs_execute(g);
    hs_consume(t, r);
  } else {
    if (bytes && command == 0x8912) {
      const u64 *conf = (const u64 *)g->rdx;
      spans[1] = (struct span){(u8 *)conf[1], conf[1] ? (u32)conf[0] : 0};
    }
    if (command == FIEMAP && bytes) spans[0].bytes += extents_after(g->rdx);
    hs_append(t, (u32)g->rax, (u32)g->rdi, result, hs_check(g, c, result), spans,
              !bytes ? 0 : spans[1].bytes ? 2 : 1);
  }
  hs_terminal_told(t, g, result);
  if (command == 0x5421 /* FIONBIO */ && result >= 0)
    hs_set_entry((int)g->rdi, (entry & ~FD_NONBLOCK) | (*(int *)g->rdx ? FD_NONBLOCK : 0));
  return result;
}
