/* Priorities, policies, affinity and io priority, read and set to harmless values. */
#include "check.h"

struct attributes {
  uint32_t size, policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime, deadline, period;
};

int main(void) {
  errno = 0;
  int nice_before = getpriority(PRIO_PROCESS, 0);
  EXPECT_EQ(errno, 0);
  EXPECT_EQ(RAW(SYS_getpriority, PRIO_PROCESS, 0), 20 - nice_before);
  EXPECT_EQ(setpriority(PRIO_PROCESS, 0, nice_before + 1), 0);
  EXPECT_EQ(getpriority(PRIO_PROCESS, 0), nice_before + 1);
  EXPECT_ERR(setpriority(9, 0, 0), EINVAL);
  EXPECT_ERR(getpriority(PRIO_PROCESS, 0x3ffffff), ESRCH);
  note("nice %d", nice_before);

  EXPECT_EQ(sched_yield(), 0);
  EXPECT_EQ(sched_getscheduler(0), SCHED_OTHER);
  struct sched_param *param = (void *)guarded(sizeof *param);
  EXPECT_EQ(sched_getparam(0, param), 0);
  EXPECT(untouched((unsigned char *)param, sizeof *param));
  EXPECT_EQ(param->sched_priority, 0);
  EXPECT_EQ(sched_setparam(0, param), 0);
  EXPECT_EQ(sched_setscheduler(0, SCHED_BATCH, param), 0);
  EXPECT_EQ(sched_getscheduler(0), SCHED_BATCH);
  EXPECT_EQ(sched_setscheduler(0, SCHED_OTHER, param), 0);
  fact("fifo from %d to %d", sched_get_priority_min(SCHED_FIFO),
       sched_get_priority_max(SCHED_FIFO));
  EXPECT_ERR(sched_get_priority_max(77), EINVAL);
  EXPECT_ERR(sched_get_priority_min(77), EINVAL);
  struct timespec slice;
  EXPECT_EQ(sched_rr_get_interval(0, &slice), 0);
  note("slice %ld", slice.tv_nsec);
  EXPECT_ERR(sched_rr_get_interval(-1, &slice), EINVAL);
  EXPECT_ERR(sched_getscheduler(-1), EINVAL);

  cpu_set_t set;
  memset(&set, 0xa5, sizeof set);
  EXPECT_EQ(sched_getaffinity(0, sizeof set, &set), 0);
  EXPECT(CPU_COUNT(&set) >= 1);
  note("may run on %d", CPU_COUNT(&set));
  EXPECT_EQ(sched_setaffinity(0, sizeof set, &set), 0);
  unsigned char *mask = guarded(128);
  long bytes = RAW(SYS_sched_getaffinity, 0, 128, mask);
  EXPECT(bytes > 0 && bytes % 8 == 0);
  EXPECT(untouched(mask, (size_t)bytes));
  EXPECT_EQ(RAW(SYS_sched_getaffinity, 0, 1, mask), -EINVAL);
  CPU_ZERO(&set);
  EXPECT_ERR(sched_setaffinity(0, sizeof set, &set), EINVAL);

  struct attributes *attr = (void *)guarded(sizeof *attr);
  EXPECT_EQ(syscall(SYS_sched_getattr, 0, attr, sizeof *attr, 0), 0);
  EXPECT(untouched((unsigned char *)attr, sizeof *attr));
  EXPECT_EQ(attr->size, sizeof *attr);
  EXPECT_EQ(attr->nice, nice_before + 1);
  EXPECT_EQ(syscall(SYS_sched_setattr, 0, attr, 0), 0);
  EXPECT_ERR(syscall(SYS_sched_getattr, 0, attr, 4, 0), EINVAL);
  EXPECT_ERR(syscall(SYS_sched_setattr, 0, 8, 0), EFAULT);

  long io = OK(syscall(SYS_ioprio_get, 1, 0));
  EXPECT_EQ(syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 5), 0);
  EXPECT_EQ(syscall(SYS_ioprio_get, 1, 0), 2 << 13 | 5);
  EXPECT_ERR(syscall(SYS_ioprio_get, 9, 0), EINVAL);
  note("io priority was %ld", io);
  errno = 0;
  EXPECT_EQ(nice(1), nice_before + 2);
  return finish();
}
