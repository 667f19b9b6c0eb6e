/* Mappings that come, go, change and are shared; the heap. The rule: an address is only used by
 * who mapped it, but for memory that is never unmapped. */
#include "world.h"

#include <sys/ipc.h>
#include <sys/shm.h>

static void maps(struct actor *a) {
  size_t pages = 1 + roll(a, 16), bytes = pages * 4096;
  int shared = (int)roll(a, 2);
  unsigned char *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                           (shared ? MAP_SHARED : MAP_PRIVATE) | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) return;
  for (size_t i = 0; i < bytes; i += 512) at[i] = (unsigned char)(a->position + i / 512);
  long r = ANSWER(mprotect(at, 4096, PROT_READ));
  long r2 = roll(a, 2) ? ANSWER(madvise(at + bytes - 4096, 4096, MADV_DONTNEED)) : 0;
  uint64_t value = digest(at, bytes);
  if (roll(a, 2) && pages > 2) munmap(at + 4096, 4096), munmap(at, 4096), at += 8192, bytes -= 8192;
  long r3 = ANSWER(munmap(at, bytes));
  saw(a, "%p %zu: %ld %ld %ld %016lx", (void *)at, pages, r, r2, r3, value);
}

static void remaps(struct actor *a) {
  size_t bytes = 4096 * (1 + roll(a, 8));
  unsigned char *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) return;
  memset(at, (int)a->position, bytes);
  size_t more = 4096 * (1 + roll(a, 40));
  unsigned char *moved = mremap(at, bytes, more, MREMAP_MAYMOVE);
  saw(a, "%p %p %016lx", (void *)at, (void *)moved,
      moved == MAP_FAILED ? 0 : digest(moved, more < bytes ? more : bytes));
  munmap(moved == MAP_FAILED ? at : moved, moved == MAP_FAILED ? bytes : more);
}

static void heap(struct actor *a) {
  void *blocks[24] = {0};
  uint64_t value = 0;
  for (unsigned i = 0; i < 80; i++) {
    unsigned which = roll(a, LENGTH(blocks));
    size_t bytes = roll(a, 20) ? roll(a, 600) + 1 : 20000 + roll(a, 200000);
    if (blocks[which] && roll(a, 3)) {
      free(blocks[which]);
      blocks[which] = NULL;
    } else {
      blocks[which] = realloc(blocks[which], bytes);
      memset(blocks[which], (int)i, bytes < 64 ? bytes : 64);
      value = value * 31 + (uint64_t)blocks[which];
    }
  }
  for (unsigned i = 0; i < LENGTH(blocks); i++) free(blocks[i]);
  saw(a, "%016lx", value);
}

/* What is mapped from it changes with what is written to it. */
static void memfds(struct actor *a) {
  int fd = memfd_create("random", MFD_CLOEXEC);
  if (fd < 0 || ftruncate(fd, 8192)) return;
  unsigned char *first = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  unsigned char *second = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 4096);
  first[4096] = (unsigned char)roll(a, 256);
  long r = ANSWER(pwrite(fd, "written", 7, 4100));
  long r2 = ANSWER(pread(fd, first, 16, 4096));
  saw(a, "%ld %ld %016lx %016lx", r, r2, digest(first, 8192), digest(second, 4096));
  munmap(first, 8192), munmap(second, 4096);
  close(fd);
}

static void memfd_and_child(struct actor *a) {
  int fd = memfd_create("shared", 0), status = 0;
  if (fd < 0 || ftruncate(fd, 4096)) return;
  volatile uint64_t *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  pid_t pid = fork();
  if (pid == 0) {
    for (unsigned i = 0; i < 30; i++) {
      at[0] = at[0] * 3 + i;
      if (i % 9 == 0) sched_yield();
    }
    _exit(3);
  }
  for (unsigned i = 0; i < 30; i++) {
    at[0] = at[0] * 5 + i;
    if (i % 7 == 0) sched_yield();
  }
  if (pid > 0)
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
  saw(a, "%x %016lx", (unsigned)status, at[0]);
  munmap((void *)at, 4096);
  close(fd);
}

static void system_v(struct actor *a) {
  int id = shmget(IPC_PRIVATE, 8192, IPC_CREAT | 0600);
  if (id < 0) return;
  volatile unsigned char *at = shmat(id, NULL, 0), *again = shmat(id, NULL, SHM_RDONLY);
  shmctl(id, IPC_RMID, NULL);
  at[100] = (unsigned char)roll(a, 256);
  int status = 0;
  pid_t pid = roll(a, 2) ? fork() : -1;
  if (pid == 0) {
    at[101] = (unsigned char)(at[100] + 1);
    _exit(4);
  }
  if (pid > 0)
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
  saw(a, "%p %u %u %x", (void *)at, again[100], again[101], (unsigned)status);
  shmdt((const void *)at), shmdt((const void *)again);
}

static void breaks(struct actor *a) {
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  if (pthread_mutex_trylock(&lock)) return;
  char *before = sbrk(0);
  void *at = sbrk((intptr_t)(4096 * roll(a, 3)));
  pthread_mutex_unlock(&lock);
  saw(a, "%p %p", (void *)before, at);
}

static void mapped_file(struct actor *a) {
  char name[16];
  snprintf(name, sizeof name, "map%u", roll(a, 3));
  int fd = open(name, O_RDWR | O_CREAT, 0600), shared = (int)roll(a, 2);
  if (fd < 0) return;
  long r = ANSWER(ftruncate(fd, 4096 + (off_t)roll(a, 2) * 4096));
  unsigned char *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, shared ? MAP_SHARED : MAP_PRIVATE,
                           fd, 0);
  if (at == MAP_FAILED) abort();
  at[roll(a, 4096)]++;
  long r2 = ANSWER(pwrite(fd, "abc", 3, (off_t)roll(a, 4000)));
  if (shared && roll(a, 2)) msync(at, 4096, MS_SYNC);
  saw(a, "%d: %ld %ld %016lx", shared, r, r2, digest(at, 4096));
  munmap(at, 4096);
  close(fd);
}

const struct operation memory_operations[] = {
    {"maps", maps, CHILD},       {"remaps", remaps, CHILD},
    {"heap", heap, CHILD},       {"memfds", memfds, CHILD},
    {"memfd_and_child", memfd_and_child, CHILD | PROCESS}, {"system_v", system_v, CHILD | PROCESS},
    {"breaks", breaks, CHILD},   {"mapped_file", mapped_file, CHILD},
    {NULL, NULL, 0}};
