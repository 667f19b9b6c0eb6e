/* chance.c: random bytes from the call, the device and the start of the program.
 * Expected: replicable */
#include "small.h"
#include <sys/auxv.h>
#include <sys/random.h>

int main(void) {
  unsigned long word = 0;
  NEED(getrandom(&word, sizeof word, 0));
  tell("getrandom", word);
  int fd = (int)NEED(open("/dev/urandom", O_RDONLY));
  NEED(read(fd, &word, sizeof word));
  tell("urandom", word);
  tell("auxiliary vector", *(unsigned long *)getauxval(AT_RANDOM));
  return 0;
}
