/* The newer futex calls, robust lists, membarrier, rseq: there or refused, never wrong. */
#include "check.h"
#include <linux/futex.h>

struct waiter {
  uint64_t value, address;
  uint32_t flags, reserved;
};

static uint32_t words[2];

int main(void) {
  struct waiter waiters[2] = {{0, (uint64_t)&words[0], 2, 0}, {0, (uint64_t)&words[1], 2, 0}};
  long long at = now_ns(CLOCK_MONOTONIC) + 2000000;
  struct timespec until = {at / 1000000000, at % 1000000000};
  long rc = MAYBE_REFUSED(syscall(SYS_futex_waitv, waiters, 2, 0, &until, CLOCK_MONOTONIC));
  EXPECT(rc == -1 && (errno == ETIMEDOUT || errno == ENOSYS));
  waiters[1].value = 1;
  EXPECT(syscall(SYS_futex_waitv, waiters, 2, 0, &until, CLOCK_MONOTONIC) == -1);
  EXPECT(errno == EAGAIN || errno == ENOSYS);
  rc = MAYBE_REFUSED(syscall(454, &words[0], ~0ul, 1, 2));                  /* futex_wake */
  EXPECT(rc == 0 || rc == -1);
  rc = MAYBE_REFUSED(syscall(455, &words[0], 1ul, ~0ul, 2, NULL, 0));       /* futex_wait */
  EXPECT_EQ(rc, -1);
  waiters[1].value = 0;
  rc = MAYBE_REFUSED(syscall(456, waiters, 0, 1, 1));                       /* futex_requeue */
  EXPECT(rc == 0 || rc == -1);

  void *head = NULL;
  size_t *size = (void *)guarded(sizeof *size);
  EXPECT_EQ(syscall(SYS_get_robust_list, 0, &head, size), 0);
  EXPECT(untouched((unsigned char *)size, sizeof *size));
  EXPECT_EQ(*size, 24);
  EXPECT(head != NULL);
  EXPECT_EQ(syscall(SYS_set_robust_list, head, 24), 0);
  EXPECT_ERR(syscall(SYS_set_robust_list, head, 23), EINVAL);
  EXPECT_ERR(syscall(SYS_get_robust_list, 0x3ffffff, &head, size), ESRCH);

  EXPECT(MAYBE_REFUSED(syscall(SYS_membarrier, 0, 0, 0)) >= -1);
  EXPECT(syscall(SYS_membarrier, 0x7777, 0, 0) == -1);
  EXPECT(MAYBE_REFUSED(syscall(SYS_rseq, 8, 32, 0x77, 0)) == -1);
  fact("there or refused");
  return finish();
}
