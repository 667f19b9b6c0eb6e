/* given.c: an output call that is made while other threads of the program run (given.h).
 *
 * Natively such a call takes the bytes at some moment while it is under way, and a thread that
 * changes them meanwhile decides which. The backup keeps what it would have to send again from its
 * own program's memory, as that is at the call's record. So the bytes are copied before the baton
 * is given up, the copy is sent, and where the program's memory has changed by the time of the
 * record, the record carries the copy. The rule: whoever sends these bytes again, sends the
 * same. */
#include "given.h"

#include "calls.gen.h"
#include "connections.h"
#include "order.h"
#include "outbox.h"

#define PARTS (sizeof ((struct bounce *)0)->part / sizeof(struct bounced))
#define ROUNDING 0x400ul /* what its parts and their list take beside the bytes, at most */

static const struct iovec64 *vector_of(const struct regs *g, u64 *count) {
  *count = g->rdx;
  if (g->rax == HS_NR_writev) return (const struct iovec64 *)g->rsi;
  if (g->rax != HS_NR_sendmsg) return NULL;
  const struct msghdr64 *m = (const struct msghdr64 *)g->rsi;
  *count = m->iov_count;
  return (const struct iovec64 *)m->iov;
}

u64 hs_given_bytes(const struct regs *g) {
  u64 count;
  const struct iovec64 *iov = vector_of(g, &count);
  return iov ? hs_iov_bytes(iov, count) : g->rax == HS_NR_sendmsg ? 0 : count;
}

int hs_given_matters(const struct regs *g) {
  if (hs_mode != HS_MODE_RECORD || !(CTL->flags & HS_FLAG_TAKEOVER) || hs_alone()) return 0;
  if (g->rax != HS_NR_write && g->rax != HS_NR_sendto && g->rax != HS_NR_writev &&
      g->rax != HS_NR_sendmsg)
    return 0;
  u32 entry = fd_entry((int)g->rdi);
  return FD_KIND(entry) == FD_TCP && FD_CONN(entry);
}

struct measuring {
  const struct regs *g;
  u64 bytes, parts;
};
static void measure(void *argument) {
  struct measuring *m = argument;
  if (vector_of(m->g, &m->parts) == NULL) m->parts = 1;
  m->bytes = hs_given_bytes(m->g);
}

int hs_given_is_large(const struct regs *g) {
  struct measuring m = {g, 0, 0};
  if (!hs_given_matters(g) || (fd_entry((int)g->rdi) & FD_NONBLOCK)) return 0;
  return !hs_try(measure, &m) && (m.bytes > HS_T_BOUNCE_BYTES - ROUNDING || m.parts > PARTS);
}

struct giving {
  const struct regs *g;
  struct regs *call;
  struct bounce *b;
  u64 area;
  int fits;
};

static u64 reserve(struct giving *v, u64 bytes) {
  struct bounce *b = v->b;
  if (bytes > HS_T_BOUNCE_BYTES || b->used + bytes > HS_T_BOUNCE_BYTES) v->fits = 0;
  if (!v->fits) return 0;
  u64 at = v->area + b->used;
  b->used += (bytes + 15) & ~15ul;
  return at;
}

static u64 put(struct giving *v, u64 from, u64 bytes) {
  struct bounce *b = v->b;
  if (b->n == PARTS) v->fits = 0;
  u64 at = reserve(v, bytes);
  if (!at) return 0;
  memcpy((void *)at, (const void *)from, bytes);
  b->part[b->n++] = (struct bounced){at, from, bytes};
  return at;
}

static void copy_given(void *argument) {
  struct giving *v = argument;
  u64 count;
  const struct iovec64 *iov = vector_of(v->g, &count);
  if (!iov) {
    v->call->rsi = put(v, v->g->rsi, count);
    return;
  }
  if (count > PARTS) {
    v->fits = 0;
    return;
  }
  struct msghdr64 *m = (struct msghdr64 *)reserve(v, sizeof *m);
  struct iovec64 *parts = (struct iovec64 *)reserve(v, count * sizeof *parts);
  if (!v->fits) return;
  for (u64 i = 0; i < count; i++) {
    parts[i] = iov[i];
    if (parts[i].bytes) parts[i].base = put(v, parts[i].base, parts[i].bytes);
  }
  v->call->rsi = (u64)parts;
  if (v->g->rax != HS_NR_sendmsg) return;
  memcpy(m, (const void *)v->g->rsi, sizeof *m);
  m->iov = (u64)parts;
  v->call->rsi = (u64)m;
}

int hs_given_copy(struct thread *t, const struct regs *g, struct regs *call,
                  struct bounce *given) {
  struct giving v = {g, call, given, t->self + HS_T_BOUNCE, 1};
  *call = *g;
  given->n = 0;
  given->used = 0;
  if (!hs_try(copy_given, &v) && v.fits) return 1;
  given->n = 0;
  return 0;
}

struct comparing {
  const struct bounce *given;
  int differs;
};
static void compare(void *argument) {
  struct comparing *m = argument;
  for (u32 i = 0; i < m->given->n && !m->differs; i++) {
    const struct bounced *part = &m->given->part[i];
    m->differs = memcmp((const void *)part->at, (const void *)part->to, part->bytes) != 0;
  }
}
static int has_changed(const struct bounce *given) {
  struct comparing m = {given, 0};
  return hs_try(compare, &m) || m.differs; /* what is not there any more is not the same */
}

/* How far the client is, now and then, so that the backup can forget; 0: nothing new. */
static u64 news_of_client(const struct regs *g, i64 result) {
  u32 index;
  struct hs_conn *k = hs_outbox_conn((int)g->rdi, &index);
  if (!k || result <= 0 || k->net_slot == HS_NO_SLOT || !hs_net_present()) return 0;
  if (k->written - k->noted_acked <= 65536) return 0;
  u64 acked = hs_tcp_count(&k->tcp, HS_NET_SLOT(k->net_slot)->peerAck, k->noted_acked);
  if (acked <= k->noted_acked || acked > k->written) return 0;
  return k->noted_acked = acked;
}

void hs_append_output(struct thread *t, const struct regs *g, const struct hs_call *c, i64 result,
                      const struct bounce *given) {
  struct span spans[1 + PARTS];
  u64 acked = news_of_client(g, result);
  u32 n = 0;
  spans[n++] = (struct span){(u8 *)&acked, 8};
  if (UNLIKELY(given && result > 0 && has_changed(given)))
    for (u64 i = 0, left = (u64)result; i < given->n && left; i++) {
      const struct bounced *part = &given->part[i];
      u64 bytes = part->bytes < left ? part->bytes : left;
      spans[n++] = (struct span){(u8 *)part->at, bytes};
      left -= bytes;
    }
  if (n == 1 && !acked) n = 0;
  hs_append(t, (u32)g->rax, (u32)g->rdi, result, hs_check(g, c, result), spans, n);
}
