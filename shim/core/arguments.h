/* arguments.h: what a row says about a call's arguments, applied to real ones.
 *
 * The rule: memory of the program is touched only where the kernel has just shown, by the call's
 * result, that it is there. */
#ifndef HS_ARGUMENTS_H
#define HS_ARGUMENTS_H

#include "state.h"

struct msghdr64 {
  u64 name;
  u32 name_bytes, pad;
  u64 iov, iov_count, control, control_bytes;
  u32 flags, pad2;
};
struct iovec64 {
  u64 base, bytes;
};

/* Value-result lengths as they were before the call. */
#define HS_MAX_MESSAGES 64
struct before {
  u32 length[6];
  u32 messages;
  u32 name_bytes[HS_MAX_MESSAGES];
  u64 control_bytes[HS_MAX_MESSAGES];
};

static inline u64 hs_argument(const struct regs *g, int i) {
  switch (i) {
    case 0: return g->rdi;
    case 1: return g->rsi;
    case 2: return g->rdx;
    case 3: return g->r10;
    case 4: return g->r8;
    default: return g->r9;
  }
}

static inline void hs_set_argument(struct regs *g, int i, u64 value) {
  u64 *const at[6] = {&g->rdi, &g->rsi, &g->rdx, &g->r10, &g->r8, &g->r9};
  *at[i] = value;
}

/* How many elements an argument points to, when the call gives `result`. */
u64 hs_element_count(const struct regs *g, struct hs_arg a, i64 result);

void hs_arguments_init(void);
void hs_before(const struct regs *g, const struct hs_call *c, struct before *b);
/* Digest of the arguments' values, and of what they point to when the call succeeded. */
u64 hs_check(const struct regs *g, const struct hs_call *c, i64 result);
/* Everything the call wrote, as spans; returns their number. */
u32 hs_gather(const struct regs *g, const struct hs_call *c, i64 result, const struct before *b,
              struct span *out);
/* Everything the call may write while it is under way; returns how many spans that are, of which
 * the first `room` are written. For use under hs_try. */
u32 hs_writable_spans(const struct regs *g, const struct hs_call *c, struct span *out, u32 room);
/* Puts recorded bytes where the call would have; 0 when the record is too short for it. */
int hs_scatter(const struct regs *g, const struct hs_call *c, i64 result, const struct before *b,
               const u8 *data, u64 bytes);
/* Bytes the call passes out (for outputs): calls `each` on every run, up to `limit`. */
u64 hs_iov_bytes(const struct iovec64 *iov, u64 count);

#endif
