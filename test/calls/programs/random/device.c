/* /dev/urandom, /dev/random, /dev/zero, /dev/null and /dev/full, and libc's own generators. */
#include "check.h"

int main(void) {
  unsigned char *bytes = guarded(100);
  const char *devices[] = {"/dev/urandom", "/dev/random"};
  for (size_t i = 0; i < LENGTH(devices); i++) {
    int fd = (int)OK(open(devices[i], O_RDONLY | O_CLOEXEC));
    EXPECT_EQ(read(fd, bytes, 40), 40);
    EXPECT_EQ(read(fd, bytes + 40, 20), 20);
    note("%s %02x%02x%02x %02x", devices[i], bytes[0], bytes[1], bytes[39], bytes[40]);
    EXPECT_EQ(pread(fd, bytes, 8, 100), 8);
    struct iovec parts[2] = {{bytes, 3}, {bytes + 10, 5}};
    EXPECT_EQ(readv(fd, parts, 2), 8);
    EXPECT_EQ(close(fd), 0);
  }
  EXPECT(untouched(bytes, 60));

  int zero = (int)OK(open("/dev/zero", O_RDWR));
  EXPECT_EQ(read(zero, bytes, 50), 50);
  EXPECT_EQ(bytes[0] | bytes[49], 0);
  unsigned char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, zero, 0);
  EXPECT(page != MAP_FAILED);
  EXPECT_EQ(page[100], 0);
  page[100] = 1;
  EXPECT_EQ(write(zero, bytes, 50), 50);
  int null = (int)OK(open("/dev/null", O_RDWR));
  EXPECT_EQ(read(null, bytes, 50), 0);
  EXPECT_EQ(write(null, bytes, 50), 50);
  int full = (int)OK(open("/dev/full", O_RDWR));
  EXPECT_ERR(write(full, bytes, 1), ENOSPC);

  srandom(42);
  fact("random() %ld %ld", random(), random());
  srand(7);
  fact("rand() %d", rand());
  note("arc4random %u %u", arc4random(), arc4random_uniform(1000));
  return finish();
}
