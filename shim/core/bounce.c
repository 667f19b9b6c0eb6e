/* bounce.c: out-arguments of a call that waits (bounce.h).
 *
 * The kernel fills them at a moment of its own, while another thread has the baton: one that reads
 * the same memory, forks, or is preempted would see them before or after that by chance. The rule:
 * what is copied to the program is what hs_gather records, not a byte more. */
#include "bounce.h"

#include "calls.gen.h"

struct making {
  struct bounce *b;
  struct regs *call;
  const struct hs_call *c;
  const struct before *before;
  u64 area;
};

/* Room for `bytes` at `to`; 0 when it does not fit. */
static u64 take_room(struct making *m, u64 to, u64 bytes) {
  struct bounce *b = m->b;
  if (!to || !bytes || b->n == sizeof b->part / sizeof *b->part) return 0;
  if (bytes > HS_T_BOUNCE_BYTES || b->used + bytes > HS_T_BOUNCE_BYTES) return 0;
  u64 at = m->area + b->used;
  b->part[b->n++] = (struct bounced){at, to, bytes};
  b->used += (bytes + 15) & ~15ul;
  return at;
}

/* The same, with what is there now: the call may read it, or write only a part. */
static u64 take(struct making *m, u64 to, u64 bytes) {
  u64 at = take_room(m, to, bytes);
  if (at) memcpy((void *)at, (const void *)to, bytes);
  return at;
}

/* Of what the call's result measures only so much is copied back; that it is there shows here. */
static u64 take_empty(struct making *m, u64 to, u64 bytes) {
  const volatile u8 *there = (const volatile u8 *)to;
  u64 at = take_room(m, to, bytes);
  if (at) (void)there[0], (void)there[bytes - 1];
  return at;
}

static u64 take_iov(struct making *m, u64 address, u64 count) {
  const struct iovec64 *iov = (const struct iovec64 *)address;
  if (count > 8) return 0;
  struct iovec64 *copy = (struct iovec64 *)take(m, address, count * sizeof *iov);
  for (u64 i = 0; copy && i < count; i++) {
    u64 at = iov[i].bytes ? take_empty(m, iov[i].base, iov[i].bytes) : iov[i].base;
    if (!at) return 0;
    copy[i].base = at;
  }
  return (u64)copy;
}

static u64 take_message(struct making *m, u64 address) {
  const struct msghdr64 *from = (const struct msghdr64 *)address;
  struct msghdr64 *copy = (struct msghdr64 *)take(m, address, sizeof *from);
  if (!copy) return 0;
  if (from->name && from->name_bytes) copy->name = take(m, from->name, from->name_bytes);
  if (from->control && from->control_bytes)
    copy->control = take(m, from->control, from->control_bytes);
  if (from->iov_count) copy->iov = take_iov(m, from->iov, from->iov_count);
  int whole = !copy->name == !from->name && !copy->control == !from->control &&
              !copy->iov == !from->iov;
  return whole ? (u64)copy : 0;
}

/* What is asked for by elements may be asked for in smaller numbers, bytes may not. */
static u64 take_by_result(struct making *m, int i, struct hs_arg a, u64 v) {
  u64 count = hs_argument(m->call, i + 1), most = (HS_T_BOUNCE_BYTES - m->b->used) / a.size;
  if (i + 1 >= m->c->nargs || m->c->arg[i + 1].kind != HS_VALUE) return 0;
  if (a.size > 1 && (int)count <= 0) return 0;
  if (a.size > 1 && count > most) hs_set_argument(m->call, i + 1, count = most);
  return count <= most ? take_empty(m, v, count * a.size) : 0;
}

static void take_argument(struct making *m, int i) {
  struct hs_arg a = m->c->arg[i];
  u64 v = hs_argument(m->call, i), at = 0;
  if (!v) return;
  switch (a.kind) {
    case HS_OUT:
    case HS_INOUT:
      at = a.count == HS_BY_RESULT ? take_by_result(m, i, a, v)
                                   : take(m, v, hs_element_count(m->call, a, 0) * a.size);
      break;
    case HS_OUT_SIZED: at = take(m, v, m->before->length[i + 1]); break;
    case HS_LENGTH: at = take(m, v, 4); break;
    case HS_OUT_IOV: at = take_iov(m, v, hs_element_count(m->call, a, 0)); break;
    case HS_OUT_MSG: at = take_message(m, v); break;
    default: break;
  }
  if (at) hs_set_argument(m->call, i, at);
}

static void take_all(void *argument) {
  struct making *m = argument;
  for (int i = 0; i < m->c->nargs; i++) take_argument(m, i);
}

void hs_bounce_out(struct thread *t, struct regs *call, const struct hs_call *c,
                   const struct before *before, struct bounce *b) {
  struct regs given = *call;
  struct making m = {b, call, c, before, t->self + HS_T_BOUNCE};
  b->n = 0;
  b->used = 0;
  if (!hs_try(take_all, &m)) return;
  *call = given; /* the kernel says what is wrong with it */
  b->n = 0;
}

struct copying {
  const struct bounce *b;
  const struct span *spans;
  u32 n;
};

static void copy_back(void *argument) {
  const struct copying *copy = argument;
  for (u32 i = 0; i < copy->n; i++) {
    const struct span *s = &copy->spans[i];
    for (u32 k = 0; k < copy->b->n; k++) {
      const struct bounced *part = &copy->b->part[k];
      if ((u64)s->at < part->at || (u64)s->at >= part->at + part->bytes) continue;
      memcpy((void *)(part->to + (u64)s->at - part->at), s->at, s->bytes);
    }
  }
}

i64 hs_bounce_back(const struct regs *call, const struct hs_call *c, i64 result,
                   const struct before *before, const struct bounce *b) {
  struct span spans[HS_MAX_SPANS];
  if (!b->n || result == -HS_EFAULT) return result;
  struct copying copy = {b, spans, hs_gather(call, c, result, before, spans)};
  return copy.n && hs_try(copy_back, &copy) ? -HS_EFAULT : result;
}
