/* spin.c: loops that wait for another thread without a call (preempt.h).
 *
 * One instruction of such a loop, its `pause` or the branch that closes it, is replaced by a
 * breakpoint on both sides, at the same point of the record. From then on each pass of the loop is
 * an entry into the shim that is counted, and the baton can be handed over there at once. The
 * rule: only what a thread was seen to spin on is patched, and only code mapped from a file. */
#include "calls.gen.h"
#include "preempt.h"
#include "sigframe.h"
#include "sites.h"

#define SPIN_SITES 256u
static struct spin { u64 site; u8 code[8]; } spins[SPIN_SITES];
static u32 spin_count;

/* Short and near jumps, conditional or not: their length, 0 for anything else. */
static u64 branch_bytes(const u8 *code) {
  if ((code[0] & 0xf0) == 0x70 || code[0] == 0xeb) return 2;
  if (code[0] == 0xe9) return 5;
  return code[0] == 0x0f && (code[1] & 0xf0) == 0x80 ? 6 : 0;
}

int hs_spin_can_patch(u64 site) {
  const u8 *code = (const u8 *)site;
  if (!hs_sites_is_file(site, site + 2) || spin_count == SPIN_SITES) return 0;
  return (code[0] == 0xf3 && code[1] == 0x90) || branch_bytes(code);
}

void hs_spin_patch(u64 site) {
  u64 bytes = branch_bytes((const u8 *)site);
  u64 page = PAGE_DOWN(site);
  struct spin *s = spins;
  while (s < spins + spin_count && s->site != site) s++;
  if (s == spins + spin_count) spin_count++;
  memset(s->code, 0, sizeof s->code);
  memcpy(s->code, (const u8 *)site, bytes ? bytes : 2);
  s->site = site;
  if (SYS(HS_NR_mprotect, page, PAGE, 7)) hs_die("code cannot be patched (mprotect)");
  *(volatile u8 *)site = 0xcc;
  SYS(HS_NR_mprotect, page, PAGE, HS_PROT_READ | HS_PROT_EXEC);
}

static int condition(u64 flags, int code) {
  int cf = flags & 1, pf = (flags >> 2) & 1, zf = (flags >> 6) & 1, sf = (flags >> 7) & 1;
  int of = (flags >> 11) & 1, holds = 0;
  switch (code >> 1) {
    case 0: holds = of; break;
    case 1: holds = cf; break;
    case 2: holds = zf; break;
    case 3: holds = cf | zf; break;
    case 4: holds = sf; break;
    case 5: holds = pf; break;
    case 6: holds = sf != of; break;
    default: holds = zf | (sf != of); break;
  }
  return holds != (code & 1);
}

/* Makes the instruction that stood there. */
static void make(const struct spin *s, u64 *r) {
  u64 bytes = branch_bytes(s->code), next = s->site + (bytes ? bytes : 2);
  int taken = 1;
  i64 distance = 0;
  if (bytes == 2) {
    distance = (signed char)s->code[1];
    if (s->code[0] != 0xeb) taken = condition(r[R_FLAGS], s->code[0] & 15);
  } else if (bytes) {
    int wide;
    memcpy(&wide, s->code + bytes - 4, 4);
    distance = wide;
    if (bytes == 6) taken = condition(r[R_FLAGS], s->code[1] & 15);
  }
  r[R_RIP] = taken ? next + (u64)distance : next;
}

static void deliver(struct thread *t, u64 *context) {
  if (!t->signal_follows) return;
  hs_load_vectors((const u8 *)context[UC_FPSTATE]);
  hs_deliver_all(t, context + UC_REGS, 0, 0);
  context[UC_MASK] = hs_kernel_mask(t);
}

static void record_pass(struct thread *t, u64 *context) {
  int ready = t->pending && hs_signal_ready(t), wanted = hs_baton_is_wanted(t);
  if (!ready && !wanted) return;
  hs_order_enter(t);
  struct hs_record *record = hs_reserve(t, HS_EV_YIELD, 1, (i64)t->calls, 0, 0);
  if (ready) record->method |= HS_METHOD_SIGNAL_FOLLOWS;
  if (wanted) record->method |= HS_METHOD_YIELDED;
  hs_publish(record);
  t->signal_follows = ready != 0;
  deliver(t, context);
  if (!wanted) return;
  hs_baton_yield();
  hs_append(t, HS_EV_RESUME, 0, 0, 0, NULL, 0);
}

static void replay_pass(struct thread *t, u64 *context) {
  struct hs_record *record = hs_ahead(t);
  if (!record || record->tid != t->tid || (record->method & HS_METHOD_ROW) != HS_EV_YIELD ||
      record->object != 1 || (u64)record->result != t->calls)
    return;
  if (!hs_next(t)) return;
  hs_consume(t, record);
  deliver(t, context);
  hs_yield_if_due(t);
}

int hs_spin_pass(struct thread *t, u64 site, u64 *context) {
  const struct spin *s = spins;
  while (s < spins + spin_count && s->site != site) s++;
  if (s == spins + spin_count) return 0;
  make(s, context + UC_REGS);
  t->in_shim = 1;
  t->calls++;
  if (recording())
    record_pass(t, context);
  else
    replay_pass(t, context);
  hs_boundary(t);
  context[UC_MASK] = hs_kernel_mask(t); /* another one, if the copy has gone live here */
  t->in_shim = 0;
  return 1;
}
