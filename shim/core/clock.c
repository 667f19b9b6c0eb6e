/* clock.c: time. The vDSO is hidden from the program, so that its time calls arrive here; the
 * core itself reads the vDSO where it may (no rdtsc trap), which costs 25 ns instead of 160.
 *
 * The rule at go-live: no clock of the program's ever steps back, and monotonic time goes on from
 * where the primary was last seen, plus what has really passed. */
#include "clock.h"

#include "calls.gen.h"
#include "regular.h"
#include "times.h"

typedef int clock_fn(u64 clock, u64 *timespec);
static clock_fn *vdso_clock, *vdso_found;
static u64 vdso_at;

struct elf_header {
  u8 id[16];
  u16 type, machine;
  u32 version;
  u64 entry, program_headers, section_headers;
  u32 flags;
  u16 header_bytes, program_header_bytes, program_header_count, a, b, c;
};
struct elf_program_header {
  u32 type, flags;
  u64 offset, address, physical, file_bytes, memory_bytes, align;
};

void hs_clock_init(u64 vdso) {
  const struct elf_header *e = (const void *)vdso;
  vdso_at = vdso;
  const struct elf_program_header *p = (const void *)(vdso + e->program_headers);
  const u64 *dynamic = NULL;
  u64 symbols = 0, strings = 0;
  for (int i = 0; i < e->program_header_count; i++)
    if (p[i].type == 2) dynamic = (const u64 *)(vdso + p[i].offset);
  for (; dynamic && dynamic[0]; dynamic += 2) {
    if (dynamic[0] == 6) symbols = vdso + dynamic[1];
    if (dynamic[0] == 5) strings = vdso + dynamic[1];
  }
  if (!symbols || !strings) return;
  for (u64 i = 1; i < 16; i++) {
    const u32 *symbol = (const u32 *)(symbols + 24 * i);
    if (symbol[0] > 4096) break;
    if (hs_streq((const char *)(strings + symbol[0]), "__vdso_clock_gettime"))
      vdso_found = (clock_fn *)(vdso + ((const u64 *)symbol)[1]);
  }
}

void hs_clock_arm(void) { vdso_clock = vdso_found; }

/* Clocks that the vDSO answers without a system call: real, monotonic, raw, coarse, boot, TAI. */
#define VDSO_CLOCKS 0x8f3u

static i64 real_clock(u64 clock, u64 *timespec) {
  if (vdso_clock && clock < 12 && ((VDSO_CLOCKS >> clock) & 1) && !self()->tsc_trapped)
    return vdso_clock(clock, timespec);
  return SYS(HS_NR_clock_gettime, clock, timespec);
}

/* On a host whose clock cannot be read in user space the vDSO makes the system call itself, from
 * outside the core's text: it is made here, and the vDSO not asked again. */
int hs_clock_trapped(u64 *r) {
  if (!vdso_at || r[16] < vdso_at || r[16] >= vdso_at + 4 * PAGE) return 0;
  vdso_clock = NULL;
  r[13] = (u64)SYS(r[13], r[8], r[9], r[12], r[2], r[0], r[1]);
  return 1;
}

u64 hs_now_ns(u32 clock) {
  u64 ts[2] = {0, 0};
  real_clock(clock, ts);
  return ts[0] * 1000000000ul + ts[1];
}

/* ---- offsets of the backup after go-live; in shared memory, nanoseconds ---- */
#define last_real CTL->lastRealNs
#define last_monotonic CTL->lastMonotonicNs
#define offset_real CTL->offsetRealNs
#define offset_monotonic CTL->offsetMonotonicNs
#define estimate CTL->estimateNs
#define estimated CTL->estimated

static int is_monotonic(u64 clock) {
  return clock == 1 || clock == 4 || clock == 6 || clock == 7 || clock == 9;
}
i64 hs_clock_offset(u32 clock) {
  if (clock == 0 || clock == 5 || clock == 11 || clock == 8) return offset_real;
  return is_monotonic(clock) ? offset_monotonic : 0;
}

void hs_clock_follow(const struct regs *g, i64 result) {
  if (result < 0) return;
  if (g->rax == HS_NR_clock_gettime && g->rsi) {
    const u64 *ts = (const u64 *)g->rsi;
    u64 ns = ts[0] * 1000000000ul + ts[1];
    if (g->rdi == 1) {
      if (ns > last_monotonic) last_monotonic = ns;
      /* only a record that had to be waited for is fresh enough to tell the offset */
      if (self()->wait_start_ns) {
        i64 e = (i64)ns - (i64)hs_now_ns(1);
        if (!estimated || e > estimate) estimate = e;
        estimated = 1;
      }
    }
    if (g->rdi == 0 && ns > last_real) last_real = ns;
  } else if (g->rax == HS_NR_gettimeofday && g->rdi) {
    const u64 *tv = (const u64 *)g->rdi;
    u64 ns = tv[0] * 1000000000ul + tv[1] * 1000;
    if (ns > last_real) last_real = ns;
  }
}

void hs_clock_go_live(void) {
  i64 real = (i64)hs_now_ns(0), monotonic = (i64)hs_now_ns(1);
  offset_real = real < (i64)last_real ? (i64)last_real - real : 0;
  offset_monotonic = last_monotonic ? (i64)last_monotonic - monotonic : 0;
  if (estimated && estimate > offset_monotonic) offset_monotonic = estimate;
}

static void shift(u64 *ts, i64 by, u64 unit) {
  i64 ns = (i64)(ts[0] * 1000000000ul + ts[1] * unit) + by;
  if (ns < 0) ns = 0;
  ts[0] = (u64)ns / 1000000000ul;
  ts[1] = (u64)ns % 1000000000ul / unit;
}

i64 hs_live_fix(struct thread *t, struct regs *g, i64 result) {
  (void)t;
  if (result < 0) return result;
  if (g->rax == HS_NR_clock_gettime && g->rsi)
    shift((u64 *)g->rsi, hs_clock_offset((u32)g->rdi), 1);
  if (g->rax == HS_NR_gettimeofday && g->rdi) shift((u64 *)g->rdi, offset_real, 1000);
  return result;
}

int hs_clock_read(struct thread *t, struct regs *g, i64 *result) {
  const struct hs_call *c = &hs_calls[g->rax];
  u64 clock = 0, to = g->rdi, ts[2];
  u32 ok = 1, ok2 = 1;
  switch (g->rax) {
    case HS_NR_clock_gettime:
      clock = g->rdi, to = g->rsi;
      if (clock >= 12) return 0;
      break;
    case HS_NR_gettimeofday:
      if (!to || g->rsi) return 0;
      break;
    case HS_NR_time: break;
    default: return 0;
  }
  if (to || g->rax != HS_NR_time) hs_peek(to, &ok);
  if (g->rax != HS_NR_time) hs_peek(to + 8, &ok2);
  if (!ok || !ok2 || real_clock(clock, ts)) return 0;
  if (hs_mode == HS_MODE_LIVE) shift(ts, hs_clock_offset((u32)clock), 1);
  CTL->timeReads++;
  *result = hs_times_put(g, ts[0] * 1000000000ul + ts[1]);
  if (hs_times_append(t, (u32)g->rax, ts[0] * 1000000000ul + ts[1], (u32)hs_check(g, c, 0)))
    return 1;
  struct before b;
  hs_before(g, c, &b);
  hs_append_call(t, g, c, *result, &b);
  return 1;
}

/* A blocking call entered again at go-live waits only for what is left of its time. */
void hs_shorten(struct thread *t, struct regs *g, u64 scratch[2]) {
  i64 waited = t->wait_start_ns ? (i64)(hs_now_ns(1) - t->wait_start_ns) : 0, ms = waited / 1000000;
  u64 *relative = NULL;
  switch (g->rax) {
    case HS_NR_epoll_wait:
    case HS_NR_epoll_pwait:
      if ((int)g->r10 > 0) g->r10 = (i64)g->r10 > ms ? g->r10 - (u64)ms : 0;
      return;
    case HS_NR_poll:
      if ((int)g->rdx > 0) g->rdx = (i64)g->rdx > ms ? g->rdx - (u64)ms : 0;
      return;
    case HS_NR_nanosleep: relative = &g->rdi; break;
    case HS_NR_clock_nanosleep:
      if (g->rsi & 1) waited = hs_clock_offset((u32)g->rdi); /* an absolute deadline */
      relative = &g->rdx;
      break;
    case HS_NR_ppoll: relative = &g->rdx; break;
    case HS_NR_pselect6: relative = &g->r8; break;
    case HS_NR_futex:
      if ((g->rsi & 127) == 0)
        relative = &g->r10;
      else if ((g->rsi & 127) == 9 || (g->rsi & 127) == 11 || (g->rsi & 127) == 13) {
        waited = (g->rsi & 256) ? offset_real : offset_monotonic;
        relative = &g->r10;
      }
      break;
    default: return;
  }
  if (!relative || !*relative) return;
  memcpy(scratch, (const void *)*relative, 16);
  shift(scratch, -waited, 1);
  *relative = (u64)scratch;
}
