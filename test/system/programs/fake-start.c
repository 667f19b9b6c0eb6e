/* fake-start.c: stands in for hs-start in tests of the engine: it maps the session and behaves as
 * a program under the shim would towards the ring, without running any program.
 *
 *   fake-start --session FD [--settings FD ...] -- PROGRAM count=N [size=B] [word=value ...]
 *
 * Recording: produces `count` records whose data follows from their number, then (`hold=1`) waits
 * until output recorded there may leave, then (`linger=1`) waits for SIGTERM, and ends with `exit`.
 * Replaying: consumes records, checks every byte, and ends as the record of the end says; `diverge`
 * names a record to disagree with, `quit` one to end before, `slow` microseconds to lose at each.
 * The rule: it keeps the contract of shim/ring.h to the letter, wake-ups included. */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "../../../shim/ring.h"

#define ROW_WRITE 1u
#define ROW_EXIT 231u

static struct hs_control *ctl;
static unsigned char *ring;
static char **words;
static volatile sig_atomic_t terminated;

static long word(const char *name, long otherwise) {
  size_t n = strlen(name);
  for (char **w = words; *w; w++)
    if (!strncmp(*w, name, n) && (*w)[n] == '=') return atol(*w + n + 1);
  return otherwise;
}

static unsigned long now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (unsigned long)t.tv_sec * 1000000000ul + (unsigned long)t.tv_nsec;
}

static void wait_on(volatile unsigned *at, unsigned value, long ns) {
  struct timespec limit = {ns / 1000000000, ns % 1000000000};
  syscall(SYS_futex, at, FUTEX_WAIT, value, &limit);
}

static void wake(volatile unsigned *sleeping, volatile unsigned *at) {
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
  if (!*sleeping) return;
  *sleeping = 0;
  __atomic_add_fetch(at, 1, __ATOMIC_SEQ_CST);
  syscall(SYS_futex, at, FUTEX_WAKE, 1);
}

static unsigned long size_of(unsigned long seq) {
  unsigned long most = (unsigned long)word("size", 0);
  return most ? seq * 2654435761ul % (most + 1) : 0;
}

static unsigned char byte_of(unsigned long seq, unsigned long at) {
  return (unsigned char)(seq * 31 + at * 7);
}

static void wait_for_space(unsigned long bytes) {
  for (;;) {
    unsigned at = __atomic_load_n(&ctl->spaceWord, __ATOMIC_SEQ_CST);
    __atomic_store_n(&ctl->spaceSleeping, 1, __ATOMIC_SEQ_CST);
    int full = ctl->head + bytes > __atomic_load_n(&ctl->tail, __ATOMIC_SEQ_CST) + ctl->ringBytes;
    int behind = ctl->maxLagBytes && ctl->flags & HS_FLAG_PROTECTED &&
                 ctl->head > ctl->replayed + ctl->maxLagBytes;
    if (!full && !behind) return;
    wake(&ctl->dataSleeping, &ctl->dataWord);
    wait_on(&ctl->spaceWord, at, 1000000000);
  }
}

static void produce(unsigned row, long result) {
  unsigned long seq = ctl->headSeq + 1, len = row == ROW_WRITE ? size_of(seq) : 0;
  unsigned long bytes = HS_RECORD_BYTES + ((len + 7) & ~7ul);
  wait_for_space(bytes);
  struct hs_record *r = (struct hs_record *)(ring + (ctl->head & (ctl->ringBytes - 1)));
  memset(r, 0, bytes);
  r->words = (unsigned)(bytes / 8 - 1);
  r->root = HS_ROOT_POINTER;
  r->method = row;
  r->pid = r->tid = 1;
  r->seq = seq;
  r->result = result;
  r->check = seq ^ 0x5555;
  r->data = len ? HS_DATA_POINTER(len) : 0;
  for (unsigned long i = 0; i < len; i++) HS_RECORD_DATA(r)[i] = byte_of(seq, i);
  ctl->rowCalls[row]++;
  ctl->headSeq = seq;
  __atomic_store_n(&ctl->head, ctl->head + bytes, __ATOMIC_RELEASE);
  wake(&ctl->dataSleeping, &ctl->dataWord);
}

/* Waits as the releaser does, and says how long output was held. */
static void hold(void) {
  unsigned long from = now_ns(), wanted = ctl->head;
  for (;;) {
    unsigned at = __atomic_load_n(&ctl->releasedWord, __ATOMIC_SEQ_CST);
    __atomic_store_n(&ctl->releasedSleeping, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&ctl->released, __ATOMIC_SEQ_CST) >= wanted) break;
    wait_on(&ctl->releasedWord, at, 1000000000);
    if (now_ns() - from > 20000000000ul) break;
  }
  printf("held %lu ns\n", now_ns() - from);
  fflush(stdout);
}

static int record(void) {
  long count = word("count", 0), pause_us = word("pause", 0);
  for (long i = 0; i < count && !terminated; i++) {
    produce(ROW_WRITE, i);
    if (pause_us) usleep((useconds_t)pause_us);
    if (word("echo", 0)) hold();
  }
  if (word("hold", 0)) hold();
  if (word("linger", 0)) printf("lingering\n"), fflush(stdout);
  while (word("linger", 0) && !terminated) usleep(2000);
  produce(ROW_EXIT, word("exit", 0));
  return (int)word("exit", 0);
}

static void diverge(const struct hs_record *r, const char *got) {
  struct hs_divergence *d = &ctl->divergence;
  d->row = r->method & HS_METHOD_ROW;
  d->pid = r->pid;
  d->tid = r->tid;
  d->seq = r->seq;
  snprintf(d->expected, sizeof d->expected, "record %lu", r->seq);
  snprintf(d->got, sizeof d->got, "%s", got);
  __atomic_store_n(&d->set, 1, __ATOMIC_RELEASE);
  _exit(3);
}

/* NULL: the log has ended. */
static struct hs_record *next(void) {
  for (;;) {
    unsigned at = __atomic_load_n(&ctl->dataWord, __ATOMIC_SEQ_CST);
    __atomic_store_n(&ctl->dataSleeping, 1, __ATOMIC_SEQ_CST);
    unsigned end = __atomic_load_n(&ctl->end, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&ctl->head, __ATOMIC_SEQ_CST) != ctl->tail)
      return (struct hs_record *)(ring + (ctl->tail & (ctl->ringBytes - 1)));
    if (end != HS_END_OPEN) return NULL;
    wait_on(&ctl->dataWord, at, 1000000000);
  }
}

static void check(const struct hs_record *r, unsigned long seq) {
  unsigned row = r->method & HS_METHOD_ROW;
  if (r->seq != seq || r->root != HS_ROOT_POINTER) diverge(r, "another number");
  if (r->check != (seq ^ 0x5555)) diverge(r, "another check");
  if (HS_RECORD_LEN(r) != (row == ROW_WRITE ? size_of(seq) : 0)) diverge(r, "another length");
  for (unsigned long i = 0; i < HS_RECORD_LEN(r); i++)
    if (HS_RECORD_DATA(r)[i] != byte_of(seq, i)) diverge(r, "other bytes");
  if (word("diverge", 0) == (long)seq) diverge(r, "what was asked for");
}

static int live(void) {
  ctl->liveNs = now_ns();
  usleep((useconds_t)word("restore", 0));
  __atomic_store_n(&ctl->live, 1, __ATOMIC_SEQ_CST);
  printf("live after %lu\n", ctl->tailSeq);
  fflush(stdout);
  while (!terminated) usleep(2000);
  return (int)word("exit", 0);
}

static int replay(void) {
  for (unsigned long seq = 1;; seq++) {
    if (word("quit", 0) == (long)seq) return 0;
    struct hs_record *r = next();
    if (!r) return ctl->end == HS_END_GO_LIVE ? live() : 0;
    check(r, seq);
    int status = (r->method & HS_METHOD_ROW) == ROW_EXIT ? (int)r->result : -1;
    ctl->rowCalls[r->method & HS_METHOD_ROW]++;
    ctl->tailSeq = seq;
    __atomic_store_n(&ctl->tail, ctl->tail + HS_RECORD_SIZE(r), __ATOMIC_RELEASE);
    wake(&ctl->spaceSleeping, &ctl->spaceWord);
    if (status >= 0) return status;
    if (word("slow", 0)) usleep((useconds_t)word("slow", 0));
  }
}

static void on_term(int signal) {
  (void)signal;
  terminated = 1;
}

int main(int argc, char **argv) {
  int fd = -1;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (int i = 1; i < argc; i++) {
    if (!strcmp(argv[i], "--session")) fd = atoi(argv[i + 1]);
    if (!strcmp(argv[i], "--")) {
      words = argv + i + 1;
      break;
    }
  }
  if (fd < 0 || !words) return 4;
  ctl = mmap(NULL, HS_RING_OFFSET, 3, MAP_SHARED, fd, 0);
  if (ctl == MAP_FAILED || ctl->magic != HS_MAGIC || ctl->version != HS_VERSION) return 4;
  if (word("refuse", 0)) {
    strcpy(ctl->sentence, "this program cannot be replicated because the test says so");
    ctl->failure = 4;
    return 4;
  }
  unsigned long bytes = ctl->ringBytes;
  ring = mmap(NULL, bytes * 2, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (int copy = 0; copy < 2; copy++)
    if (mmap(ring + bytes * (unsigned long)copy, bytes, 3, MAP_SHARED | MAP_FIXED, fd,
             HS_RING_OFFSET) == MAP_FAILED)
      return 4;
  signal(SIGTERM, on_term);
  ctl->started = 1;
  ctl->slots = 1;
  return ctl->mode == HS_MODE_RECORD ? record() : replay();
}
