/* counters.c: a mapping that the kernel writes to (perf events).
 * Expected: not replicable */
#include "small.h"
#include <linux/perf_event.h>

int main(void) {
  struct perf_event_attr what = {
    .type = PERF_TYPE_SOFTWARE, .size = sizeof what, .config = PERF_COUNT_SW_TASK_CLOCK,
  };
  int fd = (int)NEED(syscall(SYS_perf_event_open, &what, 0, -1, -1, 0));
  struct perf_event_mmap_page *page =
    mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (page == MAP_FAILED) return 1;
  tell("version", page->version);
  return 0;
}
