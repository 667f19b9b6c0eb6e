/* What enters a program without being asked for by anybody else: time, chance, processors, and
 * threads that run without a call. The rule: a loop has a bound. */
#include "world.h"

#include <sys/random.h>
#include <sys/times.h>
#include <x86intrin.h>

static void clocks(struct actor *a) {
  static const clockid_t ids[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME,
                                  CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID,
                                  CLOCK_MONOTONIC_COARSE, CLOCK_MONOTONIC_RAW};
  struct timespec t = {0, 0};
  long r = ANSWER(clock_gettime(ids[roll(a, LENGTH(ids))], &t));
  struct timeval v;
  gettimeofday(&v, NULL);
  saw(a, "%ld %ld.%09ld %ld.%06ld %ld", r, t.tv_sec, t.tv_nsec, v.tv_sec, v.tv_usec,
      (long)time(NULL));
}

static void ticks(struct actor *a) {
  unsigned cpu;
  uint64_t first = __rdtsc(), second = roll(a, 2) ? __rdtscp(&cpu) : __rdtsc();
  saw(a, "%lu +%lu", first, second - first);
}

static void chance(struct actor *a) {
  unsigned char bytes[64];
  size_t want = 1 + roll(a, 64);
  memset(bytes, 0, sizeof bytes);
  long r = ANSWER(getrandom(bytes, want, roll(a, 2) ? GRND_NONBLOCK : 0));
  saw(a, "%ld %016lx", r, digest(bytes, sizeof bytes));
}

static void device(struct actor *a) {
  unsigned char bytes[32] = {0};
  int fd = open(roll(a, 2) ? "/dev/urandom" : "/proc/uptime", O_RDONLY);
  long r = ANSWER(read(fd, bytes, sizeof bytes));
  close(fd);
  saw(a, "%ld %016lx", r, digest(bytes, sizeof bytes));
}

static void naps(struct actor *a) {
  struct timespec t = {0, (long)roll(a, 400) * 1000}, left = {0, 0};
  long r;
  switch (roll(a, 4)) {
    case 0: r = ANSWER(nanosleep(&t, &left)); break;
    case 1: r = clock_nanosleep(CLOCK_MONOTONIC, 0, &t, &left); break;
    case 2:
      t = from_now(CLOCK_REALTIME, t.tv_nsec);
      r = clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &t, NULL);
      break;
    default: r = ANSWER(usleep((useconds_t)t.tv_nsec / 1000)); break;
  }
  saw(a, "%ld left %ld", r, left.tv_nsec);
}

static void yields(struct actor *a) {
  for (unsigned i = roll(a, 20); i; i--) sched_yield();
  saw(a, "%u", atomic_load(&world->epoch));
}

static uint64_t loop(struct actor *a, unsigned rounds) {
  uint64_t value = a->dice.state;
  for (unsigned i = 0; i < rounds; i++) {
    value = value * 6364136223846793005ul + 1442695040888963407ul;
    world->plain[value >> 58] += value >> 40; /* additions are lost, which ones must repeat */
  }
  return value;
}

static void races(struct actor *a) {
  loop(a, 50 + roll(a, 2000));
  saw(a, "%016lx", digest((const void *)world->plain, sizeof world->plain));
}

/* Long enough to be stopped in the middle of it. */
static void computes(struct actor *a) {
  uint64_t value = loop(a, roll(a, 8) ? 20000 + roll(a, 100000) : 4000000 + roll(a, 8000000));
  saw(a, "%016lx %016lx", value, digest((const void *)world->plain, sizeof world->plain));
}

static void adds(struct actor *a) {
  _Atomic uint64_t *count = &world->counts[roll(a, LENGTH(world->counts))];
  uint64_t before = 0;
  for (unsigned i = 0, n = roll(a, 300); i < n; i++) {
    before = atomic_fetch_add(count, i);
    if (i % 3 == 0) atomic_compare_exchange_strong(count, &before, before ^ i);
  }
  saw(a, "%lu", before);
}

/* Until somebody else has come further, or a bound; with and without a pause. */
static void waits_for_epoch(struct actor *a) {
  unsigned seen = atomic_fetch_add(&world->epoch, 1) + 1, rounds = 0;
  int pauses = (int)roll(a, 2);
  unsigned most = 1000 + roll(a, 40000);
  while (atomic_load(&world->epoch) == seen && rounds < most) {
    rounds++;
    if (pauses) _mm_pause();
  }
  saw(a, "%u rounds, epoch %u", rounds, atomic_load(&world->epoch));
}

static void processors(struct actor *a) {
  unsigned cpu = 0, node = 0;
  cpu_set_t set;
  CPU_ZERO(&set);
  long r = ANSWER(getcpu(&cpu, &node)), affinity = ANSWER(sched_getaffinity(0, sizeof set, &set));
  saw(a, "%ld %u %u %ld %d %d", r, cpu, node, affinity, CPU_COUNT(&set), sched_getcpu());
}

static void usage(struct actor *a) {
  struct rusage u;
  struct tms t;
  memset(&u, 0, sizeof u);
  long r = ANSWER(getrusage(roll(a, 2) ? RUSAGE_THREAD : RUSAGE_SELF, &u));
  saw(a, "%ld %016lx %ld", r, digest(&u, sizeof u), (long)times(&t));
}

static void names(struct actor *a) {
  saw(a, "%d %d %d %d %d", getpid(), getppid(), gettid(), getpgrp(), getsid(0));
}

/* Vector and x87 state must come through calls and preemptions. */
static void floats(struct actor *a) {
  double x = 1.0 + roll(a, 1000) / 7.0;
  long double y = x;
  for (unsigned i = 0, n = 10 + roll(a, 20000); i < n; i++) {
    x = x * 1.0000001 + 0.1 / (x + 1);
    y = y / 1.0000003L + 0.3L;
    if (i % 5000 == 17) sched_yield();
  }
  saw(a, "%.17g %.20Lg", x, y);
}

const struct operation value_operations[] = {
    {"clocks", clocks, CHILD},   {"ticks", ticks, CHILD},
    {"chance", chance, CHILD},   {"device", device, CHILD},
    {"naps", naps, CHILD},       {"yields", yields, CHILD},
    {"races", races, CHILD},     {"computes", computes, CHILD},
    {"adds", adds, CHILD},       {"waits_for_epoch", waits_for_epoch, CHILD},
    {"processors", processors, CHILD}, {"usage", usage, CHILD},
    {"names", names, CHILD},     {"floats", floats, CHILD},
    {NULL, NULL, 0}};
