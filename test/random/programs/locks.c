/* Mutexes of all kinds, condition variables, semaphores, reader-writer and spin locks, raw futexes.
 * The rule: locks are taken in the order of their numbers and with a time-out, and children of a
 * process with threads touch only what survives the death of its holder. */
#include "world.h"

#include <linux/futex.h>
#include <semaphore.h>

#define MUTEXES 5

static pthread_mutex_t mutexes[MUTEXES]; /* normal, recursive, checked, priority-inheriting */
static unsigned under[MUTEXES];
static pthread_mutex_t queue_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t queue_filled = PTHREAD_COND_INITIALIZER, queue_drained;
static int queue[8];
static unsigned queue_head, queue_tail;
static sem_t *semaphores; /* shared by processes */
static pthread_rwlock_t rwlocks[2];
static uint64_t under_rwlock[2];
static pthread_spinlock_t spin;
static uint64_t under_spin;

void open_locks(void) {
  static const int kinds[MUTEXES] = {PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_RECURSIVE,
                                     PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_NORMAL,
                                     PTHREAD_MUTEX_ADAPTIVE_NP};
  pthread_mutexattr_t attributes;
  for (int i = 0; i < MUTEXES; i++) {
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, kinds[i]);
    if (i == 3) pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
    pthread_mutex_init(&mutexes[i], &attributes);
  }
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&world->shared_mutex, &attributes);
  pthread_condattr_t monotonic;
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&queue_drained, &monotonic);
  semaphores = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  for (unsigned i = 0; i < 3; i++) sem_init(&semaphores[i], 1, i);
  pthread_rwlockattr_t writers_first;
  pthread_rwlockattr_init(&writers_first);
  pthread_rwlockattr_setkind_np(&writers_first, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
  pthread_rwlock_init(&rwlocks[0], NULL);
  pthread_rwlock_init(&rwlocks[1], &writers_first);
  pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE);
}

static void linger(struct actor *a) {
  switch (roll(a, 5)) {
    case 0: sched_yield(); break;
    case 1: usleep(roll(a, 200)); break;
    case 2: world->plain[roll(a, SLOTS)]++; break;
    default: break;
  }
}

static int lock_of_mine(struct actor *a, unsigned which) {
  if (roll(a, 4) == 0) return pthread_mutex_trylock(&mutexes[which]);
  struct timespec until = from_now(CLOCK_REALTIME, 100000 + roll(a, 4000000));
  if (which == 3 || roll(a, 2)) return pthread_mutex_timedlock(&mutexes[which], &until);
  until = from_now(CLOCK_MONOTONIC, 100000 + roll(a, 4000000));
  return pthread_mutex_clocklock(&mutexes[which], CLOCK_MONOTONIC, &until);
}

static void mutex(struct actor *a) {
  unsigned which = roll(a, MUTEXES), value = 0;
  int error = lock_of_mine(a, which), again = 0;
  if (!error) {
    if (which == 1 || which == 2) again = pthread_mutex_trylock(&mutexes[which]);
    if (which == 1 && !again) pthread_mutex_unlock(&mutexes[which]);
    value = under[which]++;
    linger(a);
    under[which] += (value == under[which] - 1) ? 0 : 1000; /* somebody else was inside */
    pthread_mutex_unlock(&mutexes[which]);
  }
  saw(a, "%u: %d %d, %u", which, error, again, value);
}

/* Nobody ever waits for long with it in hand: taken without a bound on the time. */
static void plain_mutex(struct actor *a) {
  pthread_mutex_lock(&queue_lock);
  world->plain[3]++;
  linger(a);
  uint64_t value = world->plain[3];
  pthread_mutex_unlock(&queue_lock);
  saw(a, "%lu", value);
}

static void nested(struct actor *a) {
  int errors[MUTEXES];
  unsigned set = roll(a, 1 << MUTEXES);
  for (unsigned i = 0; i < MUTEXES; i++) {
    errors[i] = -1;
    if (set & (1u << i)) errors[i] = lock_of_mine(a, i);
    if (!errors[i]) under[i]++;
  }
  linger(a);
  for (unsigned i = MUTEXES; i--;)
    if (!errors[i]) pthread_mutex_unlock(&mutexes[i]);
  saw(a, "%d %d %d %d %d", errors[0], errors[1], errors[2], errors[3], errors[4]);
}

static void puts_in_queue(struct actor *a) {
  int error = 0;
  pthread_mutex_lock(&queue_lock);
  struct timespec until = from_now(CLOCK_MONOTONIC, roll(a, 2000000));
  while (queue_head - queue_tail == LENGTH(queue) && !error)
    error = pthread_cond_timedwait(&queue_drained, &queue_lock, &until);
  if (!error) queue[queue_head++ % LENGTH(queue)] = (int)(a->id * 1000 + a->position);
  unsigned filled = queue_head - queue_tail;
  if (roll(a, 3)) pthread_cond_signal(&queue_filled);
  else pthread_cond_broadcast(&queue_filled);
  pthread_mutex_unlock(&queue_lock);
  saw(a, "%d, %u", error, filled);
}

static void takes_from_queue(struct actor *a) {
  int error = 0, value = -1;
  unsigned wakes = 0;
  pthread_mutex_lock(&queue_lock);
  struct timespec until = from_now(CLOCK_REALTIME, roll(a, 3000000));
  for (; queue_head == queue_tail && !error; wakes++)
    error = pthread_cond_timedwait(&queue_filled, &queue_lock, &until);
  if (!error) value = queue[queue_tail++ % LENGTH(queue)];
  pthread_cond_signal(&queue_drained);
  pthread_mutex_unlock(&queue_lock);
  saw(a, "%d, %d after %u", error, value, wakes);
}

static void semaphore(struct actor *a) {
  sem_t *s = &semaphores[roll(a, 3)];
  struct timespec until = from_now(CLOCK_REALTIME, roll(a, 1500000));
  int value = 0;
  long r;
  switch (roll(a, 3)) {
    case 0: r = ANSWER(sem_trywait(s)); break;
    case 1: r = ANSWER(sem_timedwait(s, &until)); break;
    default: r = ANSWER(sem_post(s)); break;
  }
  sem_getvalue(s, &value);
  saw(a, "%ld, %d", r, value);
}

static void readers_writers(struct actor *a) {
  unsigned which = roll(a, 2), kind = roll(a, 4);
  struct timespec until = from_now(CLOCK_REALTIME, roll(a, 2000000));
  int error;
  switch (kind) {
    case 0: error = pthread_rwlock_tryrdlock(&rwlocks[which]); break;
    case 1: error = pthread_rwlock_timedrdlock(&rwlocks[which], &until); break;
    case 2: error = pthread_rwlock_trywrlock(&rwlocks[which]); break;
    default: error = pthread_rwlock_timedwrlock(&rwlocks[which], &until); break;
  }
  uint64_t value = under_rwlock[which];
  if (!error) {
    if (kind > 1) under_rwlock[which] = mix(value + a->id);
    linger(a);
    value = under_rwlock[which];
    pthread_rwlock_unlock(&rwlocks[which]);
  }
  saw(a, "%u %u: %d %016lx", which, kind, error, value);
}

static void spins(struct actor *a) {
  int error = roll(a, 3) ? pthread_spin_lock(&spin) : pthread_spin_trylock(&spin);
  uint64_t value = 0;
  if (!error) {
    for (unsigned i = 0, n = roll(a, 500); i < n; i++) under_spin = mix(under_spin + i);
    value = under_spin;
    if (roll(a, 8) == 0) sched_yield(); /* the others spin meanwhile */
    pthread_spin_unlock(&spin);
  }
  saw(a, "%d %016lx", error, value);
}

static void shared_mutex(struct actor *a) {
  struct timespec until = from_now(CLOCK_REALTIME, 100000 + roll(a, 3000000));
  int error = pthread_mutex_timedlock(&world->shared_mutex, &until), first = error;
  unsigned value = 0;
  if (error == EOWNERDEAD) error = pthread_mutex_consistent(&world->shared_mutex);
  if (!error) {
    value = world->under_shared_mutex++;
    linger(a);
    pthread_mutex_unlock(&world->shared_mutex);
  }
  saw(a, "%d %d, %u", first, error, value);
}

static void futexes(struct actor *a) {
  _Atomic int *word = &world->words[roll(a, 4)], *other = &world->words[4 + roll(a, 4)];
  struct timespec until = {0, (long)roll(a, 1500000)};
  int value = atomic_load(word);
  long r = 0, kind = roll(a, 7);
  switch (kind) {
    case 0:
    case 1: r = ANSWER(syscall(SYS_futex, word, FUTEX_WAIT, value, &until)); break;
    case 2:
      until = from_now(CLOCK_MONOTONIC, until.tv_nsec);
      r = ANSWER(syscall(SYS_futex, word, FUTEX_WAIT_BITSET, value, &until, NULL, 3));
      break;
    case 3:
      atomic_fetch_add(word, 1);
      r = ANSWER(syscall(SYS_futex, word, FUTEX_WAKE, 1 + roll(a, 3)));
      break;
    case 4: r = ANSWER(syscall(SYS_futex, word, FUTEX_WAKE_BITSET, 2, NULL, NULL, 2)); break;
    case 5: r = ANSWER(syscall(SYS_futex, word, FUTEX_CMP_REQUEUE, 1, 2L, other, value)); break;
    default:
      r = ANSWER(syscall(SYS_futex, word, FUTEX_WAKE_OP, 1, 1L, other,
                         FUTEX_OP(FUTEX_OP_ADD, 1, FUTEX_OP_CMP_GT, 0)));
      break;
  }
  saw(a, "%ld: %ld, %d %d", kind, r, value, atomic_load(other));
}

const struct operation lock_operations[] = {
    {"mutex", mutex, 0},
    {"plain_mutex", plain_mutex, 0},
    {"nested", nested, 0},
    {"puts_in_queue", puts_in_queue, 0},
    {"takes_from_queue", takes_from_queue, 0},
    {"semaphore", semaphore, CHILD},
    {"readers_writers", readers_writers, 0},
    {"spins", spins, 0},
    {"shared_mutex", shared_mutex, CHILD},
    {"futexes", futexes, CHILD},
    {NULL, NULL, 0}};
