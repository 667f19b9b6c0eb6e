/* Children in all the forms they are made, ended and waited for.
 * The rule: who starts a child ends it, also one that was stopped, before the operation is over. */
#include "world.h"

#include <spawn.h>
#include <sys/prctl.h>

extern char **environ;

/* One way of waiting for a child to end; -errno, or its status. */
static long reap(struct actor *a, pid_t pid) {
  int status = 0;
  siginfo_t info;
  struct rusage used;
  long r;
  memset(&info, 0, sizeof info);
  switch (roll(a, 6)) {
    case 0: r = ANSWER(wait4(pid, &status, 0, &used)); break;
    case 1:
      for (r = 0; r == 0;) {
        r = ANSWER(waitpid(pid, &status, WNOHANG));
        if (r == 0) usleep(100);
      }
      break;
    case 2:
      r = ANSWER(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT));
      if (r == 0) r = ANSWER(waitpid(pid, &status, 0));
      break;
    case 3:
      r = ANSWER(waitid(P_PID, (id_t)pid, &info, WEXITED));
      status = info.si_status + 0x10000 * info.si_code;
      break;
    case 4: {
      int fd = (int)syscall(SYS_pidfd_open, pid, 0);
      struct pollfd ended = {.fd = fd, .events = POLLIN};
      while (poll(&ended, 1, 2000) < 0 && errno == EINTR) {
      }
      r = ANSWER(waitid(P_PIDFD, (id_t)fd, &info, WEXITED));
      status = info.si_status + 0x10000 * info.si_code;
      close(fd);
      break;
    }
    default: r = ANSWER(waitpid(pid, &status, 0)); break;
  }
  if (r == -EINTR) r = ANSWER(waitpid(pid, &status, 0));
  return r < 0 ? r : status;
}

/* Until it is killed. Not for ever: who was to do it may be killed first. */
static void linger(int calls) {
  for (unsigned i = 0; i < 400; i++)
    if (calls) usleep(1000);
    else for (unsigned rounds = 0; rounds < 100; rounds++) sched_yield(), world->plain[20]++;
  _exit(6);
}

static pid_t start_child(struct actor *a, unsigned count) {
  pid_t pid = fork();
  if (pid) return pid;
  act_as_child(a, count);
  _exit((int)(a->seen & 63));
}

static void forks(struct actor *a) {
  unsigned count = roll(a, 6);
  pid_t pid = start_child(a, count);
  if (pid > 0) saw(a, "child %d of %u: %lx", pid, count, reap(a, pid));
}

static void forks_many(struct actor *a) {
  pid_t pids[4];
  unsigned count = 1 + roll(a, 4);
  long sum = 0;
  for (unsigned i = 0; i < count; i++) {
    a->position = a->position % 100 + 100 * (i + 1);
    pids[i] = start_child(a, roll(a, 3));
  }
  for (unsigned i = 0; i < count; i++)
    if (pids[i] > 0) sum = sum * 31 + reap(a, pids[count - 1 - i]);
  saw(a, "%u: %lx", count, (unsigned long)sum);
}

/* Ends without a word at any moment of its life. */
static void kills(struct actor *a) {
  static const int deaths[] = {SIGKILL, SIGTERM, SIGQUIT, SIGABRT, SIGSYS, SIGXCPU};
  int death = deaths[roll(a, LENGTH(deaths))];
  struct rlimit no_core = {0, 0};
  pid_t pid = fork();
  if (pid == 0) {
    setrlimit(RLIMIT_CORE, &no_core);
    act_as_child(a, roll(a, 4));
    linger(1);
  }
  if (pid < 0) return;
  if (roll(a, 2)) usleep(roll(a, 3000));
  long sent = ANSWER(kill(pid, death));
  saw(a, "%d: %ld, %lx", death, sent, reap(a, pid));
}

static void kills_by_descriptor(struct actor *a) {
  pid_t pid = fork();
  if (pid == 0) {
    act_as_child(a, roll(a, 2));
    linger(1);
  }
  if (pid < 0) return;
  int fd = (int)syscall(SYS_pidfd_open, pid, 0);
  if (roll(a, 2)) usleep(roll(a, 2000));
  long sent = ANSWER(syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0));
  close(fd);
  saw(a, "%ld, %lx", sent, reap(a, pid));
}

/* Not in a child: one that is killed meanwhile would leave its own stopped for ever. */
static void stops(struct actor *a) {
  int status = 0;
  pid_t pid = fork();
  if (pid == 0) linger(0);
  if (pid < 0) return;
  kill(pid, SIGSTOP);
  long r = ANSWER(waitpid(pid, &status, WUNTRACED));
  uint64_t before = world->plain[20];
  kill(pid, SIGCONT);
  int went_on = 0;
  long r2 = roll(a, 2) ? ANSWER(waitpid(pid, &went_on, WCONTINUED)) : 0;
  kill(pid, SIGKILL);
  saw(a, "%ld %x %lu %ld %x, %lx", r, (unsigned)status, before, r2, (unsigned)went_on,
      reap(a, pid));
}

static void groups(struct actor *a) {
  pid_t first = fork();
  if (first == 0) {
    setpgid(0, 0);
    linger(1);
  }
  if (first < 0) return;
  long moved = ANSWER(setpgid(first, first));
  pid_t second = fork();
  if (second == 0) {
    setpgid(0, first);
    linger(1);
  }
  long moved2 = second > 0 ? ANSWER(setpgid(second, first)) : 0;
  if (roll(a, 2)) usleep(roll(a, 1000));
  long sent = ANSWER(kill(-first, roll(a, 2) ? SIGTERM : SIGKILL));
  if (second > 0 && moved2) kill(second, SIGKILL); /* it was not of the group in time */
  long ends = reap(a, first);
  saw(a, "%ld %ld %ld, %lx %lx", moved, moved2, sent, ends, second > 0 ? reap(a, second) : 0);
}

static void vforks(struct actor *a) {
  volatile uint64_t *shared = &world->plain[21];
  char text[24];
  unsigned code = roll(a, 60);
  int executes = roll(a, 2);
  snprintf(text, sizeof text, "%u", roll(a, 100000));
  pid_t pid = vfork();
  if (pid == 0) {
    *shared = *shared + 1;
    if (executes) execl(own_path, "random", "leaf", text, (char *)NULL);
    _exit((int)code);
  }
  if (pid > 0) saw(a, "%d %lu: %lx", executes, *shared, reap(a, pid));
}

static void spawns(struct actor *a) {
  char text[24], output[24];
  char *argv[] = {"random", "leaf", text, NULL};
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_t actions;
  sigset_t set;
  pid_t pid = 0;
  snprintf(text, sizeof text, "%u", roll(a, 100000));
  snprintf(output, sizeof output, "spawned%u", roll(a, 3));
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_init(&actions);
  if (roll(a, 2)) posix_spawn_file_actions_addopen(&actions, 9, output, O_CREAT | O_RDWR, 0600);
  sigemptyset(&set);
  if (roll(a, 2)) sigaddset(&set, SIGUSR1);
  posix_spawnattr_setsigmask(&attributes, &set);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK |
                                            (roll(a, 2) ? POSIX_SPAWN_SETPGROUP : 0));
  int error = posix_spawn(&pid, roll(a, 8) ? own_path : "/absent", &actions, &attributes, argv,
                          environ);
  saw(a, "%d, %lx", error, error ? 0 : reap(a, pid));
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
}

static void executes(struct actor *a) {
  char text[24], setting[24];
  snprintf(text, sizeof text, "%u", roll(a, 100000));
  snprintf(setting, sizeof setting, "RANDOM=%u", roll(a, 100));
  char *environment[] = {setting, NULL};
  char *argv[] = {"random", "leaf", text, NULL};
  pid_t pid = fork();
  if (pid == 0) {
    act_as_child(a, roll(a, 3));
    execve(own_path, argv, environment);
    _exit(77);
  }
  if (pid > 0) saw(a, "%lx", reap(a, pid));
}

/* A grandchild that its parent leaves behind becomes ours. */
static void orphans(struct actor *a) {
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  int ends[2];
  if (pipe(ends)) return;
  pid_t pid = fork(), grandchild = 0;
  if (pid == 0) {
    grandchild = fork();
    if (grandchild == 0) {
      a->position += 50;
      act_as_child(a, roll(a, 2));
      _exit(9);
    }
    if (write(ends[1], &grandchild, sizeof grandchild) < 0) _exit(8);
    _exit(7);
  }
  close(ends[1]);
  long got = 0;
  if (pid > 0) got = ANSWER(read(ends[0], &grandchild, sizeof grandchild));
  close(ends[0]);
  if (pid < 0) return;
  long first = reap(a, pid);
  saw(a, "%ld %lx, %lx", got, first, grandchild > 0 ? reap(a, grandchild) : 0);
}

static void talks_to_child(struct actor *a) {
  int down[2], up[2];
  char text[256];
  size_t bytes = 1 + roll(a, 200);
  if (pipe(down)) return;
  if (pipe(up)) exit(9);
  pid_t pid = fork();
  if (pid == 0) {
    close(down[1]), close(up[0]);
    for (;;) { /* until told to: others may have inherited the other end */
      ssize_t n = read(down[0], text, sizeof text);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0 || text[0] == '.') _exit(n < 0 ? 1 : 0);
      for (ssize_t i = 0; i < n; i++) text[i] ^= 1;
      if (write(up[1], text, (size_t)n) < 0) _exit(2);
    }
  }
  close(down[0]), close(up[1]);
  uint64_t value = 0;
  for (unsigned i = 0; pid > 0 && i < 3; i++) {
    memset(text, 'a' + (int)i, bytes);
    if (write(down[1], text, bytes) < 0) break;
    ssize_t n = read(up[0], text, sizeof text);
    value = value * 31 + (n > 0 ? digest(text, (size_t)n) : 7);
  }
  if (write(down[1], ".", 1) < 0) value++;
  close(down[1]), close(up[0]);
  if (pid > 0) saw(a, "%016lx, %lx", value, reap(a, pid));
}

static void waits_for_any(struct actor *a) {
  int status = 0;
  long r = ANSWER(waitpid(roll(a, 2) ? -1 : 0, &status, WNOHANG));
  saw(a, "%ld %x", r, (unsigned)status);
}

#define ALL (CHILD | PROCESS)
const struct operation process_operations[] = {
    {"forks", forks, ALL},       {"forks_many", forks_many, ALL},
    {"kills", kills, ALL},       {"kills_by_descriptor", kills_by_descriptor, ALL},
    {"stops", stops, PROCESS},   {"groups", groups, ALL},
    {"vforks", vforks, ALL},     {"spawns", spawns, ALL},
    {"executes", executes, ALL}, {"orphans", orphans, ALL},
    {"talks_to_child", talks_to_child, ALL}, {"waits_for_any", waits_for_any, CHILD},
    {NULL, NULL, 0}};
