/* report.c: how the core says that something is wrong: a refusal (exit 4), a divergence (exit 3,
 * the evidence in shared memory for the engine), a broken invariant (exit 70), a warning.
 *
 * The rule: after a divergence nothing of the program runs any more. */
#include "calls.gen.h"
#include "order.h"
#include "process.h"

#define HS_EXIT_DIVERGED 3
#define HS_EXIT_REFUSED 4
#define HS_EXIT_BROKEN 70

int hs_session_mapped;

static const char *const event_names[] = {HS_EVENT_NAMES};

const char *hs_row_name(u32 row) {
  if (row < HS_CALL_ROWS) return hs_calls[row].name ? hs_calls[row].name : "unknown";
  u32 event = row - HS_EVENT_BASE;
  return event < sizeof event_names / sizeof *event_names ? event_names[event] : "unknown";
}

static void say(const char *prefix, const char *text) {
  char line[800], *p = hs_put(line, prefix);
  for (u32 i = 0; text[i] && i < 700; i++) *p++ = text[i];
  *p++ = '\n';
  SYS(HS_NR_write, 2, line, p - line);
}

static __attribute__((noreturn)) void end_all(int status) {
  SYS(HS_NR_exit_group, status);
  __builtin_unreachable();
}

void hs_refuse(const char *sentence) {
  u64 n = hs_strlen(sentence);
  if (hs_session_mapped) {
    memcpy(CTL->sentence, sentence, n < 511 ? n + 1 : 511);
    CTL->failure = HS_EXIT_REFUSED;
  } else {
    say("hs-start: ", sentence);
  }
  end_all(HS_EXIT_REFUSED);
}

void hs_die(const char *sentence) {
  u64 n = hs_strlen(sentence);
  memcpy(CTL->sentence, sentence, n < 511 ? n + 1 : 511);
  CTL->failure = HS_EXIT_BROKEN;
  say("hotswap: broken invariant: ", sentence);
  end_all(HS_EXIT_BROKEN);
}

void hs_warn(const char *format, ...) {
  char text[400], *p = text;
  __builtin_va_list args;
  if (CTL->warnings++ > 20) return;
  __builtin_va_start(args, format);
  for (; *format && p < text + 360; format++) {
    if (*format != '%') {
      *p++ = *format;
      continue;
    }
    format++;
    if (*format == 'd') p = hs_put_dec(p, __builtin_va_arg(args, i64));
    if (*format == 'x') p = hs_put_hex(p, __builtin_va_arg(args, u64));
    if (*format == 's') {
      const char *s = __builtin_va_arg(args, const char *);
      for (int i = 0; s[i] && i < 200; i++) *p++ = s[i];
    }
  }
  __builtin_va_end(args);
  *p = 0;
  say("hotswap: ", text);
}

static char *describe(char *p, const struct thread *t, const char *text) {
  for (u32 i = 0; text[i] && i < 300; i++) *p++ = text[i];
  p = hs_put(p, " (thread ");
  p = hs_put_dec(p, t->tid);
  *p++ = ')';
  *p = 0;
  return p;
}

void hs_diverge(struct thread *t, const struct hs_record *r, const char *expected,
                const char *got) {
  u32 unset = 0;
  /* whatever it has come to: there it was killed */
  if ((r->method & HS_METHOD_ROW) == HS_EV_DEATH && r->tid == t->tid)
    hs_killed(t, (struct hs_record *)r);
  if (__atomic_compare_exchange_n(&CTL->divergence.set, &unset, 2, 0, __ATOMIC_ACQ_REL,
                                  __ATOMIC_RELAXED)) {
    struct hs_divergence *d = &CTL->divergence;
    d->row = r->method & HS_METHOD_ROW;
    d->pid = t->pid;
    d->tid = t->tid;
    d->seq = r->seq;
    describe(d->expected, t, expected);
    describe(d->got, t, got);
    __atomic_store_n(&d->set, 1, __ATOMIC_RELEASE);
  }
  end_all(HS_EXIT_DIVERGED);
  __builtin_unreachable();
}

void hs_diverge_values(struct thread *t, const struct hs_record *r, const char *what,
                       u64 expected, u64 got) {
  char a[400], b[400], *p = hs_put(a, hs_row_name(r->method & HS_METHOD_ROW));
  p = hs_put(p, ": ");
  p = hs_put(p, what);
  p = hs_put(p, " 0x");
  p = hs_put_hex(p, expected);
  *p = 0;
  p = hs_put(b, what);
  p = hs_put(p, " 0x");
  p = hs_put_hex(p, got);
  *p = 0;
  hs_diverge(t, r, a, b);
}
