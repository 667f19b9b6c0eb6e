/* world.h: what the files of the random program share: its dice, its shared state, and the table
 * of operations it is made of. One operation is a few calls on shared objects, chosen by dice that
 * depend on seed, actor and position alone: leaving another operation out changes none of them.
 * The rule: nothing waits without a bound, whatever other actors do, whoever is killed. */
#ifndef WORLD_H
#define WORLD_H
#include <stdatomic.h>

#include "check.h"

#define ACTORS 8
#define SLOTS 64

struct dice {
  uint64_t state;
};

/* A thread, or the process it forked. */
struct actor {
  unsigned id, position, depth;
  struct dice dice;
  uint64_t seen; /* digest of all it saw */
  const char *doing;
};

/* One shared mapping: forked children have it too. */
struct world {
  volatile uint64_t plain[SLOTS]; /* raced for */
  _Atomic uint64_t counts[16];
  _Atomic uint64_t signals[65];
  _Atomic int tids[ACTORS];
  _Atomic unsigned epoch;
  _Atomic int words[8]; /* of raw futexes */
  pthread_mutex_t shared_mutex; /* robust, of several processes */
  unsigned under_shared_mutex;
};
extern struct world *world;
extern __thread struct actor *me;

/* May run in a child of the first process; may start processes. */
enum { CHILD = 1, PROCESS = 2 };
struct operation {
  const char *name;
  void (*run)(struct actor *a);
  int flags;
};
extern const struct operation lock_operations[], value_operations[], signal_operations[],
    process_operations[], channel_operations[], memory_operations[], file_operations[],
    thread_operations[];

/* main.c */
uint64_t mix(uint64_t value);
unsigned roll(struct actor *a, unsigned bound);
__attribute__((format(printf, 2, 3))) void saw(struct actor *a, const char *format, ...);
uint64_t digest(const void *data, size_t bytes);
struct timespec from_now(clockid_t clock, long ns);
/* A few operations more, in a child: `count` of those that may run there. */
void act_as_child(struct actor *a, unsigned count);
int run_thread(pthread_t *thread, void *(*body)(void *), void *argument);
extern char *own_path;

void open_locks(void);
void open_signals(void);
void open_channels(void);
void start_alternate_stack(void);
/* A number that says as much as the answer: the result, or -errno. */
#define ANSWER(call) ({ long long answer_ = (long long)(call); answer_ == -1 ? -errno : answer_; })
#endif
