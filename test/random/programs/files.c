/* Files that several threads and processes write, cut, rename and lock at once.
 * The rule: all of them lie in the working directory, and there are few, so that they meet. */
#include "world.h"

#include <sys/file.h>
#include <sys/sendfile.h>

static const char *name_of(struct actor *a) {
  static const char *const all[] = {"f0", "f1", "f2"};
  return all[roll(a, LENGTH(all))];
}

static void appends(struct actor *a) {
  char text[64];
  int fd = open(name_of(a), O_WRONLY | O_CREAT | O_APPEND, 0600);
  int bytes = snprintf(text, sizeof text, "%u.%u %u\n", a->id, a->position, roll(a, 100000));
  long r = ANSWER(write(fd, text, (size_t)bytes)), at = ANSWER(lseek(fd, 0, SEEK_CUR));
  saw(a, "%ld at %ld", r, at);
  close(fd);
}

static void random_access(struct actor *a) {
  unsigned char bytes[512];
  int fd = open(name_of(a), O_RDWR | O_CREAT, 0600);
  memset(bytes, (int)a->position, sizeof bytes);
  long r = roll(a, 2) ? ANSWER(pwrite(fd, bytes, 1 + roll(a, 512), (off_t)roll(a, 3000))) : 0;
  memset(bytes, 0, sizeof bytes);
  long n = ANSWER(pread(fd, bytes, sizeof bytes, (off_t)roll(a, 3000)));
  struct stat s;
  fstat(fd, &s);
  saw(a, "%ld %ld %016lx of %ld", r, n, digest(bytes, sizeof bytes), (long)s.st_size);
  close(fd);
}

static void sequential(struct actor *a) {
  unsigned char bytes[300];
  memset(bytes, 0, sizeof bytes);
  int fd = open(name_of(a), O_RDWR | O_CREAT, 0600), copy = dup(fd);
  long at = ANSWER(lseek(fd, (off_t)roll(a, 400), (int)roll(a, 3)));
  struct iovec parts[2] = {{bytes, 100}, {bytes + 100, 1 + roll(a, 200)}};
  long n = ANSWER(readv(copy, parts, 2)), w = ANSWER(writev(fd, parts, 2));
  saw(a, "%ld %ld %ld %016lx", at, n, w, digest(bytes, sizeof bytes));
  close(fd), close(copy);
}

static void cuts(struct actor *a) {
  const char *name = name_of(a);
  long r = ANSWER(truncate(name, (off_t)roll(a, 2000)));
  int fd = open(name, O_RDWR);
  long r2 = roll(a, 3) ? 0 : ANSWER(fallocate(fd, 0, 0, 100 + (off_t)roll(a, 4000)));
  struct stat s = {.st_size = -1};
  fstat(fd, &s);
  saw(a, "%ld %ld %ld", r, r2, (long)s.st_size);
  close(fd);
}

static void renames(struct actor *a) {
  const char *from = name_of(a), *to = name_of(a);
  struct stat s = {0};
  long r;
  switch (roll(a, 4)) {
    case 0: r = ANSWER(rename(from, to)); break;
    case 1: r = ANSWER(link(from, to)); break;
    case 2: r = ANSWER(unlink(from)); break;
    default: r = ANSWER(symlink(from, "link")), unlink("link"); break;
  }
  long r2 = ANSWER(stat(to, &s));
  saw(a, "%s %s: %ld %ld %ld", from, to, r, r2, r2 ? 0 : (long)s.st_size);
}

static void record_locks(struct actor *a) {
  int fd = open("locked", O_RDWR | O_CREAT, 0600);
  struct flock want = {.l_type = roll(a, 2) ? F_WRLCK : F_RDLCK, .l_start = (off_t)roll(a, 4),
                       .l_len = 1 + (off_t)roll(a, 4)};
  int command = roll(a, 2) ? F_SETLK : F_OFD_SETLK;
  long r = ANSWER(fcntl(fd, command, &want));
  if (roll(a, 2)) usleep(roll(a, 300));
  struct flock test = {.l_type = F_WRLCK, .l_len = 10};
  long r2 = ANSWER(fcntl(fd, F_GETLK, &test));
  saw(a, "%ld %ld %d", r, r2, test.l_type);
  close(fd);
}

static void flocks(struct actor *a) {
  int fd = open("flocked", O_RDWR | O_CREAT, 0600);
  long r = ANSWER(flock(fd, (roll(a, 2) ? LOCK_EX : LOCK_SH) | LOCK_NB));
  if (roll(a, 2)) sched_yield();
  saw(a, "%ld", r);
  if (roll(a, 2)) flock(fd, LOCK_UN);
  close(fd);
}

/* Waits for the lock: record locks are not inherited, so whoever has it gives it back or ends. */
static void waits_for_lock(struct actor *a) {
  int fd = open("waited", O_RDWR | O_CREAT, 0600);
  struct flock want = {.l_type = F_WRLCK, .l_len = 8};
  long r = ANSWER(fcntl(fd, F_SETLKW, &want));
  unsigned char bytes[8] = {0};
  long n = ANSWER(pread(fd, bytes, 8, 0));
  bytes[0]++;
  usleep(roll(a, 100));
  long w = ANSWER(pwrite(fd, bytes, 8, 0));
  saw(a, "%ld %ld %ld %u", r, n, w, bytes[0]);
  close(fd);
}

static void copies(struct actor *a) {
  int from = open(name_of(a), O_RDWR | O_CREAT, 0600);
  int to = open("copy", O_RDWR | O_CREAT, 0600);
  off_t at = 0;
  long r = roll(a, 2) ? ANSWER(sendfile(to, from, &at, 1 + roll(a, 700)))
                      : ANSWER(copy_file_range(from, NULL, to, NULL, 1 + roll(a, 700), 0));
  unsigned char bytes[256] = {0};
  long n = ANSWER(pread(to, bytes, sizeof bytes, 0));
  saw(a, "%ld %ld %016lx", r, n, digest(bytes, sizeof bytes));
  close(from), close(to);
}

static void lists(struct actor *a) {
  uint64_t value = 0;
  unsigned count = 0;
  mkdir("d", 0700);
  DIR *dir = opendir(roll(a, 2) ? "." : "/proc/self/fd");
  if (!dir) return;
  for (struct dirent *entry; (entry = readdir(dir)); count++)
    value = value * 31 + digest(entry->d_name, strlen(entry->d_name));
  closedir(dir);
  saw(a, "%u %016lx", count, value);
  if (roll(a, 2)) rmdir("d");
}

static void reads_about_itself(struct actor *a) {
  static const char *const files[] = {"/proc/self/stat", "/proc/self/status", "/proc/self/maps",
                                      "/proc/self/cmdline", "/proc/loadavg", "/proc/self/limits"};
  char bytes[4096];
  int fd = open(files[roll(a, LENGTH(files))], O_RDONLY);
  long n = ANSWER(read(fd, bytes, sizeof bytes));
  saw(a, "%ld %016lx", n, n > 0 ? digest(bytes, (size_t)n) : 0);
  close(fd);
}

const struct operation file_operations[] = {
    {"appends", appends, CHILD},           {"random_access", random_access, CHILD},
    {"sequential", sequential, CHILD},     {"cuts", cuts, CHILD},
    {"renames", renames, CHILD},           {"record_locks", record_locks, CHILD},
    {"flocks", flocks, CHILD},             {"waits_for_lock", waits_for_lock, CHILD},
    {"copies", copies, CHILD},             {"lists", lists, CHILD},
    {"reads_about_itself", reads_about_itself, CHILD}, {NULL, NULL, 0}};
