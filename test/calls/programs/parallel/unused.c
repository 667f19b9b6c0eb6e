/* What is left in registers that a call does not look at differs from run to run: here it comes
 * from memory that another thread writes all the time, unordered. It is no part of the call. */
#include "check.h"
#include <stdatomic.h>
#include <sys/prctl.h>

static atomic_ulong beat;
static atomic_int over;

static void *work(void *unused) {
  (void)unused;
  while (!over) beat++;
  return NULL;
}

int main(void) {
  pthread_t thread;
  EXPECT_EQ(pthread_create(&thread, NULL, work, NULL), 0);
  for (int i = 0; i < 20; i++) {
    while (beat < 2 * (unsigned long)i) {} /* nothing is shown of it but to the calls */
    EXPECT(prctl(PR_CAPBSET_READ, 0, beat, beat, beat) >= 0);
    EXPECT(prctl(PR_GET_DUMPABLE, beat, beat, beat, beat) >= 0);
    EXPECT(syscall(SYS_fcntl, 1, F_GETFD, beat) >= 0);
    EXPECT(syscall(SYS_fcntl, 1, F_GETFL, beat) >= 0);
  }
  over = 1;
  EXPECT_EQ(pthread_join(thread, NULL), 0);
  beat = 0;
  return finish();
}
