/* Signals in all the ways they are sent, blocked, waited for and caught; faults of the program's
 * own; timers. The rule: a signal that may be sent at any time has a handler, or is ignored. */
#include "world.h"

#include <setjmp.h>
#include <sys/signalfd.h>

/* Negative: of the real-time ones, whose numbers are no constants. */
static const int sendable[] = {SIGUSR1, SIGUSR2, SIGHUP, SIGURG, SIGWINCH, -1, -2, -3};
static __thread sigjmp_buf after_fault;
static __thread volatile int fault_expected;

static int number_of(int signal) { return signal < 0 ? SIGRTMIN - 1 - signal : signal; }
static int pick(struct actor *a) { return number_of(sendable[roll(a, LENGTH(sendable))]); }

static void on_signal(int signal, siginfo_t *info, void *context) {
  (void)context;
  int kept = errno;
  unsigned long count = atomic_fetch_add(&world->signals[signal], 1);
  world->plain[signal % SLOTS] ^= count;
  note("signal %d code %d value %d number %lu in %s", signal, info->si_code,
       info->si_code == SI_QUEUE ? info->si_value.sival_int : 0, count, me ? me->doing : "main");
  errno = kept;
}

static void on_quiet_signal(int signal) { world->signals[signal]++; }

static void on_fault(int signal, siginfo_t *info, void *context) {
  (void)context;
  if (!fault_expected) {
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigaction(signal, &action, NULL);
    return;
  }
  fault_expected = 0;
  note("fault %d code %d", signal, info->si_code);
  siglongjmp(after_fault, signal);
}

static void catch(int signal, int flags, void (*handler)(int, siginfo_t *, void *)) {
  struct sigaction action = {.sa_flags = SA_SIGINFO | flags};
  action.sa_sigaction = handler;
  sigaction(signal, &action, NULL);
}

void open_signals(void) {
  static const int others[] = {SIGALRM, SIGVTALRM, SIGPROF, SIGCHLD, SIGPIPE, SIGIO};
  for (unsigned i = 0; i < LENGTH(others); i++) catch(others[i], SA_RESTART, on_signal);
  for (unsigned i = 0; i < LENGTH(sendable); i++)
    catch(number_of(sendable[i]), i % 2 ? SA_RESTART : SA_ONSTACK, on_signal);
  catch(SIGSEGV, SA_ONSTACK | SA_NODEFER, on_fault);
  catch(SIGBUS, 0, on_fault);
  catch(SIGFPE, SA_NODEFER, on_fault);
  catch(SIGILL, 0, on_fault);
  catch(SIGTRAP, 0, on_fault);
}

void start_alternate_stack(void) {
  stack_t stack = {.ss_sp = malloc(32768), .ss_size = 32768};
  sigaltstack(&stack, NULL);
}

static void sends(struct actor *a) {
  int signal = pick(a), to = atomic_load(&world->tids[roll(a, ACTORS)]);
  union sigval value = {.sival_int = (int)(a->id * 100 + a->position)};
  long r;
  switch (roll(a, 5)) {
    case 0: r = ANSWER(kill(getpid(), signal)); break;
    case 1: r = ANSWER(sigqueue(getpid(), signal, value)); break;
    case 2: r = raise(signal); break;
    case 3: r = pthread_kill(pthread_self(), signal); break;
    default: r = to ? ANSWER(syscall(SYS_tgkill, getpid(), to, signal)) : -ESRCH; break;
  }
  saw(a, "%d: %ld, %lu so far", signal, r, atomic_load(&world->signals[signal]));
}

static void bursts(struct actor *a) {
  int signal = SIGRTMIN + (int)roll(a, 3);
  long r = 0;
  for (int i = 0, n = (int)roll(a, 12); i < n; i++)
    r += ANSWER(sigqueue(getpid(), signal, (union sigval){.sival_int = i}));
  saw(a, "%ld, %lu", r, atomic_load(&world->signals[signal]));
}

static void masks(struct actor *a) {
  sigset_t set, old;
  sigemptyset(&set);
  for (unsigned i = roll(a, 4); i; i--) sigaddset(&set, pick(a));
  pthread_sigmask((int)roll(a, 3), &set, &old);
  sigemptyset(&set);
  sigpending(&set);
  saw(a, "mask %016lx pending %016lx", *(unsigned long *)&old, *(unsigned long *)&set);
}

/* Blocked, sent, let through: it is there before the call returns. */
static void holds_back(struct actor *a) {
  sigset_t set, old, pending;
  int signal = pick(a);
  sigemptyset(&set);
  sigaddset(&set, signal);
  pthread_sigmask(SIG_BLOCK, &set, &old);
  pthread_kill(pthread_self(), signal);
  if (roll(a, 2)) usleep(10);
  sigpending(&pending);
  unsigned long before = world->signals[signal];
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  saw(a, "%d: pending %d, %lu then %lu", signal, sigismember(&pending, signal), before,
      atomic_load(&world->signals[signal]));
}

static void suspends(struct actor *a) {
  sigset_t all, old, but;
  int signal = sendable[roll(a, 3)]; /* never one that may be ignored */
  sigfillset(&all);
  sigdelset(&all, SIGSEGV);
  pthread_sigmask(SIG_BLOCK, &all, &old);
  sigfillset(&but);
  sigdelset(&but, signal);
  pthread_kill(pthread_self(), signal);
  long r = ANSWER(sigsuspend(&but));
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  saw(a, "%d: %ld", signal, r);
}

static void waits_for_signals(struct actor *a) {
  sigset_t set, old;
  siginfo_t info;
  struct timespec bound = {0, (long)roll(a, 1500000)};
  sigemptyset(&set);
  for (unsigned i = 1 + roll(a, 3); i; i--) sigaddset(&set, pick(a));
  pthread_sigmask(SIG_BLOCK, &set, &old);
  if (roll(a, 2)) sigqueue(getpid(), pick(a), (union sigval){.sival_int = 77});
  memset(&info, 0, sizeof info);
  long r = ANSWER(sigtimedwait(&set, &info, &bound));
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  saw(a, "%ld code %d value %d", r, info.si_code, r > 0 ? info.si_value.sival_int : 0);
}

static void reads_signals(struct actor *a) {
  sigset_t set, old;
  struct signalfd_siginfo got[2];
  sigemptyset(&set);
  for (unsigned i = 1 + roll(a, 3); i; i--) sigaddset(&set, pick(a));
  pthread_sigmask(SIG_BLOCK, &set, &old);
  int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  pthread_kill(pthread_self(), pick(a));
  struct pollfd ready = {.fd = fd, .events = POLLIN};
  int polled = poll(&ready, 1, (int)roll(a, 2));
  memset(got, 0, sizeof got);
  long r = ANSWER(read(fd, got, sizeof got));
  close(fd);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  saw(a, "%d %ld, %u %d", polled, r, got[0].ssi_signo, got[0].ssi_int);
}

static void actions(struct actor *a) {
  static const int flags[] = {0, SA_RESTART, SA_NODEFER, SA_ONSTACK, SA_RESTART | SA_ONSTACK};
  struct sigaction action = {0}, old;
  int signal = pick(a), harmless = roll(a, 2) ? SIGURG : SIGWINCH;
  if (roll(a, 3)) {
    action.sa_flags = SA_SIGINFO | flags[roll(a, LENGTH(flags))];
    action.sa_sigaction = on_signal;
    if (roll(a, 2)) sigfillset(&action.sa_mask);
  } else {
    signal = harmless; /* what is ignored by default may lose its handler */
    static void (*const handlers[])(int) = {SIG_IGN, SIG_DFL, on_quiet_signal};
    action.sa_handler = handlers[roll(a, 3)];
    action.sa_flags = roll(a, 2) ? (int)SA_RESETHAND : 0;
  }
  sigaction(signal, &action, &old);
  saw(a, "%d: flags were %x", signal, old.sa_flags);
}

static void interval_timers(struct actor *a) {
  static const int which[] = {ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF};
  struct itimerval set = {{0, 0}, {0, (long)roll(a, 3000)}}, old = {{0, 0}, {0, 0}};
  if (roll(a, 3) == 0) set.it_interval.tv_usec = 500 + (long)roll(a, 2000);
  int timer = which[roll(a, 3)];
  long r = ANSWER(setitimer(timer, &set, &old));
  uint64_t value = 0;
  if (roll(a, 2))
    for (unsigned i = 0; i < 200000; i++) value = mix(value + i); /* it may come without a call */
  else
    usleep(roll(a, 2000));
  if (set.it_interval.tv_usec) {
    memset(&set, 0, sizeof set);
    setitimer(timer, &set, &old);
  }
  saw(a, "%ld left %ld, %016lx", r, old.it_value.tv_usec, value);
}

static void alarms(struct actor *a) {
  unsigned left = alarm(roll(a, 2));
  saw(a, "%u", left);
  if (roll(a, 2)) saw(a, "off: %u", alarm(0));
}

static void posix_timers(struct actor *a) {
  timer_t timer;
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + (int)roll(a, 3)};
  event.sigev_value.sival_int = 5;
  if (roll(a, 2)) {
    event.sigev_notify = SIGEV_THREAD_ID;
    event._sigev_un._tid = gettid();
  }
  struct itimerspec set = {{0, 0}, {0, 1 + (long)roll(a, 800000)}}, left;
  if (roll(a, 2)) set.it_interval.tv_nsec = 200000;
  long r = ANSWER(timer_create(roll(a, 2) ? CLOCK_MONOTONIC : CLOCK_REALTIME, &event, &timer));
  if (r < 0) {
    saw(a, "%ld", r);
    return;
  }
  timer_settime(timer, 0, &set, NULL);
  usleep(roll(a, 1500));
  memset(&left, 0, sizeof left);
  timer_gettime(timer, &left);
  int overruns = timer_getoverrun(timer);
  timer_delete(timer);
  saw(a, "%d left %ld", overruns, left.it_value.tv_nsec);
}

static volatile int zero;

static void faults(struct actor *a) {
  unsigned kind = roll(a, 4);
  volatile char *closed = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  int got = sigsetjmp(after_fault, 1);
  if (!got) {
    fault_expected = 1;
    switch (kind) {
      case 0: *closed = 1; break;
      case 1: world->plain[0] = (uint64_t)(1 / zero); break;
      case 2: __asm__ volatile("ud2"); break;
      default: __asm__ volatile("int3"); break;
    }
    fault_expected = 0;
  }
  munmap((void *)closed, 4096);
  saw(a, "%u: %d", kind, got);
}

static void polls_with_mask(struct actor *a) {
  sigset_t set, none, old;
  int signal = pick(a);
  struct timespec bound = {0, (long)roll(a, 1000000)};
  sigemptyset(&none);
  sigemptyset(&set);
  sigaddset(&set, signal);
  pthread_sigmask(SIG_BLOCK, &set, &old);
  if (roll(a, 2)) pthread_kill(pthread_self(), signal);
  long r = roll(a, 2) ? ANSWER(ppoll(NULL, 0, &bound, &none))
                      : ANSWER(pselect(0, NULL, NULL, NULL, &bound, &none));
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  saw(a, "%d: %ld, %lu", signal, r, atomic_load(&world->signals[signal]));
}

const struct operation signal_operations[] = {
    {"sends", sends, CHILD},
    {"bursts", bursts, CHILD},
    {"masks", masks, CHILD},
    {"holds_back", holds_back, CHILD},
    {"suspends", suspends, CHILD},
    {"waits_for_signals", waits_for_signals, CHILD},
    {"reads_signals", reads_signals, CHILD},
    {"actions", actions, CHILD},
    {"interval_timers", interval_timers, CHILD},
    {"alarms", alarms, CHILD},
    {"posix_timers", posix_timers, CHILD},
    {"faults", faults, CHILD},
    {"polls_with_mask", polls_with_mask, CHILD},
    {NULL, NULL, 0}};
