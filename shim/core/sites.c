/* sites.c: rewrites call sites (sites.h).
 *
 * Two forms fit a five-byte jump: `mov $nr,%eax; syscall` (the mov is overwritten, the syscall
 * stays) and `syscall; cmp $-4096,%rax` (both are). What fits neither stays on the trap: slow and
 * correct. Where threads run at once a breakpoint stands in the first byte while the others are
 * written. The rule: only code mapped from a file is touched; memory a JIT writes is its own. */
#include "sites.h"

#include "calls.gen.h"
#include "clock.h"
#include "order.h"

#define HS_SITES 16384u
#define HS_CODE_RANGES 1024u

static struct { u64 site, stub; } sites[HS_SITES];
static struct { u64 from, to; } code[HS_CODE_RANGES];
static u32 code_ranges;
static volatile u32 sites_lock; /* --schedule parallel: several threads may meet a site at once */
static volatile u64 being_rewritten;
static u64 stub_next[3];

void hs_sites_init(void) {
  static const u64 areas[3] = {HS_STUBS_HIGH, HS_STUBS_PIE, HS_STUBS_LOW};
  for (int i = 0; i < 3; i++) {
    i64 r = SYS(HS_NR_mmap, areas[i], HS_STUBS_BYTES, 7,
                HS_MAP_PRIVATE | HS_MAP_ANON | HS_MAP_FIXED_NOREPLACE, -1, 0);
    if (r != (i64)areas[i]) hs_refuse("the address range for call stubs is taken");
    stub_next[i] = areas[i];
  }
}

void hs_sites_arm(void) {
  u64 bytes = (u64)(hs_text_end - hs_text_start);
  if (SYS(HS_NR_prctl, 59 /* PR_SET_SYSCALL_USER_DISPATCH */, 1, hs_text_start, bytes, 0))
    hs_refuse("this kernel has no syscall user dispatch (Linux 5.11 and later on x86-64 do)");
}

int hs_is_stub(u64 ip) {
  return (ip >= HS_STUBS_HIGH && ip < HS_STUBS_HIGH + HS_STUBS_BYTES) ||
         (ip >= HS_STUBS_PIE && ip < HS_STUBS_PIE + HS_STUBS_BYTES) ||
         (ip >= HS_STUBS_LOW && ip < HS_STUBS_LOW + HS_STUBS_BYTES);
}

/* Taken by threads that hold no other lock, and only where threads run at once. */
static void lock_sites(void) {
  while (hs_process.parallel && __atomic_exchange_n(&sites_lock, hs_process.pid, __ATOMIC_ACQUIRE))
    SYS(HS_NR_sched_yield);
}
static void unlock_sites(void) {
  if (hs_process.parallel) __atomic_store_n(&sites_lock, 0, __ATOMIC_RELEASE);
}

static void forget(u64 at, u64 bytes);
void hs_sites_mapped(u64 at, u64 bytes, u64 file_offset, const char *path) {
  (void)file_offset, (void)path;
  lock_sites();
  forget(at, bytes);
  if (code_ranges < HS_CODE_RANGES) {
    code[code_ranges].from = at;
    code[code_ranges++].to = at + bytes;
  }
  unlock_sites();
}

void hs_sites_unmapped(u64 at, u64 bytes) {
  lock_sites();
  forget(at, bytes);
  unlock_sites();
}

static void forget(u64 at, u64 bytes) {
  u64 end = at + bytes;
  int hit = 0;
  for (u32 i = 0; i < code_ranges;) {
    if (code[i].from < end && at < code[i].to) {
      hit = 1;
      u64 from = code[i].from, to = code[i].to;
      code[i] = code[--code_ranges];
      if (from < at && code_ranges < HS_CODE_RANGES) {
        code[code_ranges].from = from;
        code[code_ranges++].to = at;
      }
      if (to > end && code_ranges < HS_CODE_RANGES) {
        code[code_ranges].from = end;
        code[code_ranges++].to = to;
      }
      if (from < at || to > end) break; /* the parts that stay are looked at no more */
    } else {
      i++;
    }
  }
  if (!hit) return;
  /* forget the sites there: a tombstone keeps the probe chains whole */
  for (u32 i = 0; i < HS_SITES; i++)
    if (sites[i].site >= at && sites[i].site < end) sites[i].site = 1;
}

int hs_sites_is_file(u64 from, u64 to) {
  for (u32 i = 0; i < code_ranges; i++)
    if (from >= code[i].from && to <= code[i].to) return 1;
  return 0;
}

static u8 *put_u32(u8 *p, u64 value) {
  u32 word = (u32)value;
  memcpy(p, &word, 4);
  return p + 4;
}
static u8 *put_u64(u8 *p, u64 value) {
  memcpy(p, &value, 8);
  return p + 8;
}

/* stub: [mov $nr,%eax] lea after(%rip),%rcx; movabs $hs_enter,%r11; jmp *%r11; after: [what the
 * jump displaced] jmp back. From the lea to `after` are HS_STUB_ENTRY_BYTES. */
static u64 write_stub(u64 stub, u64 nr, int behind, const u8 *displaced, int ndisplaced,
                      u64 back, int far) {
  u8 *p = (u8 *)stub;
  if (behind) {
    *p++ = 0xb8;
    p = put_u32(p, nr);
  }
  *p++ = 0x48, *p++ = 0x8d, *p++ = 0x0d;
  p = put_u32(p, 13);
  *p++ = 0x49, *p++ = 0xbb;
  p = put_u64(p, (u64)hs_enter);
  *p++ = 0x41, *p++ = 0xff, *p++ = 0xe3;
  memcpy(p, displaced, (u64)ndisplaced);
  p += ndisplaced;
  if (far) {
    *p++ = 0x49, *p++ = 0xbb;
    p = put_u64(p, back);
    *p++ = 0x41, *p++ = 0xff, *p++ = 0xe3;
  } else {
    *p++ = 0xe9;
    p = put_u32(p, back - ((u64)p + 4));
  }
  return (u64)p;
}

/* No other thread goes on with instructions it fetched before. */
static void serialize_others(void) {
  if (!hs_process.parallel || !hs_process.had_threads) return;
  if (SYS(HS_NR_membarrier, 32 /* PRIVATE_EXPEDITED_SYNC_CORE */, 0, 0) == -HS_EPERM) {
    SYS(HS_NR_membarrier, 64 /* REGISTER it */, 0, 0);
    SYS(HS_NR_membarrier, 32, 0, 0);
  }
}

int hs_sites_is_changing(u64 ip) {
  return hs_process.parallel && (ip == being_rewritten || *(const volatile u8 *)ip != 0xcc);
}

static void rewrite(u64 from, u64 to, u64 stub) {
  u64 page = PAGE_DOWN(from), bytes = PAGE_UP(to) - page;
  if (SYS(HS_NR_mprotect, page, bytes, 7)) return;
  volatile u8 *p = (volatile u8 *)from;
  being_rewritten = from;
  if (hs_process.had_threads) *p = 0xcc;
  serialize_others();
  u8 *rest = put_u32((u8 *)from + 1, stub - (from + 5));
  while ((u64)rest < to) *rest++ = 0x90;
  serialize_others();
  *p = 0xe9;
  serialize_others();
  being_rewritten = 0;
  SYS(HS_NR_mprotect, page, bytes, HS_PROT_READ | HS_PROT_EXEC);
  CTL->sites++;
}

static u64 make_stub(u64 site, u64 nr) {
  const u8 *s = (const u8 *)site;
  int area = site >> 31 == 0 ? 2 : site >> 32 == HS_STUBS_PIE >> 32 ? 1 : 0;
  u64 stub = stub_next[area];
  i64 distance = (i64)(stub - site);
  int far = distance > 0x7fff0000 || distance < -0x7fff0000;
  int behind = 0, displaced = 0;
  if (!far && hs_sites_is_file(site - 5, site + 8)) {
    u32 word;
    memcpy(&word, s - 4, 4);
    if (s[-5] == 0xb8 && word == (u32)nr && (nr < 512 || nr == HS_NR_ORDERED))
      behind = 1;
    else if (s[2] == 0x48 && s[3] == 0x3d && s[4] <= 0x0f && s[5] == 0xf0 && s[6] == 0xff &&
             s[7] == 0xff)
      displaced = 6; /* cmp $-4096,%rax */
    else if (s[2] == 0x3d && s[3] <= 0x0f && s[4] == 0xf0 && s[5] == 0xff && s[6] == 0xff)
      displaced = 5; /* cmp $-4096,%eax */
  }
  u64 back = site + 2 + (u64)displaced;
  u64 end = write_stub(stub, nr, behind, s + 2, displaced, back, far);
  stub_next[area] = (end + 15) & ~15ul;
  if ((stub_next[area] & (HS_STUBS_BYTES - 1)) > HS_STUBS_BYTES - 128)
    hs_die("the program has more call sites than the stub area holds");
  if (behind)
    rewrite(site - 5, site, stub);
  else if (displaced)
    rewrite(site, site + 2 + (u64)displaced, stub);
  else
    CTL->slowSites++;
  return stub;
}

void hs_sites_trap(u64 *r) {
  if (hs_clock_trapped(r)) return;
  u64 site = r[16] - 2, nr = r[13];
  u32 h = (u32)((site * 0x9E3779B97F4A7C15ul) >> 50);
  CTL->traps++;
  lock_sites();
  while (sites[h].site && sites[h].site != site) h = (h + 1) & (HS_SITES - 1);
  if (!sites[h].site) {
    sites[h].stub = make_stub(site, nr);
    sites[h].site = site;
  }
  u64 stub = sites[h].stub;
  unlock_sites();
  /* a stub that begins with its own `mov` may be entered for another number: skip it */
  r[16] = *(u8 *)stub == 0xb8 ? stub + 5 : stub;
}
