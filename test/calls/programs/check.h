/* check.h: what every program of this folder shares: expectations that name the line that failed,
 * lines of output, and buffers with guards around them.
 *
 * A program runs native, recorded and replayed. fact() lines ("= ...") must come out equal in the
 * first two; note() lines carry what differs from run to run (times, ids, random bytes, addresses)
 * and are compared between recording and replay alone. Each line is one write(): nothing is
 * buffered, so that fork and death lose and double nothing. */
#ifndef CHECK_H
#define CHECK_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAYBE __attribute__((unused))
#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static volatile int check_failures;

MAYBE __attribute__((format(printf, 3, 4)))
static void say(int fd, const char *mark, const char *format, ...) {
  int kept = errno;
  char line[1024];
  size_t len = strlen(mark);
  memcpy(line, mark, len);
  va_list list;
  va_start(list, format);
  int more = vsnprintf(line + len, sizeof line - len - 1, format, list);
  va_end(list);
  len += more < 0 ? 0 : (size_t)more;
  if (len > sizeof line - 2) len = sizeof line - 2;
  line[len++] = '\n';
  if (write(fd, line, len) < 0) check_failures++;
  errno = kept;
}

#define fact(...) say(1, "= ", __VA_ARGS__)
#define note(...) say(1, "~ ", __VA_ARGS__)
#define FAIL(...)                                                                     \
  do {                                                                                \
    check_failures++;                                                                 \
    say(2, __FILE__ ": ", __VA_ARGS__);                                               \
  } while (0)

#define EXPECT(condition)                                                             \
  do {                                                                                \
    if (!(condition))                                                                 \
      FAIL("line %d: %s (errno %d)", __LINE__, #condition, errno);                    \
  } while (0)

#define EXPECT_EQ(got, wanted)                                                        \
  do {                                                                                \
    long long got_ = (long long)(got), wanted_ = (long long)(wanted);                 \
    if (got_ != wanted_)                                                              \
      FAIL("line %d: %s is %lld, expected %s = %lld (errno %d)", __LINE__, #got, got_, \
           #wanted, wanted_, errno);                                                  \
  } while (0)

/* The value of a call that must succeed. */
#define OK(call)                                                                      \
  ({                                                                                  \
    long long ok_ = (long long)(call);                                                \
    if (ok_ == -1) FAIL("line %d: %s failed (errno %d)", __LINE__, #call, errno);     \
    ok_;                                                                              \
  })

/* The call must return -1 and leave this errno. */
#define EXPECT_ERR(call, wanted)                                                      \
  do {                                                                                \
    errno = 0;                                                                        \
    long long err_ = (long long)(call);                                               \
    int errno_ = errno;                                                               \
    if (err_ != -1 || errno_ != (wanted))                                             \
      FAIL("line %d: %s gave %lld errno %d, expected -1 and %s", __LINE__, #call, err_, \
           errno_, #wanted);                                                          \
  } while (0)

/* Natively the first errno; the recorder may refuse the call as its row says: the second. */
#define EXPECT_REFUSABLE(call, wanted, refused)                                       \
  do {                                                                                \
    errno = 0;                                                                        \
    long long err_ = (long long)(call);                                               \
    int errno_ = errno;                                                               \
    if (err_ != -1 || (errno_ != (wanted) && errno_ != (refused)))                    \
      FAIL("line %d: %s gave %lld errno %d, expected -1 and %s or %s", __LINE__,      \
           #call, err_, errno_, #wanted, #refused);                                   \
  } while (0)

/* A call that this kernel, its configuration or the recorder may refuse: any outcome but success
 * with a wrong effect is right. Says which it was, as a note. */
#define MAYBE_REFUSED(call)                                                           \
  ({                                                                                  \
    errno = 0;                                                                        \
    long long may_ = (long long)(call);                                               \
    note("%s: %s", #call, may_ == -1 ? strerrorname_np(errno) : "allowed");           \
    may_;                                                                             \
  })

#define EXPECT_MEM(got, wanted, length)                                               \
  do {                                                                                \
    if (memcmp(got, wanted, length) != 0)                                             \
      FAIL("line %d: %s differs from %s", __LINE__, #got, #wanted);                   \
  } while (0)

/* A buffer of `size` bytes 0xa5 with 64 such bytes on both sides. */
struct guard {
  size_t size;
  unsigned char head[64];
  unsigned char bytes[];
};

MAYBE static unsigned char *guarded(size_t size) {
  struct guard *g = malloc(sizeof *g + size + 64);
  memset(g, 0xa5, sizeof *g + size + 64);
  g->size = size;
  return g->bytes;
}

/* 1 when the guards are whole and nothing at or behind `from` was written. */
MAYBE static int untouched(const unsigned char *bytes, size_t from) {
  const struct guard *g = (const void *)(bytes - offsetof(struct guard, bytes));
  for (size_t i = 0; i < sizeof g->head; i++)
    if (g->head[i] != 0xa5) return 0;
  for (size_t i = from; i < g->size + 64; i++)
    if (bytes[i] != 0xa5) return 0;
  return 1;
}

MAYBE static void release(unsigned char *bytes) {
  free(bytes - offsetof(struct guard, bytes));
}

/* A system call made here, in the program's own text: -errno on failure, errno untouched. */
MAYBE static long raw_call(long nr, long a, long b, long c, long d, long e, long f) {
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}
#define RAW_(nr, a, b, c, d, e, f, ...) \
  raw_call(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#define RAW(...) RAW_(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)

/* A call that must fail natively, and recorded with the errno of its row: says what came back. */
MAYBE static void refused(const char *name, long nr, long a, long b, long c, long d, long e,
                          long f) {
  long result = raw_call(nr, a, b, c, d, e, f);
  if (result >> 12 == 0xfffff) result = (int)result; /* modify_ldt answers with 32 bits */
  if (result >= 0) FAIL("%s is allowed: %ld", name, result);
  note("refused %s %s", name, result < 0 ? strerrorname_np((int)-result) : "not");
}
#define CALL(...) CALL_(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)
#define CALL_(name, nr, a, b, c, d, e, f, ...) \
  refused(name, nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

MAYBE static long long now_ns(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return t.tv_sec * 1000000000ll + t.tv_nsec;
}

/* Waits for a child and says how it ended: 0-255 its status, 1000 + signal when killed. */
MAYBE static int ended(pid_t pid) {
  int status = 0;
  if (waitpid(pid, &status, 0) != pid) return -1;
  if (WIFEXITED(status)) return WEXITSTATUS(status);
  return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : 2000;
}

/* A new file of this content, open for reading and writing. */
MAYBE static int file_of(const char *path, const char *content) {
  int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
  size_t len = strlen(content);
  if (fd < 0 || write(fd, content, len) != (ssize_t)len || lseek(fd, 0, SEEK_SET) != 0)
    FAIL("cannot make %s (errno %d)", path, errno);
  return fd;
}

MAYBE static int finish(void) {
  if (!check_failures) fact("done");
  return check_failures ? 1 : 0;
}
#endif
