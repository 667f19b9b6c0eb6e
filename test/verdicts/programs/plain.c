/* plain.c: reads nothing but its arguments.
 * Expected: replicable */
#include "small.h"

int main(int argc, char **argv) {
  tell("arguments", (unsigned long)argc);
  tell("letters", strlen(argv[0]) > 0);
  return 0;
}
