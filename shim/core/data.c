/* data.c: what reading and writing a descriptor means beside the record: positions in the streams
 * of a connection on both sides, and on the backup the objects it holds itself (descriptors.c).
 *
 * The rule: the recorded bytes win; the backup's own objects only follow. */
#include "calls.gen.h"
#include "connections.h"
#include "descriptors.h"
#include "outbox.h"
#include "regular.h"
#include "shadow.h"
#include "terminals.h"
#include "timers.h"
#include "within.h"

static int is_data_call(const struct regs *g, int output) {
  switch (g->rax) {
    case HS_NR_read: case HS_NR_readv: case HS_NR_recvfrom: case HS_NR_recvmsg: return !output;
    case HS_NR_pread64: case HS_NR_preadv: case HS_NR_preadv2: return !output;
    case HS_NR_write: case HS_NR_writev: case HS_NR_sendto: case HS_NR_sendmsg: return output;
    case HS_NR_pwrite64: case HS_NR_pwritev: case HS_NR_pwritev2: return output;
    default: return 0;
  }
}

static int is_epoll_wait(const struct regs *g) {
  return g->rax == HS_NR_epoll_wait || g->rax == HS_NR_epoll_pwait || g->rax == HS_NR_epoll_pwait2;
}

static int peeks(const struct regs *g) {
  if (g->rax == HS_NR_recvfrom) return (g->r10 & 2) != 0;
  if (g->rax == HS_NR_recvmsg) return (g->rdx & 2) != 0;
  return 0;
}

/* What a call is about to write; too much to say: ~0. Nothing was looked at by the kernel yet. */
static u64 bytes_out(const struct regs *g) {
  u64 iov = g->rsi, count = g->rdx, bytes = 0;
  u32 ok = 1, ok2 = 1;
  if (g->rax == HS_NR_write || g->rax == HS_NR_sendto) return g->rdx;
  if (g->rax != HS_NR_writev && g->rax != HS_NR_sendmsg) return ~0ul;
  if (g->rax == HS_NR_sendmsg) iov = hs_peek(g->rsi + 16, &ok), count = hs_peek(g->rsi + 24, &ok2);
  if (!ok || !ok2 || count > 64 || iov & 7) return ~0ul;
  for (u64 i = 0; i < count && ok; i++) {
    u64 part = hs_peek(iov + i * 16 + 8, &ok);
    if (part > 65536) return ~0ul;
    bytes += part;
  }
  return ok ? bytes : ~0ul;
}

/* A pipe that says it has room takes a page; a socket, three quarters of its buffer. */
int hs_is_short_write(const struct regs *g) {
  enum fd_kind kind = FD_KIND(fd_entry((int)g->rdi));
  if (kind != FD_PIPE && kind != FD_PAIR && !hs_is_terminal(fd_entry((int)g->rdi))) return 0;
  if ((SYS(HS_NR_fcntl, (int)g->rdi, 3 /* F_GETFL */) & HS_O_ACCMODE) == 0) return 0; /* to read */
  u64 bytes = bytes_out(g);
  return bytes && bytes <= (kind == FD_PAIR ? 65536 : 4096);
}
int hs_has_room(const struct regs *g) {
  struct { int fd; short events, revents; } p = {(int)g->rdi, 4 /* POLLOUT */, 0};
  return hs_is_short_write(g) && SYS(HS_NR_poll, &p, 1, 0) == 1 && (p.revents & 4);
}

/* The backup's own pipe, pair or eventfd gives up what the program has been given: so many bytes,
 * or a message. */
static void drain(i64 fd, i64 bytes, int stream) {
  u8 *scratch = (u8 *)(self()->self + HS_T_BOUNCE);
  while (bytes > 0) {
    struct { int fd; short events, revents; } p = {(int)fd, 1 /* POLLIN */, 0};
    if (SYS(HS_NR_poll, &p, 1, 0) != 1 || !(p.revents & 1)) return;
    i64 n = SYS(HS_NR_read, fd, scratch, bytes < 4096 ? bytes : 4096);
    if (n <= 0 || !stream) return;
    bytes -= n;
  }
}

void hs_after_input(struct thread *t, const struct regs *g, i64 result, struct hs_record *r) {
  if (!is_data_call(g, 0)) {
    if (r && result > 0 && HS_RECORD_LEN(r) == (u64)result * 12 && is_epoll_wait(g))
      hs_epoll_delivered((int)g->rdi, HS_RECORD_DATA(r), result);
    return;
  }
  u32 entry = fd_entry((i64)(int)g->rdi);
  switch (FD_KIND(entry)) {
    case FD_FILE:
      if (r && hs_is_shadow((int)g->rdi)) {
        hs_shadow_read(g, result);
      } else if (r && (r->method & HS_METHOD_AHEAD)) {
        hs_shadow_read(g, result); /* the bytes are there already: only the offset is to move */
      } else if (r && CTL->files == HS_FILES_MIRRORED && result >= 0) {
        i64 own = hs_execute(g); /* moves the offset; the recorded bytes win */
        if (own != result)
          hs_diverge_values(t, r, "length read from a mirrored file", (u64)result, (u64)own);
      }
      break;
    case FD_MEMFD:
    case FD_OWN_MEMORY:
      if (r) hs_shadow_read(g, result);
      break;
    case FD_PIPE:
    case FD_PAIR:
      if (r && result > 0 && (CTL->flags & HS_FLAG_TAKEOVER) && !peeks(g))
        drain((int)g->rdi, result, FD_KIND(entry) == FD_PIPE || (entry & FD_STREAM));
      break;
    case FD_PTY_MASTER:
    case FD_PTY:
      if (r && result >= 0 && (CTL->flags & HS_FLAG_TAKEOVER))
        hs_terminal_read((int)g->rdi, result);
      break;
    case FD_TIMERFD:
      if (r && result > 0) hs_timer_read((int)g->rdi);
      break;
    case FD_EVENTFD:
      if (r && result > 0) drain((int)g->rdi, 8, 1);
      break;
    case FD_TCP: {
      struct hs_conn *k = FD_CONN(entry) ? CONN(FD_CONN(entry)) : NULL;
      if (!k || peeks(g)) break;
      if (result > 0) k->read += (u64)result;
      if (result == 0 && !(k->shut & 2)) k->shut |= 2;
      if (r) hs_within_read(k);
      if (!r) hs_outbox_note_read(t, k);
      break;
    }
    default: break;
  }
}

static void keep_output(struct hs_conn *k, const struct regs *g, i64 result) {
  if (g->rax == HS_NR_write || g->rax == HS_NR_sendto) {
    hs_conn_keep(k, (const void *)g->rsi, (u64)result);
    return;
  }
  const struct iovec64 *iov = (const struct iovec64 *)g->rsi;
  u64 count = g->rdx, left = (u64)result;
  if (g->rax == HS_NR_sendmsg) {
    const struct msghdr64 *m = (const struct msghdr64 *)g->rsi;
    iov = (const struct iovec64 *)m->iov;
    count = m->iov_count;
  }
  for (u64 i = 0; i < count && left; i++) {
    u64 n = iov[i].bytes < left ? iov[i].bytes : left;
    hs_conn_keep(k, (const void *)iov[i].base, n);
    left -= n;
  }
}

void hs_after_output(struct thread *t, const struct regs *g, i64 result, struct hs_record *r) {
  if (result > 0) CTL->outputBytes += (u64)result;
  if (!is_data_call(g, 1) || result <= 0) return;
  u32 entry = fd_entry((i64)(int)g->rdi);
  switch (FD_KIND(entry)) {
    case FD_FILE:
    case FD_MEMFD:
    case FD_OWN_MEMORY:
      if (r && hs_is_shadow((int)g->rdi)) {
        hs_shadow_write(t, r, g, result);
      } else if (r && (CTL->files == HS_FILES_MIRRORED || FD_KIND(entry) != FD_FILE)) {
        i64 own = hs_execute(g);
        if (own != result)
          hs_diverge_values(t, r, "length written to a mirrored file", (u64)result, (u64)own);
      }
      break;
    case FD_PIPE:
    case FD_PAIR:
      if (r && (CTL->flags & HS_FLAG_TAKEOVER) && hs_has_room(g)) hs_execute(g);
      break;
    case FD_PTY_MASTER:
    case FD_PTY:
      if (r && (CTL->flags & HS_FLAG_TAKEOVER)) hs_terminal_write(g, result);
      break;
    case FD_EVENTFD:
      if (r) hs_execute(g);
      break;
    case FD_TCP: {
      struct hs_conn *k = FD_CONN(entry) ? CONN(FD_CONN(entry)) : NULL;
      if (!k) break;
      k->written += (u64)result;
      if (UNLIKELY(hs_mode == HS_MODE_LIVE) && !CTL->firstByteNs) CTL->firstByteNs = hs_now_ns(1);
      if (!r) { /* sent directly */
        k->first_at = k->end_at = k->sent = k->sendable = k->written;
        break;
      }
      u64 acked = 0, bytes = HS_RECORD_LEN(r);
      if (bytes) memcpy(&acked, HS_RECORD_DATA(r), sizeof acked);
      if (k->within == HS_WITHIN_ABANDONED)
        ;
      else if (bytes > sizeof acked) /* what left is not what is there now (given.c) */
        hs_conn_keep(k, HS_RECORD_DATA(r) + sizeof acked, (u64)result);
      else
        keep_output(k, g, result);
      hs_within_written(k);
      if (acked) hs_conn_drop(k, k->acked = acked);
      break;
    }
    default: break;
  }
}
