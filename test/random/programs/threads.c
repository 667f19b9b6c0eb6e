/* Threads that come and go: joined, detached, cancelled, with destructors, at barriers.
 * The rule: a thread that may be cancelled holds nothing that others wait for. */
#include "world.h"

#define PARTY 3

static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static _Atomic unsigned destroyed;

static void on_destroyed(void *value) {
  if (atomic_fetch_add(&destroyed, 1) % 3 == 0) pthread_setspecific(key, value); /* once more */
  world->plain[11] += (uint64_t)value;
}

static void first_time(void) {
  pthread_key_create(&key, on_destroyed);
  sched_yield();
}

static void *short_life(void *argument) {
  uint64_t value = (uint64_t)argument;
  static __thread uint64_t local;
  pthread_once(&once, first_time);
  pthread_setspecific(key, (void *)(value | 1));
  local += value;
  for (unsigned i = 0; i < value % 5; i++) {
    void *block = malloc(value % 1000 + i);
    world->plain[i] += local;
    if (i % 2) sched_yield();
    free(block);
  }
  if (value % 3 == 0) pthread_exit((void *)(local + 7));
  return (void *)local;
}

static void joins(struct actor *a) {
  pthread_t threads[PARTY];
  unsigned count = 1 + roll(a, PARTY);
  void *results[PARTY] = {0};
  for (unsigned i = 0; i < count; i++)
    if (run_thread(&threads[i], short_life, (void *)(uint64_t)(roll(a, 1000) + 1))) count = i;
  int early = count ? pthread_tryjoin_np(threads[0], &results[0]) : 0;
  for (unsigned i = early ? 0 : 1; i < count; i++) pthread_join(threads[i], &results[i]);
  saw(a, "%u: %d %p %p %p, %u", count, early, results[0], results[1], results[2],
      atomic_load(&destroyed));
}

static void *detached_life(void *argument) {
  world->plain[12] += (uint64_t)argument;
  atomic_fetch_add(&world->counts[1], 1);
  return NULL;
}

static void detaches(struct actor *a) {
  pthread_t thread;
  int error = run_thread(&thread, detached_life, (void *)(uint64_t)roll(a, 9));
  if (!error) pthread_detach(thread);
  saw(a, "%d, %lu", error, atomic_load(&world->counts[1]));
}

struct party {
  pthread_barrier_t barrier;
  _Atomic unsigned serial;
  uint64_t values[PARTY];
};

static void *guest(void *argument) {
  struct party *party = argument;
  for (unsigned round = 0; round < 4; round++) {
    int r = pthread_barrier_wait(&party->barrier);
    if (r == PTHREAD_BARRIER_SERIAL_THREAD) atomic_fetch_add(&party->serial, 1);
    party->values[round % PARTY] = party->values[round % PARTY] * 31 + (uint64_t)gettid();
  }
  return NULL;
}

static void barriers(struct actor *a) {
  struct party *party = calloc(1, sizeof *party);
  pthread_t threads[PARTY];
  pthread_barrier_init(&party->barrier, NULL, PARTY);
  for (int i = 0; i < PARTY; i++)
    if (run_thread(&threads[i], guest, party)) exit(5);
  for (int i = 0; i < PARTY; i++) pthread_join(threads[i], NULL);
  saw(a, "%u %016lx", atomic_load(&party->serial), digest(party->values, sizeof party->values));
  pthread_barrier_destroy(&party->barrier);
  free(party);
}

struct victim {
  unsigned how;
  _Atomic unsigned cleaned, rounds;
  int pipe[2];
};

static void on_cleanup(void *argument) {
  struct victim *victim = argument;
  atomic_fetch_add(&victim->cleaned, 1 + (victim->rounds ? 10 : 0));
}

static void *to_be_cancelled(void *argument) {
  struct victim *victim = argument;
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, NULL);
  pthread_cleanup_push(on_cleanup, victim);
  if (victim->how == 2) pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
  for (;; victim->rounds++) {
    char byte;
    switch (victim->how) {
      case 0: usleep(50); break;
      case 1: if (read(victim->pipe[0], &byte, 1) < 0) usleep(10); break;
      case 2: break; /* no call: only an asynchronous one reaches it */
      default: sched_yield(), pthread_testcancel(); break;
    }
  }
  pthread_cleanup_pop(1);
  return NULL;
}

static void cancels(struct actor *a) {
  struct victim *victim = calloc(1, sizeof *victim);
  pthread_t thread;
  void *result = NULL;
  victim->how = roll(a, 4);
  if (pipe(victim->pipe)) exit(6);
  if (run_thread(&thread, to_be_cancelled, victim)) exit(7);
  if (roll(a, 2)) usleep(roll(a, 1000));
  int error = pthread_cancel(thread);
  pthread_join(thread, &result);
  saw(a, "%u: %d %d, %u after %u", victim->how, error, result == PTHREAD_CANCELED,
      atomic_load(&victim->cleaned), atomic_load(&victim->rounds));
  close(victim->pipe[0]), close(victim->pipe[1]);
  free(victim);
}

static void *sender(void *argument) {
  _Atomic(void *) *box = argument;
  for (int i = 0; i < 50; i++) {
    void *empty = NULL, *block = malloc(16 + (size_t)i * 9);
    memset(block, i, 16);
    if (!atomic_compare_exchange_strong(box, &empty, block)) free(block);
    if (i % 7 == 0) sched_yield();
  }
  return NULL;
}

/* Allocated here, freed there. */
static void mails(struct actor *a) {
  _Atomic(void *) box = NULL;
  pthread_t thread;
  uint64_t value = 0;
  unsigned taken = 0;
  if (run_thread(&thread, sender, &box)) exit(8);
  for (int i = 0; i < 40; i++) {
    unsigned char *block = atomic_exchange(&box, NULL);
    if (block) value = value * 31 + block[3], taken++;
    free(block);
    if (i % 5 == 0) sched_yield();
  }
  pthread_join(thread, NULL);
  free(atomic_load(&box));
  saw(a, "%u %016lx", taken, value);
}

const struct operation thread_operations[] = {
    {"joins", joins, CHILD},       {"detaches", detaches, 0}, {"barriers", barriers, CHILD},
    {"cancels", cancels, CHILD},   {"mails", mails, CHILD},   {NULL, NULL, 0}};
