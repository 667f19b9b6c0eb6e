/* futex by itself: wait, wake, bitsets, requeue, wake-op, time-outs, priority inheritance. */
#include "check.h"
#include <linux/futex.h>

static uint32_t word, second, third;
static int woken;

static long futex(uint32_t *at, int op, uint32_t value, void *time, uint32_t *other,
                  uint32_t last) {
  return syscall(SYS_futex, at, op, value, time, other, last);
}

static void *waiter(void *argument) {
  int bits = (int)(long)argument;
  while (__atomic_load_n(&word, __ATOMIC_SEQ_CST) == 0) {
    long rc = bits ? futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 0, NULL, NULL, (uint32_t)bits)
                   : futex(&word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
    EXPECT(rc == 0 || errno == EAGAIN || errno == EINTR);
    if (rc == 0) break;
  }
  __atomic_fetch_add(&woken, 1, __ATOMIC_SEQ_CST);
  return NULL;
}

/* Wakes until all have come: how many are asleep already is nobody's promise. */
static void wake_all(pthread_t *threads, int count, int op, uint32_t bits) {
  while (__atomic_load_n(&woken, __ATOMIC_SEQ_CST) < count) {
    EXPECT(futex(&word, op, 1, NULL, NULL, bits) >= 0);
    usleep(200);
  }
  for (int i = 0; i < count; i++) pthread_join(threads[i], NULL);
  woken = 0;
}

int main(void) {
  EXPECT_ERR(futex(&word, FUTEX_WAIT, 1, NULL, NULL, 0), EAGAIN);
  EXPECT_EQ(futex(&word, FUTEX_WAKE, 10, NULL, NULL, 0), 0);
  struct timespec limit = {.tv_nsec = 3000000};
  long long before = now_ns(CLOCK_MONOTONIC);
  EXPECT_ERR(futex(&word, FUTEX_WAIT, 0, &limit, NULL, 0), ETIMEDOUT);
  EXPECT(now_ns(CLOCK_MONOTONIC) - before >= 3000000);
  long long at = now_ns(CLOCK_MONOTONIC) + 2000000;
  struct timespec until = {at / 1000000000, at % 1000000000};
  EXPECT_ERR(futex(&word, FUTEX_WAIT_BITSET, 0, &until, NULL, ~0u), ETIMEDOUT);
  EXPECT(now_ns(CLOCK_MONOTONIC) >= at);
  EXPECT_ERR(futex(&word, FUTEX_WAIT_BITSET, 0, NULL, NULL, 0), EINVAL);
  EXPECT_ERR(futex((uint32_t *)((char *)&word + 1), FUTEX_WAIT, 0, &limit, NULL, 0), EINVAL);
  EXPECT_ERR(futex((uint32_t *)8, FUTEX_WAIT, 0, &limit, NULL, 0), EFAULT);
  EXPECT_ERR(futex(&word, 99, 0, NULL, NULL, 0), ENOSYS);
  limit.tv_nsec = 2000000000;
  EXPECT_ERR(futex(&word, FUTEX_WAIT, 0, &limit, NULL, 0), EINVAL);
  fact("time-outs and refusals");

  pthread_t threads[5];
  for (int i = 0; i < 5; i++) pthread_create(&threads[i], NULL, waiter, NULL);
  wake_all(threads, 5, FUTEX_WAKE_PRIVATE, 0);
  for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, waiter, (void *)4);
  EXPECT_EQ(futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 9, NULL, NULL, 3), 0); /* no bit in common */
  wake_all(threads, 2, FUTEX_WAKE_BITSET_PRIVATE, 6);

  /* Requeue: those moved to the second word are woken there. */
  for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, waiter, NULL);
  int moved = 0;
  while (__atomic_load_n(&woken, __ATOMIC_SEQ_CST) < 4) {
    long rc = futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)3, &second, 0);
    EXPECT(rc >= 0);
    if (rc > 0) moved++;
    EXPECT(futex(&second, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0) >= 0);
    usleep(200);
  }
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  woken = 0;
  note("moved in %d turns", moved);
  EXPECT_ERR(futex(&word, FUTEX_CMP_REQUEUE, 1, (void *)3, &second, 7), EAGAIN);
  EXPECT_EQ(futex(&word, FUTEX_REQUEUE, 1, (void *)3, &second, 0), 0);

  third = 5;
  EXPECT_EQ(futex(&word, FUTEX_WAKE_OP, 1, (void *)1, &third,
                  FUTEX_OP(FUTEX_OP_ADD, 3, FUTEX_OP_CMP_EQ, 5)), 0);
  EXPECT_EQ(third, 8);
  uint32_t held = 0;
  EXPECT_EQ(futex(&held, FUTEX_LOCK_PI, 0, NULL, NULL, 0), 0);
  EXPECT_EQ(held & FUTEX_TID_MASK, gettid());
  EXPECT_ERR(futex(&held, FUTEX_LOCK_PI, 0, NULL, NULL, 0), EDEADLK);
  EXPECT_EQ(futex(&held, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), 0);
  EXPECT_EQ(held, 0);
  EXPECT_EQ(futex(&held, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0), 0);
  EXPECT_EQ(futex(&held, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), 0);
  fact("woken, moved and locked");
  return finish();
}
