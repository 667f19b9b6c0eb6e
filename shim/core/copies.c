/* copies.c: sendfile, splice, tee and copy_file_range: bytes that the kernel would move without the
 * program, and so without the shim. Where they must be seen, held or made on the backup too, the
 * call is made of others that have all that: it reads into memory of the shim's own, and writes.
 *
 * The rule: nothing is taken out of a pipe or connection before there is room for it. */
#include "calls.gen.h"
#include "descriptors.h"
#include "regular.h"
#include "shadow.h"

/* One area per thread, mapped while it copies: 1 TiB for all ids. Its address goes into the records
 * of the calls below, so it follows from the thread's id: slots come as the kernel lets go. */
#define COPY_BASE 0x2b0000000000ul
#define AREA_BYTES 0x40000ul
#define COPY_BYTES (AREA_BYTES - PAGE)
#define PIPE_SURE 4096u /* what a pipe that is ready takes for certain */
#define ESPIPE_ 29

struct pollfd64 {
  int fd;
  short events, revents;
};
struct area {
  struct pollfd64 ready;
  int number;
  u8 pad[PAGE - 12];
  u8 bytes[COPY_BYTES];
};
_Static_assert(sizeof(struct area) == AREA_BYTES, "areas lie side by side");
struct copying {
  struct area *area;
  i64 in, out;
  u64 in_offset, out_offset; /* addresses; 0: the descriptor's own */
  u64 bytes;
  int in_waits, out_waits;
};

/* One of the calls it is made of. */
static i64 sub(struct thread *t, u64 nr, i64 a, i64 b, i64 c, i64 d) {
  struct regs g = {.rax = nr, .rdi = (u64)a, .rsi = (u64)b, .rdx = (u64)c, .r10 = (u64)d};
  const struct hs_call *row = &hs_calls[nr];
  if (row->policy == HS_IRREGULAR) return hs_irregulars[row->irregular](t, &g, row);
  return hs_regular(t, &g, row);
}

static int is_file(i64 fd) {
  enum fd_kind kind = FD_KIND(fd_entry(fd));
  return kind == FD_FILE || kind == FD_MEMFD;
}
static int is_pipe(i64 fd) {
  enum fd_kind kind = FD_KIND(fd_entry(fd));
  return kind == FD_PIPE || kind == FD_INHERITED || kind == FD_CARRIED;
}
static int is_tcp(i64 fd) { return FD_KIND(fd_entry(fd)) == FD_TCP; }

/* Waits until the descriptor is ready, or says that it is not: 0, -EAGAIN, -EINTR. */
static i64 ready(struct thread *t, const struct copying *k, i64 fd, int events, int wait) {
  k->area->ready = (struct pollfd64){(int)fd, (short)events, 0};
  i64 n = sub(t, HS_NR_poll, (i64)&k->area->ready, 1, wait ? -1 : 0, 0);
  return n < 0 ? n : n ? 0 : -HS_EAGAIN;
}

/* How much may be taken for `out` now, at least 1; or an error. */
static i64 room(struct thread *t, const struct copying *k) {
  u64 most = k->bytes < COPY_BYTES ? k->bytes : COPY_BYTES;
  if (is_file(k->out)) return (i64)most;
  i64 e = ready(t, k, k->out, 4 /* POLLOUT */, k->out_waits);
  if (e) return e;
  if (FD_KIND(fd_entry(k->out)) != FD_PIPE) return (i64)most;
  i64 holds = sub(t, HS_NR_fcntl, k->out, 1032 /* F_GETPIPE_SZ */, 0, 0);
  if (sub(t, HS_NR_ioctl, k->out, 0x541b /* FIONREAD */, (i64)&k->area->number, 0) < 0 ||
      k->area->number)
    holds = PIPE_SURE;
  return (u64)holds < most ? holds : (i64)most;
}

/* Reads from where the call says, without moving a file's own offset yet. */
static i64 take(struct thread *t, const struct copying *k, i64 most, i64 *from) {
  if (!is_file(k->in)) {
    i64 e = k->in_waits ? 0 : ready(t, k, k->in, 1 /* POLLIN */, 0);
    return e ? e : sub(t, HS_NR_read, k->in, (i64)k->area->bytes, most, 0);
  }
  *from = k->in_offset ? *(i64 *)k->in_offset : sub(t, HS_NR_lseek, k->in, 0, 1, 0);
  if (*from < 0) return -HS_EINVAL;
  return sub(t, HS_NR_pread64, k->in, (i64)k->area->bytes, most, *from);
}

static i64 put_once(struct thread *t, const struct copying *k, i64 done, i64 left) {
  i64 at = (i64)k->area->bytes + done;
  if (k->out_offset)
    return sub(t, HS_NR_pwrite64, k->out, at, left, *(i64 *)k->out_offset + done);
  if (is_tcp(k->out) && !is_file(k->in)) return sub(t, HS_NR_sendto, k->out, at, left, 0x40);
  return sub(t, HS_NR_write, k->out, at, left, 0);
}

/* Writes what was taken. Of a file the rest can be taken again; of anything else all must leave,
 * whatever signal comes: so no single write waits, and a signal waits for the last one. */
static i64 put(struct thread *t, const struct copying *k, i64 bytes) {
  u32 kept = fd_entry(k->out);
  i64 done = 0, n = 0;
  if (is_file(k->in)) return put_once(t, k, 0, bytes);
  hs_set_entry(k->out, kept | FD_NONBLOCK);
  while (done < bytes) {
    n = put_once(t, k, done, bytes - done);
    if (n == -HS_EAGAIN) n = ready(t, k, k->out, 4 /* POLLOUT */, 1);
    if (n == -HS_EINTR && recording()) {
      u64 nap[2] = {0, 1000000};
      hs_baton_give();
      SYS(HS_NR_nanosleep, nap, 0);
      hs_baton_take();
    }
    if (n < 0 && n != -HS_EINTR) break;
    if (n > 0) done += n;
  }
  hs_set_entry(k->out, (fd_entry(k->out) & ~FD_NONBLOCK) | (kept & FD_NONBLOCK));
  return done ? done : n;
}

static void move_offset(struct thread *t, const struct copying *k, i64 from, i64 done) {
  if (is_file(k->in) && k->in_offset)
    *(i64 *)k->in_offset = from + done;
  else if (is_file(k->in))
    sub(t, HS_NR_lseek, k->in, from + done, 0, 0);
  if (k->out_offset) *(i64 *)k->out_offset += done;
}

static i64 copy(struct thread *t, struct copying *k, int once) {
  i64 total = 0;
  while (k->bytes) {
    i64 from = 0, done, n = room(t, k);
    if (n > 0) n = take(t, k, n, &from);
    if (n <= 0) return total ? total : n;
    done = put(t, k, n);
    if (done < 0) return total ? total : done;
    move_offset(t, k, from, done);
    total += done;
    k->bytes -= (u64)done;
    if (once || done < n || t->signal_follows) break;
  }
  return total;
}

/* The call in full. -ENOSYS: the kernel may do it by itself. */
static i64 by_hand(struct thread *t, const struct regs *g) {
  int sendfile = g->rax == HS_NR_sendfile, splice = g->rax == HS_NR_splice;
  struct copying k = {.in = (int)(sendfile ? g->rsi : g->rdi),
                      .out = (int)(sendfile ? g->rdi : g->rdx),
                      .in_offset = sendfile ? g->rdx : g->rsi,
                      .out_offset = sendfile ? 0 : g->r10,
                      .bytes = sendfile ? g->r10 : g->r8};
  int at_once = splice && (g->r9 & 2 /* SPLICE_F_NONBLOCK */);
  u32 index = FD_FILE_INDEX(fd_entry(k.out)), ok = 1;
  int mapped = index && FILE_AT(index)->mapped;
  int files = is_file(k.in) || is_file(k.out), memory = FD_KIND(fd_entry(k.out)) == FD_MEMFD;
  if (g->rax == HS_NR_tee || !fd_entry(k.in) || !fd_entry(k.out)) return -HS_ENOSYS;
  if (!is_tcp(k.in) && !is_tcp(k.out) && !mapped && !memory &&
      (!files || (is_file(k.in) && is_file(k.out))))
    return -HS_ENOSYS;
  if (k.in_offset) hs_peek(k.in_offset & ~7ul, &ok);
  if (ok && k.out_offset) hs_peek(k.out_offset & ~7ul, &ok);
  if (!ok) return -HS_EFAULT;
  if (splice && !is_pipe(k.in) && !is_pipe(k.out)) return -HS_EINVAL;
  if (sendfile ? !is_file(k.in) : splice ? (g->r9 & ~15ul) != 0 : g->r9 != 0) return -HS_EINVAL;
  if (!sendfile && !splice && !(is_file(k.in) && is_file(k.out))) return -HS_EINVAL;
  if ((k.in_offset && !is_file(k.in)) || (k.out_offset && !is_file(k.out)))
    return (k.in_offset && is_pipe(k.in)) || (k.out_offset && is_pipe(k.out)) ? -ESPIPE_
                                                                              : -HS_EINVAL;
  /* SPLICE_F_NONBLOCK is about the pipe: a connection's bytes are waited for all the same */
  k.in_waits = !(fd_entry(k.in) & FD_NONBLOCK) && (is_tcp(k.in) || !at_once);
  k.out_waits = !(fd_entry(k.out) & FD_NONBLOCK) && !at_once;
  u64 at = COPY_BASE + t->tid * AREA_BYTES;
  if (SYS(HS_NR_mmap, at, sizeof(struct area), 3, HS_MAP_PRIVATE | HS_MAP_ANON | HS_MAP_FIXED, -1,
          0) != (i64)at)
    return -HS_ENOMEM;
  k.area = (struct area *)at;
  i64 result = copy(t, &k, splice);
  SYS(HS_NR_munmap, at, sizeof(struct area));
  return result;
}

/* The backup's files follow what the kernel did by itself on the primary. */
static void follow(struct thread *t, struct hs_record *r, const struct regs *g) {
  int sendfile = g->rax == HS_NR_sendfile;
  i64 in = (int)(sendfile ? g->rsi : g->rdi), out = (int)(sendfile ? g->rdi : g->rdx);
  if (r->result <= 0 || g->rax == HS_NR_tee || !is_file(in) || !is_file(out)) return;
  if (CTL->files == HS_FILES_MIRRORED) {
    i64 own = hs_execute(g);
    if (own != r->result)
      hs_diverge_values(t, r, "length copied between files", (u64)r->result, (u64)own);
    return;
  }
  if (!(sendfile ? g->rdx : g->rsi)) SYS(HS_NR_lseek, in, r->result, 1);
  if (sendfile || !g->r10) SYS(HS_NR_lseek, out, r->result, 1);
}

i64 hs_irr_sendfile(struct thread *t, struct regs *g, const struct hs_call *c) {
  i64 result = by_hand(t, g);
  if (result != -HS_ENOSYS) return result;
  struct hs_record *r = recording() ? NULL : hs_next(t);
  if (!r) return hs_record_regular(t, g, c, recording() ? 1 : hs_live_with_baton(t));
  follow(t, r, g);
  return hs_replay_regular(t, g, c, r);
}
