/* tsc.c: finds and rewrites rdtsc in code as it is mapped (tsc.h).
 *
 * The engine classifies the byte pairs 0f 31 and 0f 01 f9 of the program's files by disassembly
 * before the start (HS_TSC_OFFSET). The rule: a pair that is in no table counts as an instruction
 * that was missed, and keeps the trap on. */
#include "tsc.h"

#include "calls.gen.h"
#include "order.h"
#include "preempt.h"
#include "sigframe.h"

#define PATCHED 1024u
volatile u32 hs_tsc_hidden;
u32 hs_tsc_fast;
static struct { u64 site; int kind; } patched[PATCHED];

static u32 slot_of(u64 site) { return (u32)((site * 0x9E3779B97F4A7C15ul) >> 54); }

int hs_tsc_patched(u64 site) {
  for (u32 h = slot_of(site);; h = (h + 1) & (PATCHED - 1)) {
    if (patched[h].site == site) return patched[h].kind;
    if (!patched[h].site) return 0;
  }
}

int hs_tsc_patch(u64 site, int kind) {
  u32 h = slot_of(site), tried = 0;
  while (patched[h].site && patched[h].site != site) {
    if (++tried == PATCHED / 2) return 0;
    h = (h + 1) & (PATCHED - 1);
  }
  u64 page = PAGE_DOWN(site), bytes = PAGE_UP(site + 3) - page;
  patched[h].kind = kind;
  patched[h].site = site;
  if (SYS(HS_NR_mprotect, page, bytes, 7)) return 0;
  *(volatile u8 *)site = 0xcc;
  SYS(HS_NR_mprotect, page, bytes, HS_PROT_READ | HS_PROT_EXEC);
  return 1;
}

static u32 hash_path(const char *path, u64 n) {
  u32 h = 0x811c9dc5u;
  for (u64 i = 0; i < n; i++) h = (h ^ (u8)path[i]) * 0x01000193u;
  return h;
}

static const struct hs_tsc_site *find(u32 path, u32 bytes, u32 offset) {
  const u32 *table = (const u32 *)(HS_SESSION_BASE + HS_TSC_OFFSET);
  const struct hs_tsc_site *s = (const void *)(table + 2);
  for (u32 i = 0; i < table[0]; i++)
    if (s[i].path == path && s[i].bytes == bytes && s[i].offset == offset) return &s[i];
  return NULL;
}

void hs_tsc_code(u64 at, u64 bytes, u64 file_offset, i64 fd, u32 file_bytes) {
  char link[40], path[1024], *p = hs_put(link, "self/fd/");
  if (!hs_tsc_fast) return;
  p = hs_put_dec(p, fd);
  *p = 0;
  i64 n = SYS(HS_NR_readlinkat, HIDDEN(HID_PROC), link, path, sizeof path);
  u32 hash = n > 0 ? hash_path(path, (u64)n) : 0;
  const u8 *code = (const u8 *)at;
  for (u64 i = 0; i + 1 < bytes; i++) {
    if (code[i] != 0x0f) continue;
    int rdtscp = i + 2 < bytes && code[i + 1] == 0x01 && code[i + 2] == 0xf9;
    if (code[i + 1] != 0x31 && !rdtscp) continue;
    const struct hs_tsc_site *s = find(hash, file_bytes, (u32)(file_offset + i));
    if (s && s->kind == 0) continue;
    if (s && s->kind < 3 && hs_tsc_patch(at + i, (int)s->kind)) continue;
    hs_tsc_hidden++;
    return;
  }
}

void hs_tsc_anonymous_code(void) { hs_tsc_hidden++; }

void hs_tsc_settle(struct thread *t) {
  u32 trap = hs_tsc_wanted();
  if (SYS(HS_NR_prctl, 26 /* PR_SET_TSC */, trap ? 2 : 1) && trap)
    hs_refuse("rdtsc cannot be trapped here (PR_SET_TSC)");
  t->tsc_trapped = trap;
}

/* ---- reading it ---- */

int hs_tsc_stands_at(const u8 *ip) {
  return ip[0] == 0x0f && (ip[1] == 0x31 || (ip[1] == 0x01 && ip[2] == 0xf9));
}

void hs_tsc_read(struct thread *t, u64 *r, int rdtscp) {
  u64 value = 0;
  int is_known = hs_expect(t, HS_EV_TSC, &value);
  CTL->tscReads++;
  if (!is_known) {
    u32 low, high;
    if (t->tsc_trapped) SYS(HS_NR_prctl, 26 /* PR_SET_TSC */, 1);
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    if (t->tsc_trapped) SYS(HS_NR_prctl, 26, 2);
    value = (u64)high << 32 | low;
    hs_append(t, HS_EV_TSC, 0, (i64)value, 0, NULL, 0);
  }
  r[R_RAX] = (u32)value;
  r[R_RDX] = value >> 32;
  if (rdtscp) r[R_RCX] = 0;
  r[R_RIP] += rdtscp ? 3 : 2;
  t->calls++;
  hs_boundary(t);
}
