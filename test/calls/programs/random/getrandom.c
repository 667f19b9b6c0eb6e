/* getrandom: lengths, flags, no repetition; the bytes are the same in replay. */
#include "check.h"
#include <sys/random.h>

int main(void) {
  unsigned char *bytes = guarded(64), *other = guarded(64);
  EXPECT_EQ(getrandom(bytes, 32, 0), 32);
  EXPECT(untouched(bytes, 32));
  EXPECT_EQ(getrandom(other, 32, GRND_NONBLOCK), 32);
  EXPECT(memcmp(bytes, other, 32) != 0);
  note("%02x%02x%02x%02x %02x%02x", bytes[0], bytes[1], bytes[2], bytes[3], other[0], other[1]);
  EXPECT_EQ(getrandom(bytes, 0, 0), 0);
  EXPECT_EQ(RAW(SYS_getrandom, bytes, 1, 0), 1);
  EXPECT_EQ(RAW(SYS_getrandom, bytes, 64, GRND_RANDOM), 64);
  EXPECT(untouched(bytes, 64));
  EXPECT_ERR(getrandom(bytes, 8, 0xff0), EINVAL);
  EXPECT_ERR(syscall(SYS_getrandom, 8, 16, 0), EFAULT);
  EXPECT_EQ(getentropy(other, 64), 0);

  /* More than one record may carry at once, and more than 256 bytes may come short. */
  size_t size = 300000, have = 0;
  unsigned char *much = malloc(size);
  while (have < size) {
    long got = OK(getrandom(much + have, size - have, 0));
    if (got <= 0) break;
    have += (size_t)got;
  }
  unsigned sum = 0;
  for (size_t i = 0; i < size; i++) sum = sum * 31 + much[i];
  note("sum %08x", sum);
  for (int i = 0; i < 1000; i++) {
    EXPECT_EQ(getrandom(bytes, 1, 0), 1);
    sum = sum * 31 + bytes[0];
  }
  note("sum %08x", sum);
  fact("getrandom gives what is asked");
  return finish();
}
