/* The random program: `random SEED [THREADS [OPERATIONS [WITHOUT,... [ONLY,...]]]]`. From the seed
 * follow which operations there are, how many threads, and what each of them does; every one says
 * what it saw. What it prints may differ from run to run, between recording and replay it may not.
 * `random leaf SEED` is what children of it execute; `random plan SEED` tells the choice. The rule:
 * an operation is chosen by its dice alone, never by what another one found. */
#include "world.h"

#include <sys/prctl.h>

#define OPERATIONS_MOST 256

struct world *world;
__thread struct actor *me;
char *own_path;

static uint64_t seed;
static unsigned thread_count, length;
static const struct operation *chosen[OPERATIONS_MOST];
static unsigned chosen_count;
static const char *without = "";

uint64_t mix(uint64_t v) {
  v += 0x9e3779b97f4a7c15ul;
  v = (v ^ (v >> 30)) * 0xbf58476d1ce4e5b9ul;
  v = (v ^ (v >> 27)) * 0x94d049bb133111ebul;
  return v ^ (v >> 31);
}

unsigned roll(struct actor *a, unsigned bound) {
  a->dice.state = mix(a->dice.state);
  return (unsigned)(a->dice.state >> 20) % bound;
}

uint64_t digest(const void *data, size_t bytes) {
  uint64_t value = 0xcbf29ce484222325ul;
  const uint8_t *at = data;
  for (size_t i = 0; i < bytes; i++) value = (value ^ at[i]) * 0x100000001b3ul;
  return value;
}

void saw(struct actor *a, const char *format, ...) {
  char text[512];
  va_list list;
  va_start(list, format);
  vsnprintf(text, sizeof text, format, list);
  va_end(list);
  a->seen = mix(a->seen ^ digest(text, strlen(text)));
  note("%u/%u.%u %s: %s", a->depth, a->id, a->position, a->doing, text);
}

struct timespec from_now(clockid_t clock, long ns) {
  struct timespec t;
  clock_gettime(clock, &t);
  t.tv_nsec += ns;
  t.tv_sec += t.tv_nsec / 1000000000;
  t.tv_nsec %= 1000000000;
  return t;
}

int run_thread(pthread_t *thread, void *(*body)(void *), void *argument) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 256 * 1024);
  int error = pthread_create(thread, &attributes, body, argument);
  pthread_attr_destroy(&attributes);
  return error;
}

static int is_named_in(const char *list, const char *name) {
  size_t bytes = strlen(name);
  for (const char *at = list; (at = strstr(at, name)); at += bytes)
    if ((at == list || at[-1] == ',') && (at[bytes] == ',' || !at[bytes])) return 1;
  return 0;
}

static void act(struct actor *a, unsigned position) {
  a->position = position;
  a->dice.state = mix(mix(mix(seed) ^ (a->depth * 4096ul + a->id)) ^ position);
  const struct operation *operation = chosen[roll(a, chosen_count)];
  if (a->depth && !(operation->flags & CHILD)) return;
  if (a->depth > 1 && (operation->flags & PROCESS)) return;
  if (is_named_in(without, operation->name)) return;
  a->doing = operation->name;
  operation->run(a);
  world->plain[(a->id * 7 + position) % SLOTS] += a->seen & 0xff;
}

void act_as_child(struct actor *a, unsigned count) {
  a->depth++;
  a->id = a->id * 16 + a->position % 16;
  for (unsigned i = 0; i < count; i++) act(a, i);
}

static void *live(void *argument) {
  struct actor a = {.id = (unsigned)(long)argument};
  me = &a;
  atomic_store(&world->tids[a.id], gettid());
  start_alternate_stack();
  for (unsigned i = 0; i < length; i++) act(&a, i);
  atomic_fetch_add(&world->epoch, 1);
  return (void *)a.seen;
}

static unsigned dice_of_plan(unsigned bound) {
  static struct actor planner;
  if (!planner.dice.state) planner.dice.state = mix(seed ^ 0x706c616e);
  return roll(&planner, bound);
}

/* Few operations meet more often than many: each seed has its own choice of them. */
static void choose(const char *only) {
  const struct operation *const families[] = {
      lock_operations, value_operations, signal_operations, process_operations,
      channel_operations, memory_operations, file_operations, thread_operations};
  static const unsigned shares[] = {6, 12, 25, 60};
  unsigned share = shares[dice_of_plan(LENGTH(shares))];
  const struct operation *all[OPERATIONS_MOST];
  unsigned count = 0;
  for (unsigned f = 0; f < LENGTH(families); f++)
    for (const struct operation *o = families[f]; o->name; o++) all[count++] = o;
  for (unsigned i = 0; i < count; i++)
    if (only ? is_named_in(only, all[i]->name) : dice_of_plan(100) < share)
      chosen[chosen_count++] = all[i];
  while (chosen_count < (only ? 1 : 3)) chosen[chosen_count++] = all[dice_of_plan(count)];
  thread_count = 1 + dice_of_plan(6);
  length = 6 + dice_of_plan(30);
}

static void open_world(void) {
  world = mmap(NULL, sizeof *world, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (world == MAP_FAILED) abort();
  open_locks();
  open_signals();
  open_channels();
}

/* What the seed chooses, for who makes a program smaller. */
static int show_plan(void) {
  printf("%u %u\n", thread_count, length);
  for (unsigned i = 0; i < chosen_count; i++) printf("%s\n", chosen[i]->name);
  return 0;
}

static int leaf(void) {
  struct actor a = {.id = 99, .depth = 2};
  me = &a;
  length = 4;
  for (unsigned i = 0; i < length; i++) act(&a, i);
  return (int)(a.seen & 31);
}

int main(int argc, char **argv) {
  static char path[PATH_MAX];
  int is_leaf = argc > 2 && !strcmp(argv[1], "leaf");
  int is_plan = argc > 2 && !strcmp(argv[1], "plan"), number = 1 + (is_leaf || is_plan);
  seed = strtoul(argc > number ? argv[number] : "1", NULL, 10);
  ssize_t bytes = readlink("/proc/self/exe", path, sizeof path - 1);
  if (bytes <= 0) return 2;
  own_path = path;
  choose(argc > 5 ? argv[5] : NULL);
  if (is_plan) return show_plan();
  open_world();
  if (is_leaf) return leaf();
  if (argc > 2 && atoi(argv[2])) thread_count = (unsigned)atoi(argv[2]);
  if (argc > 3 && atoi(argv[3])) length = (unsigned)atoi(argv[3]);
  if (argc > 4) without = argv[4];
  if (thread_count > ACTORS) thread_count = ACTORS;
  note("seed %lu, %u threads, %u operations of each", seed, thread_count, length);
  pthread_t threads[ACTORS];
  uint64_t all = 0;
  for (unsigned i = 0; i < thread_count; i++)
    if (pthread_create(&threads[i], NULL, live, (void *)(long)i)) return 3;
  for (unsigned i = 0; i < thread_count; i++) {
    void *seen;
    if (pthread_join(threads[i], &seen)) return 4;
    all = mix(all ^ (uint64_t)seen);
  }
  for (int status; waitpid(-1, &status, 0) > 0 || errno == EINTR;) all = mix(all + 1);
  note("all %016lx, world %016lx", all, digest(world, sizeof *world));
  fact("done");
  return 0;
}
