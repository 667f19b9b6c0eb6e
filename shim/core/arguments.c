/* arguments.c: interprets the argument descriptions of a row (call.h). See arguments.h. */
#include "arguments.h"

#include "calls.gen.h"

/* What a row's arguments ask for, so that most calls skip the walks below. */
enum { TRAIT_BEFORE = 1, TRAIT_POINTS = 2, TRAIT_OUT = 4 };
static u8 traits[HS_CALL_ROWS];

void hs_arguments_init(void) {
  for (u32 row = 0; row < HS_CALL_ROWS; row++)
    for (int i = 0; i < hs_calls[row].nargs; i++) {
      u8 kind = hs_calls[row].arg[i].kind;
      int in = kind == HS_IN || kind == HS_IN_STRING || kind == HS_IN_IOV || kind == HS_IN_MSG ||
               kind == HS_IN_MMSG;
      if (kind == HS_LENGTH || kind == HS_OUT_MSG || kind == HS_OUT_MMSG)
        traits[row] |= TRAIT_BEFORE;
      if (in) traits[row] |= TRAIT_POINTS;
      if (kind > HS_IN_STRING && (!in || kind == HS_IN_MMSG)) traits[row] |= TRAIT_OUT;
    }
}
static u8 traits_of(const struct regs *g) { return traits[g->rax & (HS_CALL_ROWS - 1)]; }

struct walk {
  struct span *out; /* gather */
  u32 n;
  const u8 *data;   /* scatter */
  u64 left;
  int replay, short_data;
  int careful; /* the call failed with EFAULT: only what is there, and not much of it */
};

/* How much of it is there: all, what lies on the first page, or nothing. */
static u64 present_bytes(u64 address, u64 bytes) {
  u32 first, last;
  hs_peek(address & ~7ul, &first);
  hs_peek((address + bytes - 1) & ~7ul, &last);
  if (!first || bytes > PAGE) return 0;
  return last ? bytes : PAGE_UP(address + 1) - address;
}


static void visit(struct walk *w, u64 address, u64 bytes) {
  if (!address || !bytes) return;
  if (w->careful && !(bytes = present_bytes(address, bytes))) return;
  if (w->replay) {
    if (bytes > w->left) {
      w->short_data = 1;
      return;
    }
    memcpy((void *)address, w->data, bytes);
    w->data += bytes;
    w->left -= bytes;
  } else if (w->n < HS_MAX_SPANS) {
    w->out[w->n].at = (u8 *)address;
    w->out[w->n++].bytes = bytes;
  }
}

static u64 least(u64 a, u64 b) { return a < b ? a : b; }

static void visit_iov(struct walk *w, const struct iovec64 *iov, u64 count, u64 bytes) {
  for (u64 i = 0; i < count && bytes; i++) {
    u64 n = least(iov[i].bytes, bytes);
    visit(w, iov[i].base, n);
    bytes -= n;
  }
}

static void visit_message(struct walk *w, struct msghdr64 *m, u64 bytes, u32 name_before,
                          u64 control_before) {
  visit(w, (u64)&m->name_bytes, 4);
  visit(w, (u64)&m->control_bytes, 8);
  visit(w, (u64)&m->flags, 4);
  visit(w, m->name, least(name_before, m->name_bytes));
  visit(w, m->control, least(control_before, m->control_bytes));
  visit_iov(w, (const struct iovec64 *)m->iov, m->iov_count, bytes);
}

/* The first version of capabilities had 32 of them. A call that failed looked at none. */
static u64 capability_sets(const struct regs *g, i64 result) {
  return result < 0 ? 0 : *(const u32 *)g->rdi == 0x19980330 ? 1 : 2;
}

u64 hs_element_count(const struct regs *g, struct hs_arg a, i64 result) {
  switch (a.count) {
    case HS_FIXED: return 1;
    case HS_BY_RESULT: return result > 0 ? (u64)result : 0;
    case HS_FDSETS: return ((u32)g->rdi + 63u) / 64u;
    case HS_CAPABILITIES: return capability_sets(g, result);
    case HS_PAGES: return (g->rsi + PAGE - 1) / PAGE;
    default: return hs_argument(g, a.count - HS_ARG0);
  }
}

static u64 out_bytes(const struct regs *g, const struct hs_call *c, int i, i64 result) {
  struct hs_arg a = c->arg[i];
  u64 count = hs_element_count(g, a, result);
  int sized = a.count == HS_BY_RESULT && i + 1 < c->nargs && c->arg[i + 1].kind == HS_VALUE;
  if (sized && result == -HS_EFAULT) return hs_argument(g, i + 1) * a.size;
  /* a result may be larger than the buffer (MSG_TRUNC, a size query): the size comes next */
  if (sized) count = least(count, hs_argument(g, i + 1));
  return count * a.size;
}

static void walk_out(struct walk *w, const struct regs *g, const struct hs_call *c, i64 result,
                     const struct before *b) {
  int written = result >= 0 || ((c->flags & HS_OUT_ALWAYS) && result != -HS_EFAULT) ||
                (result == -HS_EINTR && (c->flags & HS_OUT_EINTR));
  if (c->flags & HS_OUT_ONLY_EINTR) written = result == -HS_EINTR;
  /* the kernel may have written one argument before it faulted on another */
  if (result == -HS_EFAULT) written = w->careful = 1;
  if (!written) return;
  for (int i = 0; i < c->nargs; i++) {
    u64 v = hs_argument(g, i);
    /* who asks for a name with no room for it is told its length; accept and recvfrom look at
     * none of it */
    if (!v && (c->arg[i].kind != HS_OUT_SIZED || c->policy != HS_RESULT)) continue;
    switch (c->arg[i].kind) {
      case HS_OUT:
      case HS_INOUT:
        visit(w, v, out_bytes(g, c, i, result));
        break;
      case HS_OUT_SIZED: {
        u64 length = hs_argument(g, i + 1);
        if (!length) break;
        visit(w, length, 4); /* written before the address, which may be none */
        if (w->careful) break;
        visit(w, v, least(b->length[i + 1], *(u32 *)length));
        break;
      }
      case HS_OUT_IOV:
        visit_iov(w, (const struct iovec64 *)v, hs_element_count(g, c->arg[i], result),
                  result > 0 ? (u64)result : 0);
        break;
      case HS_OUT_MSG:
        if (w->careful) break;
        visit_message(w, (struct msghdr64 *)v, (u64)result, b->name_bytes[0],
                      b->control_bytes[0]);
        break;
      case HS_OUT_MMSG:
        for (i64 k = 0; k < result && k < HS_MAX_MESSAGES; k++) {
          struct msghdr64 *m = (struct msghdr64 *)(v + (u64)k * 64);
          visit(w, (u64)m + 56, 4);
          visit_message(w, m, *(u32 *)((u64)m + 56), b->name_bytes[k], b->control_bytes[k]);
        }
        break;
      case HS_IN_MMSG:
        for (i64 k = 0; k < result; k++) visit(w, v + (u64)k * 64 + 56, 4);
        break;
      default: break;
    }
  }
}

static void note_message(struct before *b, u32 k, u64 address) {
  u32 ok, ok2;
  b->name_bytes[k] = (u32)hs_peek(address + 8, &ok);
  b->control_bytes[k] = hs_peek(address + 40, &ok2);
  if (!ok || !ok2) b->name_bytes[k] = 0, b->control_bytes[k] = 0;
}

void hs_before(const struct regs *g, const struct hs_call *c, struct before *b) {
  if (LIKELY(!(traits_of(g) & TRAIT_BEFORE))) return;
  for (int i = 0; i < c->nargs; i++) {
    u64 v = hs_argument(g, i);
    u32 ok;
    b->length[i] = 0;
    if (!v) continue;
    if (c->arg[i].kind == HS_LENGTH) {
      b->length[i] = (u32)hs_peek(v & ~7ul, &ok) >> 0;
      if (v & 7) { /* peek reads aligned words; lengths may straddle */
        u64 word = hs_peek(v & ~7ul, &ok);
        u64 shift = (v & 7) * 8;
        u64 value = word >> shift;
        if (shift > 32) value |= hs_peek((v & ~7ul) + 8, &ok) << (64 - shift);
        b->length[i] = (u32)value;
      }
    } else if (c->arg[i].kind == HS_OUT_MSG) {
      note_message(b, 0, v);
    } else if (c->arg[i].kind == HS_OUT_MMSG) {
      u64 n = least(hs_argument(g, c->arg[i].count - HS_ARG0), HS_MAX_MESSAGES);
      for (u32 k = 0; k < n; k++) note_message(b, k, v + k * 64ul);
    }
  }
}

static u32 crc_iov(u32 crc, const struct iovec64 *iov, u64 count, u64 bytes) {
  for (u64 i = 0; i < count && bytes; i++) {
    u64 n = least(iov[i].bytes, bytes);
    crc = hs_crc(crc, (const void *)iov[i].base, n);
    bytes -= n;
  }
  return crc;
}

static u32 crc_pointed(u32 crc, const struct regs *g, const struct hs_call *c, int i, u64 v,
                       i64 result) {
  struct hs_arg a = c->arg[i];
  switch (a.kind) {
    case HS_IN: {
      u64 bytes = hs_element_count(g, a, result) * a.size;
      /* what an output call did not take is not output */
      if (c->policy == HS_OUTPUT && a.size == 1) bytes = least(bytes, (u64)result);
      return hs_crc(crc, (const void *)v, bytes);
    }
    case HS_IN_STRING: return hs_crc(crc, (const void *)v, hs_strlen((const char *)v));
    case HS_IN_IOV:
      return crc_iov(crc, (const struct iovec64 *)v, hs_element_count(g, a, result), (u64)result);
    case HS_IN_MSG: {
      const struct msghdr64 *m = (const struct msghdr64 *)v;
      if (m->name) crc = hs_crc(crc, (const void *)m->name, m->name_bytes);
      return crc_iov(crc, (const struct iovec64 *)m->iov, m->iov_count, (u64)result);
    }
    case HS_IN_MMSG:
      for (i64 k = 0; k < result; k++) {
        const struct msghdr64 *m = (const struct msghdr64 *)(v + (u64)k * 64);
        const struct iovec64 *iov = (const struct iovec64 *)m->iov;
        crc = crc_iov(crc, iov, m->iov_count, hs_iov_bytes(iov, m->iov_count));
      }
      return crc;
    default: return crc;
  }
}

struct pointed {
  const struct regs *g;
  const struct hs_call *c;
  i64 result;
  u32 crc;
};

static void digest_pointed(void *argument) {
  struct pointed *p = argument;
  for (int i = 0; i < p->c->nargs; i++) {
    u64 v = hs_argument(p->g, i);
    if (v && p->c->arg[i].kind >= HS_IN)
      p->crc = crc_pointed(p->crc, p->g, p->c, i, v, p->result);
  }
}

u64 hs_check(const struct regs *g, const struct hs_call *c, i64 result) {
  u32 values = hs_crc_word(0, g->rax);
  int points = traits_of(g) & TRAIT_POINTS;
  for (int i = 0; i < c->nargs; i++) {
    u8 kind = c->arg[i].kind;
    if (kind == HS_NONE || kind == HS_OPAQUE) continue;
    values = hs_crc_word(values, hs_argument(g, i));
  }
  struct pointed p = {g, c, result, 0};
  /* a call may succeed without reading all that its arguments name */
  if (points && result >= 0 && hs_try(digest_pointed, &p)) p.crc = 0;
  return (u64)p.crc << 32 | values;
}

u32 hs_gather(const struct regs *g, const struct hs_call *c, i64 result, const struct before *b,
              struct span *out) {
  struct walk w = {.out = out};
  if (!(traits_of(g) & TRAIT_OUT)) return 0;
  walk_out(&w, g, c, result, b);
  return w.n;
}

struct scatter {
  struct walk w;
  const struct regs *g;
  const struct hs_call *c;
  i64 result;
  const struct before *b;
};

static void walk_scatter(void *argument) {
  struct scatter *s = argument;
  walk_out(&s->w, s->g, s->c, s->result, s->b);
}

int hs_scatter(const struct regs *g, const struct hs_call *c, i64 result, const struct before *b,
               const u8 *data, u64 bytes) {
  struct scatter s = {{.replay = 1, .data = data, .left = bytes}, g, c, result, b};
  if (result == -HS_EFAULT) return hs_try(walk_scatter, &s) || (!s.w.short_data && !s.w.left);
  walk_scatter(&s);
  return !s.w.short_data && s.w.left == 0;
}

/* ---- what a call that is under way may write ---- */

struct writable {
  struct span *out;
  u32 n, room;
};

static void may_write(struct writable *w, u64 address, u64 bytes) {
  if (!address || !bytes) return;
  if (w->n < w->room) w->out[w->n].at = (u8 *)address, w->out[w->n].bytes = bytes;
  w->n++;
}

static void may_write_iov(struct writable *w, u64 iov, u64 count) {
  for (u64 i = 0; i < count; i++) {
    const struct iovec64 *v = (const struct iovec64 *)iov + i;
    may_write(w, v->base, v->bytes);
  }
}

static void may_write_message(struct writable *w, u64 message) {
  const struct msghdr64 *m = (const struct msghdr64 *)message;
  may_write(w, message, sizeof *m + 8); /* the length of an mmsghdr is behind it */
  may_write(w, m->name, m->name_bytes);
  may_write(w, m->control, m->control_bytes);
  may_write_iov(w, m->iov, m->iov_count);
}

u32 hs_writable_spans(const struct regs *g, const struct hs_call *c, struct span *out, u32 room) {
  struct writable w = {out, 0, room};
  if (!(traits_of(g) & TRAIT_OUT)) return 0;
  for (int i = 0; i < c->nargs; i++) {
    u64 v = hs_argument(g, i), next = i + 1 < c->nargs ? hs_argument(g, i + 1) : 0;
    struct hs_arg a = c->arg[i];
    if (!v) continue;
    switch (a.kind) {
      case HS_OUT:
      case HS_INOUT:
        may_write(&w, v, (a.count == HS_BY_RESULT ? next : hs_element_count(g, a, 0)) * a.size);
        break;
      case HS_OUT_SIZED: may_write(&w, v, next ? *(const u32 *)next : 0); break;
      case HS_LENGTH: may_write(&w, v, 4); break;
      case HS_OUT_IOV: may_write_iov(&w, v, hs_element_count(g, a, 0)); break;
      case HS_OUT_MSG: may_write_message(&w, v); break;
      case HS_IN_MMSG:
      case HS_OUT_MMSG:
        for (u64 k = 0; k < hs_element_count(g, a, 0); k++) may_write_message(&w, v + k * 64);
        break;
      default: break;
    }
  }
  return w.n;
}

u64 hs_iov_bytes(const struct iovec64 *iov, u64 count) {
  u64 bytes = 0;
  for (u64 i = 0; i < count; i++) bytes += iov[i].bytes;
  return bytes;
}
